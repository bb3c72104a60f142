"""Whether a run is what a query asks for. Pure, and total: whatever values a run has, the answer is yes or no.

`~` is plain negation: a run without a value is not equal to any, so `~` finds it. Values of different types are unequal
and in no order; a whole number and a fraction are both numbers.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from planner.canon import Json
from planner.query.moments import span
from planner.query.subject import Subject, Value, number_of, values
from planner.spec.query import All, Condition, Either, Query
from planner.spec.queues import amount

__all__ = ["matches"]

_SHORTEST_COMMIT = 4
_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
_AMOUNTS = frozenset({"cpu", "memory", "gpu"})


def matches(query: Query, subject: Subject, now: datetime) -> bool:
    """Whether `query` holds of a run.

    Args:
        query: without templates, its fields in `planner.query.subject.HELD` (`check_query`).
        subject: the run, with what `needs` says.
        now: the instant of the question, for `last_month`.
    """
    match query:
        case All(parts):
            return all(matches(part, subject, now) for part in parts)
        case Either(parts):
            return any(matches(part, subject, now) for part in parts)
        case Condition():
            return _holds(query, subject, now)


def _holds(condition: Condition, subject: Subject, now: datetime) -> bool:
    if condition.operator == "any":
        return True
    found = values(subject, condition.field, condition.sub)
    if condition.operator == "nil":
        return (not found) is not condition.negated
    return any(_is(condition, value, now) for value in found) is not condition.negated


def _is(condition: Condition, value: Value, now: datetime) -> bool:
    if isinstance(value, datetime):
        return _is_at(condition, value, now)
    wanted = condition.values
    match condition.operator:
        case "eq" | "in":
            return any(_equal(condition.field, value, one) for one in wanted)
        case "like":
            return _like(str(value).casefold(), str(wanted[0]).casefold())
        case "lt" | "le" | "gt" | "ge":
            bound = _number(condition.field, wanted[0])
            return _compared(_ORDERS[condition.operator], _read(condition.field, value, bound), bound)
        case _:
            return False


def _is_at(condition: Condition, at: datetime, now: datetime) -> bool:
    spans = [span(str(value), now) for value in condition.values]
    first, last = spans[0], spans[-1]
    match condition.operator:
        case "lt":
            return at < first.begin
        case "le":
            return at < first.end
        case "gt":
            return at >= first.end
        case "ge":
            return at >= first.begin
        case "between":
            return first.begin <= at < last.end
        case _:
            return any(one.holds(at) for one in spans)


def _equal(field: str, value: Value, wanted: Json) -> bool:
    if field == "commit":
        text = str(wanted).lower()
        return str(value) == text or (len(text) >= _SHORTEST_COMMIT and str(value).startswith(text))
    number = _number(field, wanted)
    return _compared(operator.eq, _read(field, value, number), number)


def _number(field: str, wanted: Json) -> Value:
    """What is compared with: amounts of resources may have a suffix."""
    found = amount(str(wanted)) if field in _AMOUNTS else None
    return wanted if found is None else found


def _read(field: str, value: Value, wanted: Value) -> Value:
    """The value, or the number that the text of an output says where a number is asked for."""
    if field == "outputs" and isinstance(value, str) and _is_number(wanted):
        found = number_of(value)
        return value if found is None else found
    return value


def _compared(how: Callable[[Any, Any], bool], value: Value, wanted: Value) -> bool:
    if _is_number(value) and _is_number(wanted):
        return how(value, wanted)
    if isinstance(value, str) and isinstance(wanted, str):
        return how(value, wanted)
    # Truth values, lists and objects are equal or not; no order is theirs.
    return how is operator.eq and type(value) is type(wanted) and value == wanted


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _like(text: str, pattern: str) -> bool:
    middle = pattern.strip("%")
    if pattern.startswith("%") and pattern.endswith("%"):
        return middle in text
    return text.endswith(middle) if pattern.startswith("%") else text.startswith(middle)
