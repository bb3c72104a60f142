"""What an index can tell before any run is read: conditions that every run that matches meets, and more may.

Narrowing never decides: what is left is asked of `matches`. So a condition that no index serves is simply left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from planner.query.moments import span
from planner.spec.query import All, Condition, Query

__all__ = ["Narrowed", "narrowed"]

_EXACT = 2**53
"""Below it every database compares whole numbers and fractions as Python does."""
_PLAIN = re.compile(r"[-\w]+", re.ASCII)
"""Names of outputs that need no quoting anywhere."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """Conditions of an index.

    Attributes:
        statuses: one of these; None for any. Says nothing of a run that was carried over and goes on.
        runtimes: one of these kinds; None for any.
        below: the run with this id or key, or one below the same top; "" for any.
        named: each of these is part of its key or of the name of its root, in some case.
        numbers: outputs that are numbers, with the operator and what they are compared with. Says nothing of a run
            that was carried over, and nothing of text, which may say a number.
        opened_from: opened at this instant or later.
        opened_before: opened before this instant.
    """

    statuses: frozenset[str] | None = None
    runtimes: frozenset[str] | None = None
    below: str = ""
    named: frozenset[str] = frozenset()
    numbers: tuple[tuple[str, str, float], ...] = ()
    opened_from: datetime | None = None
    opened_before: datetime | None = None


def narrowed(query: Query | None, now: datetime) -> Narrowed:
    """What an index can tell of the runs that match.

    Args:
        query: None for all runs.
        now: the instant of the question.
    """
    must = list(_must(query)) if query is not None else []
    begin, end = _opened(must, now)
    return Narrowed(
        statuses=_words(must, "status"),
        runtimes=_words(must, "runtime"),
        below=_below(must),
        named=frozenset(_named(must)),
        numbers=tuple(_numbers(must)),
        opened_from=begin,
        opened_before=end,
    )


def _must(query: Query) -> Iterator[Condition]:
    """Conditions that hold of every run that matches."""
    match query:
        case All(parts):
            for part in parts:
                yield from _must(part)
        case Condition(negated=False):
            yield query
        case _:
            return


def _words(must: list[Condition], field: str) -> frozenset[str] | None:
    said = [
        frozenset(map(str, condition.values))
        for condition in must
        if condition.field == field and condition.operator in {"eq", "in"}
    ]
    return frozenset.intersection(*said) if said else None


def _below(must: list[Condition]) -> str:
    """Runs in a pipeline have its top, whatever the pipeline is."""
    for condition in must:
        if condition.field in {"pipeline", "controller"} and condition.sub != "name" and condition.operator == "eq":
            return str(condition.values[0])
    return ""


def _named(must: list[Condition]) -> Iterator[str]:
    for condition in must:
        if condition.field == "name" and condition.operator in {"eq", "like"}:
            yield str(condition.values[0]).strip("%").casefold()


def _numbers(must: list[Condition]) -> Iterator[tuple[str, str, float]]:
    for condition in must:
        if condition.field not in {"outputs", "metrics"} or condition.operator not in {"eq", "lt", "le", "gt", "ge"}:
            continue
        (value,) = condition.values
        if not isinstance(value, int | float) or isinstance(value, bool) or abs(value) >= _EXACT:
            continue
        if _PLAIN.fullmatch(condition.sub):
            yield condition.sub, condition.operator, value


def _opened(must: list[Condition], now: datetime) -> tuple[datetime | None, datetime | None]:
    begins: list[datetime] = []
    ends: list[datetime] = []
    for condition in must:
        if condition.field != "created_at" or not condition.values:
            continue
        spans = [span(str(value), now) for value in condition.values]
        if condition.operator in {"eq", "between", "ge"}:
            begins.append(spans[0].begin)
        if condition.operator == "gt":
            begins.append(spans[0].end)
        if condition.operator in {"eq", "between", "le"}:
            ends.append(spans[-1].end)
        if condition.operator == "lt":
            ends.append(spans[0].begin)
    return max(begins, default=None), min(ends, default=None)
