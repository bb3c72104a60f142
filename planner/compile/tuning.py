"""Tuners: an operation that makes the suggestions of a sweep, compiled as if it were written beside it (13.4).

What a tuner is given when its run starts are values under the names in `GIVEN`, for its templates; a component that
declares an input of such a name gets the value. When it runs is decided where sweeps are walked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from planner.canon import Json
from planner.compile.bindings import Source
from planner.compile.patch import Placed
from planner.compile.task import Bound
from planner.model.desired import CompiledOperation
from planner.spec import matrix as spec
from planner.spec.operation import Operation
from planner.spec.optimization import Tuner

__all__ = ["GIVEN", "SUGGESTIONS", "CompileTuner", "iterations_of", "tuner_of"]

GIVEN = ("matrix", "iteration", "bracket_iteration", "configs", "metrics")
"""What a tuner is given: the matrix as written, the iteration from 0, and of each trial that counts its params and what
it reported, the best first where the sweep has a metric."""
SUGGESTIONS = "suggestions"
"""The output of a tuner: a list of mappings, the params of each further trial."""

CompileTuner = Callable[[Placed[Operation], Mapping[str, Source]], CompiledOperation | None]
"""Compiles a tuner: as if written, and what it is given; None with a problem."""


def tuner_of(matrix: spec.Matrix, bound: Bound, compile_one: CompileTuner) -> tuple[CompiledOperation | None, str]:
    """The tuner of a sweep, and why it cannot be one, or ""; None where it has none, or with a problem.

    Args:
        matrix: as written.
        bound: the operation that it is of.
        compile_one: compiles an operation.
    """
    said = getattr(matrix, "tuner", None)
    if isinstance(said, str):
        return None, "what makes the suggestions of a sweep must be known when it is read (`tuner`)"
    if not isinstance(said, Tuner):
        needs = isinstance(matrix, spec.IterativeSweep)
        return None, "an iterative sweep needs a `tuner` that makes its suggestions" if needs else ""
    operation = bound.task.operation
    assert operation is not None
    origin = operation.origin.at("matrix", "tuner")
    compiled = compile_one(Placed(_operation(said), origin), dict.fromkeys(GIVEN, "matrix"))
    if compiled is None:
        return None, ""
    if compiled.refused:
        return compiled, f"its tuner cannot run here: {compiled.refused}"
    if compiled.kind in {"service", "dag", "matrix"}:
        return compiled, f"a tuner is a job that ends with its suggestions, and {said.hub_ref} is a {compiled.kind}"
    return compiled, ""


def _operation(said: Tuner) -> Operation:
    """The tuner as the operation that it stands for."""
    fields: dict[str, Any] = {
        "name": "tuner",
        "hub_ref": said.hub_ref,
        "params": said.params if isinstance(said.params, dict) else None,
        "presets": said.presets,
        "queue": said.queue,
        "namespace": said.namespace,
    }
    return Operation.model_validate({name: value for name, value in fields.items() if value is not None})


def iterations_of(matrix: spec.Matrix, brackets: int) -> int:
    """How many times a tuner is asked at most."""
    said: Json = getattr(matrix, "max_iterations", None)
    if isinstance(matrix, spec.HyperbandSweep):
        return brackets * (brackets + 1) // 2  # each rung of each bracket
    return said if isinstance(said, int) else 1
