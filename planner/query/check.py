"""What no run here can have: said when a query is read, as an empty result would say that there are no such runs."""

from __future__ import annotations

from planner.model.status import RunStatus
from planner.query.order import Order
from planner.query.subject import HELD
from planner.spec.query import All, Condition, Either, Query, QueryError
from planner.spec.query_fields import HOLE
from planner.spec.words import nearest, short

__all__ = ["check_query", "check_sort"]

_WORDS = {
    "status": frozenset({*map(str, RunStatus), "compiled", "resuming"}),
    "cloning_kind": frozenset({"cache", "copy", "restart"}),
}
"""Fields with a closed set of values, those of the reference included."""


def check_query(query: Query) -> None:
    """Look at every condition.

    Raises:
        QueryError: one asks for a field that no run here has, or for a value that it never has.
    """
    match query:
        case All(parts) | Either(parts):
            for part in parts:
                check_query(part)
        case Condition():
            try:
                _check_field(query.field, query.sub)
                _check_words(query)
            except QueryError as error:
                error.column = query.column
                raise


def check_sort(order: Order) -> None:
    """Look at the fields that runs are ordered by.

    Raises:
        QueryError: one is a field that no run here has.
    """
    for name, sub, _ in order:
        _check_field(name, sub)


def _check_field(name: str, sub: str) -> None:
    if HOLE in name:
        return
    if name not in HELD:
        raise QueryError(f"no run here has a `{name}`", f"use one of {', '.join(sorted(HELD))}")
    if sub == "uuid" and name in {"project", "queue"}:
        raise QueryError(f"a {name} here has no uuid", f"write `{name}`, which is its name")


def _check_words(condition: Condition) -> None:
    known = _WORDS.get(condition.field)
    if known is None or condition.operator not in {"eq", "in"}:
        return
    for value in condition.values:
        if value not in known:
            near = nearest(str(value), known)
            hint = f"did you mean `{near}`?" if near else f"use one of {', '.join(sorted(known))}"
            raise QueryError(f"no run ever has the {condition.field} `{short(str(value))}`", hint)
