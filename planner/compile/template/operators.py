"""Arithmetic and comparison of JSON values.

Numbers, strings and lists behave as in Python, with three exceptions: a boolean is no number, `%` does not format
strings, and everything that could grow pays for its result before it is made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from planner.canon import Json
from planner.compile.template.budget import Budget
from planner.compile.template.errors import REFUSED, FaultError
from planner.compile.template.values import checked, frozen, is_number, kind, less

__all__ = ["binary", "compare", "contains", "equal", "negative"]

_Number = int | float

_ARITHMETIC: Mapping[str, Callable[[_Number, _Number], _Number]] = MappingProxyType(
    {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b,
        "//": lambda a, b: a // b,
        "%": lambda a, b: a % b,
    }
)


def binary(op: str, left: Json, right: Json, budget: Budget) -> Json:
    """`left op right`.

    Raises:
        FaultError: PL-406 for operands that do not go together or a division by zero, PL-407 for a result too large.
    """
    if is_number(left) and is_number(right):
        return _arithmetic(op, left, right)
    if op == "+":
        return _joined(left, right, budget)
    if op == "*":
        return _repeated(left, right, budget)
    raise _mismatch(op, left, right)


def negative(value: Json) -> Json:
    """`-value` of a number.

    Raises:
        FaultError: PL-406 for anything else.
    """
    if is_number(value):
        return -value
    raise FaultError(REFUSED, f"'-' needs a number, not a {kind(value)}")


def compare(op: str, left: Json, right: Json, budget: Budget) -> bool:
    """Whether `left op right` holds.

    Raises:
        FaultError: PL-406 for an order between values that have none.
    """
    match op:
        case "==":
            return equal(left, right, budget)
        case "!=":
            return not equal(left, right, budget)
        case "<":
            return less(left, right, budget)
        case ">":
            return less(right, left, budget)
        case "<=":
            return not less(right, left, budget)
        case ">=":
            return not less(left, right, budget)
        case "in":
            return contains(right, left, budget)
        case _:
            return not contains(right, left, budget)


def equal(left: Json, right: Json, budget: Budget) -> bool:
    """Equality by content: 1 equals 1.0, true does not equal 1."""
    return frozen(left, budget) == frozen(right, budget)


def contains(owner: Json, item: Json, budget: Budget) -> bool:
    """Whether a list has the item, a mapping the key or a string the part.

    Raises:
        FaultError: PL-406 for other owners, and for a part of a string that is no string.
    """
    match owner:
        case str() if isinstance(item, str):
            budget.scan(len(owner))
            return item in owner
        case list() | tuple():
            wanted = frozen(item, budget)
            return any(frozen(part, budget) == wanted for part in owner)
        case Mapping():
            kind(item)
            return isinstance(item, str) and item in owner
        case _:
            raise _mismatch("in", item, owner)


def _arithmetic(op: str, left: _Number, right: _Number) -> _Number:
    try:
        return checked(_ARITHMETIC[op](checked(left), checked(right)))
    except ZeroDivisionError:
        raise FaultError(REFUSED, "division by zero") from None
    except OverflowError:
        raise FaultError(REFUSED, "the result is not a finite number") from None


def _joined(left: Json, right: Json, budget: Budget) -> Json:
    if isinstance(left, str) and isinstance(right, str):
        budget.grow(len(left) + len(right))
        return left + right
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        budget.grow(len(left) + len(right))
        return [*left, *right]
    raise _mismatch("+", left, right)


def _repeated(left: Json, right: Json, budget: Budget) -> Json:
    if is_number(left):
        left, right = right, left
    if not isinstance(right, int) or isinstance(right, bool) or not isinstance(left, str | list | tuple):
        raise _mismatch("*", left, right)
    times = max(right, 0) if left else 0  # Python counts no further than an index, whatever is repeated
    budget.grow(len(left) * times)
    return left * times if isinstance(left, str) else list(left) * times


def _mismatch(op: str, left: Json, right: Json) -> FaultError:
    hint = "write '~' to put texts together" if op == "+" and "string" in (kind(left), kind(right)) else ""
    return FaultError(REFUSED, f"'{op}' does not work on a {kind(left)} and a {kind(right)}", hint=hint)
