"""Canonical JSON and digests.

A digest is `d1:` and the first 32 hex digits of SHA-256 over canonical JSON: keys sorted, no spaces, UTF-8, integers
and floats of equal value alike (1 and 1.0), NaN and infinities refused. `d1` is a contract: the same value gives the
same digest in every version (tests/golden/digests). A change of rule is a new algorithm with a new prefix.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import Enum

__all__ = ["Json", "digest", "dumps", "plain"]

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
"""A JSON value; sequences are lists or tuples."""


def plain(value: object) -> Json:
    """The JSON value of `value`: enums by value, instants in ISO 8601, durations in seconds, and so on.

    Sets become sorted lists, dataclasses mappings.

    Raises:
        TypeError: for a value that has no JSON form.
        ValueError: for NaN and infinities.
    """
    match value:
        case None | bool() | str() if not isinstance(value, Enum):
            return value
        case Enum():
            return plain(value.value)
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
        case _ if dataclasses.is_dataclass(value):
            return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        case _:
            raise TypeError(f"{type(value).__name__} has no canonical form")


def dumps(value: object) -> str:
    """Canonical JSON text of `value`; see the module docstring for the rules and `plain` for the errors."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: object) -> str:
    """The `d1` digest of `value`."""
    return "d1:" + hashlib.sha256(dumps(value).encode()).hexdigest()[:32]


def _number(value: float) -> int | float:
    if isinstance(value, int):
        return int(value)
    if not math.isfinite(value):
        raise ValueError("NaN and infinities have no canonical form")
    return int(value) if value.is_integer() and abs(value) < 2**53 else value
