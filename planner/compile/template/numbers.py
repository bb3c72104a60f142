"""Filters on numbers, and from text to numbers. A text that is no number is an error unless a default is given."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from planner.canon import Json
from planner.compile.template.errors import REFUSED, FaultError
from planner.compile.template.given import Given
from planner.compile.template.values import checked, integer, is_number, kind

__all__ = ["absolute", "rounded", "to_float", "to_int"]

_DIGITS = 200
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?")
_BASED = re.compile(r"[+-]?(?:0[xXoObB])?[0-9a-zA-Z]+")

_ROUND: Mapping[str, Callable[[float], float]] = MappingProxyType({"ceil": math.ceil, "floor": math.floor})


def to_int(value: Json, given: Given) -> Json:
    """The integer that `value` is or says; fractions are cut off."""
    base = integer(given.args.get("base", 10), "'base'")
    if base not in (2, 8, 10, 16):
        raise FaultError(REFUSED, "'base' is 2, 8, 10 or 16")
    number = _parsed(value, base)
    if number is None:
        return _fallback(value, given, "integer")
    try:
        return checked(int(number))
    except OverflowError:
        return _fallback(value, given, "integer")


def to_float(value: Json, given: Given) -> Json:
    """The float that `value` is or says."""
    number = _parsed(value, 10)
    try:
        if number is not None and math.isfinite(float(number)):
            return float(number)
    except OverflowError:
        pass
    return _fallback(value, given, "number")


def absolute(value: Json) -> Json:
    """Without its sign."""
    return abs(_number(value, "abs"))


def rounded(value: Json, given: Given) -> Json:
    """Rounded to `precision` digits after the point: to the nearest (halves to even), `ceil` or `floor`."""
    number = _number(value, "round")
    precision = integer(given.args.get("precision", 0), "'precision'")
    method = given.args.get("method", "common")
    if not -15 <= precision <= 15:
        raise FaultError(REFUSED, "'precision' is between -15 and 15")
    if method == "common":
        return checked(round(number, precision))
    if not isinstance(method, str) or method not in _ROUND:
        raise FaultError(REFUSED, "'method' is common, ceil or floor")
    try:
        scale = 10.0**precision
        return checked(_ROUND[method](checked(number * scale)) / scale)
    except OverflowError:
        raise FaultError(REFUSED, "the result is not a finite number") from None


def _parsed(value: Json, base: int) -> int | float | None:
    """The number in `value`, or None."""
    if isinstance(value, bool | int | float):
        return value
    if not isinstance(value, str) or len(value) > _DIGITS:
        return None
    word = value.strip()
    try:
        if base != 10:
            return int(word, base) if _BASED.fullmatch(word) else None
        if _INTEGER.fullmatch(word):
            return int(word)
        return float(word) if _DECIMAL.fullmatch(word) else None
    except ValueError:
        return None


def _fallback(value: Json, given: Given, what: str) -> Json:
    if "default" in given.args:
        return given.args["default"]
    raise FaultError(REFUSED, f"this {kind(value)} is no {what}", hint="give a default for what is none")


def _number(value: Json, name: str) -> int | float:
    if is_number(value):
        return value
    raise FaultError(REFUSED, f"'{name}' needs a number, not a {kind(value)}")
