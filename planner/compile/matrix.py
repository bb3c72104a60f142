"""Sweeps before there is a run: whether they can be made, and whether somebody meant so many (reference, section 13).

Whether a value fits its input is asked where inputs are bound; how a sweep chooses is decided where it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from planner import canon
from planner.compile.origin import Origin, Report, warning
from planner.compile.space import brackets, combinations
from planner.errors import Problem
from planner.search.rungs import MOST_BRACKETS
from planner.spec import matrix as spec
from planner.spec.distributions import Choice, Distribution, PChoice
from planner.spec.io import IO
from planner.spec.words import short

__all__ = ["MAX_IMPLIED", "check_matrix"]

MAX_IMPLIED = 1_000
"""Runs that a grid starts without anybody having written how many."""


def check_matrix(matrix: spec.Matrix, ios: Sequence[IO], origin: Origin, report: Report) -> None:
    """What is wrong with a sweep as a whole.

    Args:
        matrix: of an operation.
        ios: the inputs of its component.
        origin: where the matrix is written.
        report: takes problems.
    """
    for problem in _problems(matrix, ios, origin):
        report.add(problem)


def _problems(matrix: spec.Matrix, ios: Sequence[IO], origin: Origin) -> Iterator[Problem]:
    if isinstance(matrix, spec.GridSweep):
        yield from _too_large(matrix, origin)
    if isinstance(matrix, spec.HyperbandSweep):
        yield from _hyperband(matrix, ios, origin)
    if not isinstance(matrix, spec.MappingSweep):
        for name, distribution in (matrix.params or {}).items():
            yield from _twins(distribution, origin.at("params", name, "value"))


def _too_large(matrix: spec.GridSweep, origin: Origin) -> Iterator[Problem]:
    count = combinations(matrix.params)
    if matrix.num_runs is None and count is not None and count > MAX_IMPLIED:
        many = f"{count:,}" if count < 10**12 else "more than a million million"
        hint = "write `numRuns` for the first ones only, or use `kind: random`"
        yield origin.at("params").key_problem("PL-204", f"a grid of {many} combinations", hint)


def _hyperband(matrix: spec.HyperbandSweep, ios: Sequence[IO], origin: Origin) -> Iterator[Problem]:
    count = brackets(matrix)
    if count is not None and count > MOST_BRACKETS:
        message = f"hyperband would have {count:,} brackets, more than {MOST_BRACKETS}"
        yield origin.at("eta").problem("PL-204", message, "write a larger `eta`, such as 3")
    name = matrix.resource.name
    if name in matrix.params:
        message = f"`{short(name)}` is the resource, and a param to choose as well"
        yield origin.at("params", name).key_problem("PL-209", message, "remove one of them")
    io = next((io for io in ios if io.name == name), None)
    if io is not None and (io.is_list or io.type not in {None, "any", "int", "float", "metric"}):
        message = f"the resource is a number, and the input `{short(name)}` is of type {short(io.type or 'list')}"
        yield origin.at("resource", "name").problem("PL-306", message, "give the input the type `int` or `float`")


def _twins(distribution: Distribution, origin: Origin) -> Iterator[Problem]:
    """Values that are listed twice: the second one is the same run again, or counts double."""
    if not isinstance(distribution, Choice | PChoice) or isinstance(distribution.value, str):
        return
    weighted = isinstance(distribution, PChoice)
    seen: set[str] = set()
    for index, entry in enumerate(distribution.value):
        value: Any = entry[0] if weighted else entry
        said = canon.dumps(value)
        if said in seen:
            where = origin.at(index, 0) if weighted else origin.at(index)
            yield warning(where.problem("PL-211", f"{short(said)} is listed twice", "remove one of them"))
        seen.add(said)
