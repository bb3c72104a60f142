"""JSON values inside templates: their kinds, texts, order and equality.

Every walk over data draws on the budget and has a bounded depth, since data may share parts and so be far larger
than it looks. Keys of mappings are walked in sorted order: the order of keys means nothing (design: "Words").
"""

from __future__ import annotations

import json
import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeGuard

from planner.canon import Json
from planner.compile.template.budget import MAX_BITS, MAX_DATA_DEPTH, Budget
from planner.compile.template.errors import COSTLY, REFUSED, UNDEFINED, FaultError
from planner.compile.template.symbols import Symbol

__all__ = ["checked", "copy", "encode", "frozen", "integer", "is_number", "kind", "less", "listed", "text", "truth"]


def kind(value: object) -> str:
    """The word for what `value` is, as messages and docs say it.

    Raises:
        FaultError: PL-405 for a symbol.
        TypeError: for what is not JSON data: our fault, not the template's.
    """
    match value:
        case None:
            return "none"
        case bool():
            return "boolean"
        case int() | float():
            return "number"
        case str():
            return "string"
        case list() | tuple():
            return "list"
        case Mapping():
            return "mapping"
        case Symbol():
            raise FaultError(UNDEFINED, f"'{value.path}' is not known yet")
        case _:
            raise TypeError(f"{type(value).__name__} is not JSON data")


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether `value` is an integer or float, and no boolean."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def integer(value: object, what: str) -> int:
    """`value` if it is an integer.

    Raises:
        FaultError: PL-406, where `what` names it.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise FaultError(REFUSED, f"{what} must be an integer, not a {kind(value)}")


def checked(value: float) -> int | float:
    """A computed number, if it is one that JSON can carry.

    Raises:
        FaultError: PL-407 for an integer that is too large, PL-406 for NaN and infinities.
    """
    if isinstance(value, int):
        if value.bit_length() > MAX_BITS:
            raise FaultError(COSTLY, f"integers have at most {MAX_BITS} bits")
    elif not math.isfinite(value):
        raise FaultError(REFUSED, "the result is not a finite number")
    return value


def truth(value: Json) -> bool:
    """Whether `value` counts as true: not none, false, zero or empty."""
    kind(value)
    return bool(value)


def text(value: Json, budget: Budget) -> str:
    """`value` inside a larger text: strings as they are, none as nothing, the rest as JSON."""
    match value:
        case None:
            return ""
        case str():
            return value
        case _:
            return encode(value, budget)


def encode(value: Json, budget: Budget) -> str:
    """Compact JSON of `value`, keys sorted."""
    parts: list[str] = []
    _encode(value, budget, 0, parts)
    return "".join(parts)


def _encode(value: Json, budget: Budget, depth: int, parts: list[str]) -> None:
    budget.step()
    match value:
        case str():
            _emit(_quoted(value, budget), budget, parts)
        case None | bool():
            _emit(json.dumps(value), budget, parts)
        case int() | float():
            _emit(repr(checked(value)), budget, parts)
        case list() | tuple():
            _emit("[", budget, parts)
            for index, item in enumerate(value):
                _emit("," if index else "", budget, parts)
                _encode(item, budget, _deeper(depth), parts)
            _emit("]", budget, parts)
        case Mapping():
            _emit("{", budget, parts)
            for index, key in enumerate(sorted(value)):
                _emit(("," if index else "") + _quoted(key, budget) + ":", budget, parts)
                _encode(value[key], budget, _deeper(depth), parts)
            _emit("}", budget, parts)
        case _:
            kind(value)


def _emit(part: str, budget: Budget, parts: list[str]) -> None:
    budget.grow(len(part))
    parts.append(part)


def _quoted(value: str, budget: Budget) -> str:
    budget.scan(len(value))
    if len(value) > budget.size:
        budget.grow(len(value))
    return json.dumps(value, ensure_ascii=False)


def _deeper(depth: int) -> int:
    if depth >= MAX_DATA_DEPTH:
        raise FaultError(COSTLY, f"a value has at most {MAX_DATA_DEPTH} levels")
    return depth + 1


def copy(value: Json, budget: Budget, depth: int = 0) -> Json:
    """`value` as plain lists and dicts that share nothing, so that its size is what was paid for."""
    budget.step()
    match value:
        case None | bool():
            return value
        case str():
            budget.grow(len(value))
            return value
        case int() | float():
            return checked(value)
        case list() | tuple():
            budget.grow(len(value))
            return [copy(item, budget, _deeper(depth)) for item in value]
        case Mapping():
            budget.grow(sum(map(len, value)) + len(value))
            return {key: copy(item, budget, _deeper(depth)) for key, item in value.items()}
        case _:
            kind(value)
            return None


def frozen(value: Json, budget: Budget, depth: int = 0) -> Hashable:
    """A hashable stand-in: equal for equal values only. Booleans differ from numbers, 1 equals 1.0."""
    budget.step()
    match value:
        case None | bool():
            return (kind(value), value)
        case str():
            budget.scan(len(value))
            return value
        case int() | float():
            return ("number", value)
        case list() | tuple():
            return ("list", *(frozen(item, budget, _deeper(depth)) for item in value))
        case Mapping():
            pairs = ((key, frozen(value[key], budget, _deeper(depth))) for key in sorted(value))
            return ("mapping", *pairs)
        case _:
            return kind(value)


def less(left: Json, right: Json, budget: Budget) -> bool:
    """Whether `left` comes before `right`: two numbers or two strings.

    Raises:
        FaultError: PL-406 for anything else.
    """
    if is_number(left) and is_number(right):
        return left < right
    if isinstance(left, str) and isinstance(right, str):
        budget.scan(min(len(left), len(right)))
        return left < right
    raise FaultError(REFUSED, f"a {kind(left)} and a {kind(right)} have no order")


def listed(value: Json, what: str) -> Sequence[Json]:
    """The items of a list, or the sorted keys of a mapping.

    Raises:
        FaultError: PL-406 for anything else, where `what` names who asked.
    """
    match value:
        case list() | tuple():
            return value
        case Mapping():
            return sorted(value)
        case _:
            raise FaultError(REFUSED, f"{what} needs a list or mapping, not a {kind(value)}")
