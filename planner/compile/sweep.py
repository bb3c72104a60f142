"""Sweeps: an operation with a matrix becomes a search, and a trial that is the operation without it (docs/sweeps.md).

How a search chooses is decided in `planner.search`; whether values fit inputs where these are bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import assert_never

from planner import canon
from planner.canon import Json
from planner.compile.digests import identity_of
from planner.compile.provided import takes_whole
from planner.compile.scope import has_template
from planner.compile.settled import settled
from planner.compile.space import brackets, dimension
from planner.compile.task import Bound
from planner.compile.trialled import undone
from planner.compile.tuning import CompileTuner, iterations_of, tuner_of
from planner.compile.unread import unread
from planner.errors import Problem
from planner.model import search as model
from planner.model.desired import CompiledOperation, Sweep
from planner.spec import matrix as spec
from planner.spec.distributions import Distribution
from planner.spec.optimization import Metric, UtilityFunction
from planner.spec.plain import plain
from planner.spec.shape import Section

__all__ = ["KIND", "with_sweep"]

KIND = "matrix"
"""The run kind of a sweep as a whole (reference, section 12.1)."""

_OF_SWEEP = ("matrix", "conditions", "isApproved", "events", "build", "hooks")
"""Sections that are of the sweep as a whole, and of none of its trials (reference, section 13.3)."""


def with_sweep(
    compiled: CompiledOperation, written: spec.Matrix | None, bound: Bound, compile_tuner: CompileTuner
) -> CompiledOperation:
    """The operation with a sweep around what it runs; refused where the sweep cannot be known before it starts.

    Args:
        compiled: the operation, without digests.
        written: its matrix; None for an operation that has none.
        bound: the operation as it was bound.
        compile_tuner: compiles what makes its suggestions.
    """
    if written is None:
        return compiled
    matrix = _known(written, bound)
    if matrix is None:
        return _refused(compiled, "how a sweep chooses must be known when it is read (`matrix`)")
    if compiled.kind == "service":
        return _refused(compiled, "a service never ends, so no sweep would: sweep over a job or a DAG (`matrix`)")
    tuner, unable = tuner_of(written, bound, compile_tuner)
    if unable:
        return _refused(compiled, unable)
    search = _search(matrix, dict(_whole(bound)))
    sections = {name: value for name, value in compiled.sections.items() if name not in _OF_SWEEP}
    trial = replace(compiled, schedule=None, condition=None, hooks=(), sections=sections, refused="")
    if reason := undone(trial):
        return _refused(compiled, reason)
    seed, identity = getattr(matrix, "seed", None), identity_of(trial)
    for problem in _unread(matrix, [identity, trial.sections], bound):
        bound.ground.report.add(problem)
    sweep = Sweep(
        trial=trial,
        search=search,
        lineage=canon.digest({"trial": identity, "search": _unsized(search), "seed": seed}),
        seed=seed if isinstance(seed, int) else None,
        concurrency=matrix.concurrency if isinstance(matrix.concurrency, int) else None,
        early_stopping=tuple(_rules(matrix)),
        tuner=tuner,
        iterations=iterations_of(matrix, _brackets(matrix)) if tuner is not None else 0,
    )
    return replace(compiled, kind=KIND, body=sweep)


def _known(written: spec.Matrix, bound: Bound) -> spec.Matrix | None:
    operation = bound.task.operation
    assert operation is not None
    if isinstance(getattr(written, "tuner", None), Section):
        written = written.model_copy(update={"tuner": None})  # its templates are its own
    found = settled(written, operation.origin.at("matrix"), bound.scope, bound.ground.report, stays="run")
    return None if found is None or has_template(plain(found)) else found


def _unread(matrix: spec.Matrix, trial: Json, bound: Bound) -> Iterator[Problem]:
    operation = bound.task.operation
    assert operation is not None
    inputs = [io.name for io in bound.component.section.inputs or ()]
    return unread(matrix, trial, inputs, operation.origin.at("matrix"))


def _brackets(matrix: spec.Matrix) -> int:
    return brackets(matrix) or 1 if isinstance(matrix, spec.HyperbandSweep) else 1


def _refused(compiled: CompiledOperation, reason: str) -> CompiledOperation:
    return replace(compiled, refused=compiled.refused or reason)


def _whole(bound: Bound) -> Iterator[tuple[str, bool]]:
    """By input, whether it takes whole numbers."""
    for io in bound.component.section.inputs or ():
        yield io.name, not io.is_list and takes_whole(io.type or "")


def _rules(matrix: spec.Matrix) -> Iterator[Mapping[str, Json]]:
    said = plain(matrix.early_stopping)
    for rule in said if isinstance(said, list | tuple) else ():
        if isinstance(rule, Mapping):
            yield rule


def _search(matrix: spec.Matrix, whole: Mapping[str, bool]) -> model.Search:
    match matrix:
        case spec.MappingSweep():
            entries = plain(matrix.values)
            assert isinstance(entries, list | tuple)
            return model.MappingSearch(tuple(dict(entry) for entry in entries if isinstance(entry, Mapping)))
        case spec.GridSweep():
            return model.GridSearch(_space(matrix.params, whole), _number(matrix.num_runs))
        case spec.RandomSweep():
            return model.RandomSearch(_space(matrix.params, whole), _number(matrix.num_runs) or 1)
        case spec.HyperbandSweep():
            return _hyperband(matrix, whole)
        case spec.BayesSweep():
            return model.BayesSearch(
                space=_space(matrix.params, whole),
                initial=_number(matrix.num_initial_runs) or 1,
                iterations=_number(matrix.max_iterations) or 0,
                goal=_goal(matrix.metric),
                utility=_utility(matrix.utility_function),
            )
        case spec.HyperoptSweep():
            return model.HyperoptSearch(
                space=_space(matrix.params, whole),
                runs=_number(matrix.num_runs) or 1,
                iterations=_number(matrix.max_iterations) or 1,
                goal=_goal(matrix.metric),
                algorithm=matrix.algorithm or "tpe",
            )
        case spec.IterativeSweep():
            return model.IterativeSearch(_number(matrix.max_iterations) or 1, _space(matrix.params or {}, whole))
        case _:
            assert_never(matrix)


def _hyperband(matrix: spec.HyperbandSweep, whole: Mapping[str, bool]) -> model.HyperbandSearch:
    assert not isinstance(matrix.eta, str)
    resource = matrix.resource
    is_whole = resource.type == "int" if resource.type is not None else whole.get(resource.name, False)
    return model.HyperbandSearch(
        space=_space(matrix.params, whole),
        most=_number(matrix.max_iterations) or 1,
        eta=matrix.eta,
        resource=model.Resource(resource.name, is_whole),
        goal=_goal(matrix.metric),
        resume=matrix.resume is True,
        asynchronous=matrix.asynchronous is True,
    )


def _space(params: Mapping[str, Distribution], whole: Mapping[str, bool]) -> model.Space:
    return tuple(dimension(name, one, whole=whole.get(name, False)) for name, one in params.items())


def _goal(metric: Metric) -> model.Goal:
    return model.Goal(metric.name, metric.optimization != "minimize")


def _utility(said: UtilityFunction | None) -> model.Utility:
    if said is None:
        return model.UNWRITTEN
    default, process = model.Utility(), said.gaussian_process
    kernel = default.kernel
    if process is not None:
        kernel = model.Kernel(
            name=process.kernel or kernel.name,
            length_scale=_or(process.length_scale, kernel.length_scale),
            nu=_or(process.nu, kernel.nu),
            restarts=process.num_restarts_optimizer or 0,
        )
    return model.Utility(
        function=said.acquisition_function or default.function,
        kappa=_or(said.kappa, default.kappa),
        eps=_or(said.eps, default.eps),
        kernel=kernel,
        warmup=said.num_warmup or default.warmup,
        iterations=said.num_iterations or default.iterations,
    )


def _or(said: object, default: float) -> float:
    return float(said) if isinstance(said, int | float) else default


def _number(said: object) -> int | None:
    return said if isinstance(said, int) else None


def _unsized(search: model.Search) -> model.Search:
    """The search without how many trials it has: one that is extended goes on with those that it has."""
    match search:
        case model.GridSearch():
            return replace(search, limit=None)
        case model.RandomSearch():
            return replace(search, runs=0)
        case model.BayesSearch():
            return replace(search, iterations=0)
        case model.HyperoptSearch():
            return replace(search, iterations=0)
        case model.IterativeSearch():
            return replace(search, iterations=0)
        case model.MappingSearch() | model.HyperbandSearch():
            # Entries are the trials themselves: one that is as before is carried over by its digest.
            return search
        case _:
            assert_never(search)
