"""Canonical JSON and digests.

A digest is `d1:` and the first 32 hex digits of SHA-256 over canonical JSON: keys sorted, no spaces, UTF-8, integers
and floats of equal value alike (1 and 1.0), NaN and infinities refused. `d1` is a contract: the same value gives the
same digest in every version (tests/golden/digests). A change of rule is a new algorithm with a new prefix.

`shared` gives the one text that all equal texts have in common: what thousands of specs repeat is in memory once.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import Enum
from sys import intern as shared
from typing import Any

__all__ = ["Json", "digest", "dumps", "plain", "shared"]

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
"""A JSON value; sequences are lists or tuples."""

_ATOMS = frozenset({type(None), bool, int, str})
_OTHERS = (Enum, str, int, float, date, timedelta, Mapping, frozenset, set, Sequence)
"""What has a form of its own, also where a dataclass inherits from it."""
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def plain(value: object) -> Json:
    """The JSON value of `value`: enums by value, instants in ISO 8601, durations in seconds, and so on.

    Sets become sorted lists, dataclasses mappings.

    Raises:
        TypeError: for a value that has no JSON form.
        ValueError: for NaN and infinities.
    """
    # What specs consist of is told by its exact type: this is asked of every value of every operation.
    known: Any = value
    kind: Any = type(known)
    if kind in _ATOMS:
        found: Json = known
    elif kind is dict:
        found = {str(key): item if type(item) in _ATOMS else plain(item) for key, item in known.items()}
    elif kind is tuple or kind is list:
        found = [item if type(item) in _ATOMS else plain(item) for item in known]
    elif (names := _names(kind)) is not None:
        found = {name: plain(getattr(known, name)) for name in names}
    else:
        found = _rare(known)
    return found


def _rare(value: object) -> Json:
    match value:
        case Enum():
            return plain(value.value)
        case bool() | str():
            return value
        case int() | float():
            return _number(value)
        case datetime() | date():
            return value.isoformat()
        case timedelta():
            return _number(value.total_seconds())
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case frozenset() | set():
            return sorted((plain(item) for item in value), key=dumps)
        case Sequence():
            return [plain(item) for item in value]
        case _:
            raise TypeError(f"{type(value).__name__} has no canonical form")


@functools.lru_cache(maxsize=1_000)
def _names(kind: type[Any]) -> tuple[str, ...] | None:
    """The fields of a dataclass that is nothing else; None for any other type."""
    if not dataclasses.is_dataclass(kind) or issubclass(kind, _OTHERS):
        return None
    return tuple(field.name for field in dataclasses.fields(kind))


def dumps(value: object) -> str:
    """Canonical JSON text of `value`; see the module docstring for the rules and `plain` for the errors.

    Keys of mappings must be text.
    """
    try:
        text = _encode_as_it_is(value)
    except ValueError:
        return _encode(plain(value))  # which says what is wrong
    # A float that is a whole number is all that the encoder writes in another way than `plain` would have it.
    return text if ".0" not in text or not _INTEGRAL.search(text) else _encode(plain(value))


def _form(value: object) -> Json:
    """What JSON knows of a value that it does not know itself; what is in it is asked for in its turn."""
    kind: Any = type(value)
    names = _names(kind)
    if names is None:
        return _rare(value)
    return {name: _number(item) if type(item := getattr(value, name)) is float else item for name in names}


_INTEGRAL = re.compile(r"\.0(?=[],}]|$)")
_encode_as_it_is = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, check_circular=False, default=_form
).encode


def digest(value: object) -> str:
    """The `d1` digest of `value`."""
    return "d1:" + hashlib.sha256(dumps(value).encode()).hexdigest()[:32]


def _number(value: float) -> int | float:
    if isinstance(value, int):
        return int(value)
    if not math.isfinite(value):
        raise ValueError("NaN and infinities have no canonical form")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
