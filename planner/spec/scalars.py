"""Plain scalars: which YAML words are numbers, truth values or nothing.

The rules are those of YAML 1.2's core schema, so `yes`, `on`, `12:30` and `2026-01-02` are text and `1e-3` is a
number. What YAML 1.1 and 1.2 read as different numbers (`010`), and what has no place in JSON, is refused instead of
guessed. This module must never look at anything but the text of one scalar.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

__all__ = ["CORE_TAGS", "Refused", "Scalar", "plain", "tagged"]

Scalar = None | bool | int | float | str

_TAG = "tag:yaml.org,2002:"
CORE_TAGS = frozenset(_TAG + name for name in ("null", "bool", "int", "float", "str"))
"""Tags that a scalar may carry."""

_WORDS: dict[str, Scalar] = dict.fromkeys(("", "~", "null", "Null", "NULL"))
_WORDS |= dict.fromkeys(("true", "True", "TRUE"), True)
_WORDS |= dict.fromkeys(("false", "False", "FALSE"), False)

_NUMBER_STARTS = frozenset("0123456789+-.")
_INT = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")

_LONGEST = 400
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1


@dataclass(frozen=True, slots=True)
class Refused:
    """A scalar that a spec may not hold: the reason, and what to write instead."""

    reason: str
    hint: str


_QUOTE = "quote it if it is text"
_TOO_LARGE = Refused("a number that does not fit into 64 bits", _QUOTE)
_INFINITE = Refused("infinities and NaN have no place in a spec", _QUOTE)
_OCTAL = Refused("a number with a leading zero means different things to different readers", "drop the zero, or quote")


def plain(text: str) -> Scalar | Refused:
    """The value of an unquoted scalar without a tag."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_STARTS:
        return text
    return _number(text)


def tagged(tag: str, text: str) -> Scalar | Refused:
    """The value of a scalar that carries one of `CORE_TAGS`."""
    if tag == _TAG + "str":
        return text
    value = plain(text)
    if isinstance(value, Refused):
        return value
    name = tag.removeprefix(_TAG)
    if name == "float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    wanted = {"null": type(None), "bool": bool, "int": int, "float": float}[name]
    if type(value) is not wanted:
        return Refused(f"not a value of the tag `!!{name}`", "remove the tag")
    return value


def _number(text: str) -> Scalar | Refused:
    if _INT.fullmatch(text):
        digits = text.lstrip("+-")
        if digits[0] == "0" and len(digits) > 1:
            return _OCTAL
        return _TOO_LARGE if len(digits) > 20 else _bounded(int(text))
    if _BASED.fullmatch(text):
        return _TOO_LARGE if len(text) > 30 else _bounded(int(text, 0))
    if _NOT_FINITE.fullmatch(text):
        return _INFINITE
    if _FLOAT.fullmatch(text):
        return _finite(text)
    return text


def _bounded(value: int) -> int | Refused:
    return value if _SMALLEST <= value <= _LARGEST else _TOO_LARGE


def _finite(text: str) -> float | Refused:
    value = float(text) if len(text) <= _LONGEST else math.inf
    return value if math.isfinite(value) else Refused("a number too large to hold", _QUOTE)
