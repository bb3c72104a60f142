"""Types of single values: which values each takes, and what those become (reference, section 8.1).

A value stays JSON: a date is its ISO text, a duration its seconds. What the reference marks [bug] is put right: a
`datetime` has a time, and there is an `auth`. This module must never look into containers of types.

One file, as it is one table: a short rule for each type.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any

from planner.canon import Json
from planner.compile.json_text import parsed
from planner.spec.times import LONGEST
from planner.spec.uuids import uuid_of
from planner.spec.words import kind_of, short

__all__ = ["RULES", "Rule", "as_dict", "as_list", "instant_of", "wrong"]

Rule = Callable[[Json], Json]
"""Gives the value as its type has it; raises a ValueError that says what is wanted."""


def wrong(wanted: str, value: Json) -> ValueError:
    """What is said of a value that a type does not take."""
    said = f"`{short(value)}`" if isinstance(value, str) else kind_of(value)
    said = f"{value:g}" if isinstance(value, float) else str(value) if type(value) is int else said
    return ValueError(f"{wanted} is wanted, not {said}")


def _any(value: Json) -> Json:
    return value


def _text(value: Json) -> Json:
    if value is None:
        raise wrong("a string", value)
    return value


_WHOLE = re.compile(r"[-+]?[0-9]{1,150}")


_LARGEST = 1e150  # as many digits as text may have: templates take no larger ones


def _int(value: Json) -> Json:
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < _LARGEST:
        return int(value)
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    raise wrong("a whole number", value)


_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?")


def _float(value: Json) -> Json:
    found = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        found = float(value) if abs(value) < 1e308 else math.inf
    elif isinstance(value, str) and len(value) < 400 and _NUMBER.fullmatch(value.strip()):
        found = float(value)
    if not math.isfinite(found):
        raise wrong("a finite number", value)
    return found


_BOOLS: Mapping[str, bool] = MappingProxyType(
    dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True)
    | dict.fromkeys(("false", "f", "no", "n", "off", "0"), False)
)


def _bool(value: Json) -> Json:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in {0, 1}:
        return bool(value)
    if isinstance(value, str) and value.strip().lower() in _BOOLS:
        return _BOOLS[value.strip().lower()]
    raise wrong("true or false", value)


def as_dict(value: Json) -> dict[str, Json]:
    """A mapping, or the JSON text of one."""
    found = parsed(value)
    if not isinstance(found, Mapping):
        raise wrong("a mapping", value)
    return dict(found)


def as_list(value: Json) -> list[Json]:
    """A list, or the JSON text of one."""
    found = parsed(value)
    if not isinstance(found, list | tuple):
        raise wrong("a list", value)
    return list(found)


_MIDNIGHT = re.compile(r"[Tt ]00:00(?::00(?:\.0{1,9})?)?(?:[Zz]|[-+]00:?00)?$")
"""The time of an instant that is a date."""


def _date(value: Json) -> Json:
    wanted = "an ISO date such as 2026-11-23"
    if not isinstance(value, str):
        raise wrong(wanted, value)
    try:
        return date.fromisoformat(_MIDNIGHT.sub("", value.strip())).isoformat()
    except ValueError:
        raise wrong(wanted, value) from None


def _datetime(value: Json) -> Json:
    if not isinstance(value, str):
        raise wrong("an ISO date and time", value)
    try:
        found = datetime.fromisoformat(value.strip())
        return found.astimezone(UTC).isoformat().replace("+00:00", "Z") if found.tzinfo else found.isoformat()
    except (ValueError, OverflowError):
        raise wrong("an ISO date and time such as 2026-11-23T06:00:00Z", value) from None


def instant_of(text: str) -> datetime:
    """The instant of a value of type `datetime`; without an offset it counts as UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


_ISO_DURATION = re.compile(
    r"(?P<minus>-)?P(?=.)(?:(?P<weeks>\d{1,9})W)?(?:(?P<days>\d{1,9})D)?"
    r"(?:T(?=.)(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,9}(?:\.\d{1,6})?)S)?)?"
)
_CLOCK = re.compile(
    r"(?P<minus>-)?(?=.)(?:(?P<days>\d{1,9}) days?(?:,? +(?=\d)|$))?"
    r"(?:(?P<hours>\d{1,9}):(?P<minutes>\d\d):(?P<seconds>\d\d(?:\.\d{1,6})?))?"
)


def _timedelta(value: Json) -> Json:
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds: int | float = value
    else:
        text = value.strip() if isinstance(value, str) else ""
        found = _ISO_DURATION.fullmatch(text) or _CLOCK.fullmatch(text)
        if found is None:
            raise wrong("seconds or an ISO 8601 duration such as PT1H", value)
        given = found.groupdict()
        sign = -1 if given.pop("minus") else 1
        seconds = sign * _seconds({unit: float(amount) for unit, amount in given.items() if amount})
    if not abs(seconds) <= LONGEST.total_seconds():
        raise wrong("a duration of 100 years at most", value)
    return seconds


def _seconds(amounts: Mapping[str, float]) -> int | float:
    try:
        seconds = timedelta(**amounts).total_seconds()
    except OverflowError:
        return math.inf
    return int(seconds) if seconds.is_integer() else seconds


def _uuid(value: Json) -> Json:
    found = uuid_of(value) if isinstance(value, str) else None
    if found is None:
        raise wrong("a uuid", value)
    return found


def _auth(value: Json) -> Json:
    """A mapping becomes the text, which is how a URI has it."""
    found = parsed(value)
    if isinstance(found, Mapping) and found.keys() == {"user", "password"}:
        user, password = found["user"], found["password"]
        found = f"{user}:{password}" if isinstance(user, str) and isinstance(password, str) else ""
        if ":" in str(user):
            found = ""
    if not isinstance(found, str) or not re.match(r"[^:\s]+:", found):
        raise ValueError("`user:password` is wanted")  # a password has no place in a message
    return found


def _pattern(wanted: str, pattern: str) -> Callable[[Json], Json]:
    known = re.compile(pattern)

    def rule(value: Json) -> Json:
        if not isinstance(value, str) or not known.fullmatch(value):
            raise wrong(wanted, value)
        return value

    return rule


def _image(value: Json) -> Json:
    """At most three parts between colons; with three, the middle one is a port and a path."""
    if not isinstance(value, str) or not value or re.search(r"\s", value):
        raise wrong("a container image", value)
    parts = value.split("@")[0].split(":")
    if len(parts) > 3 or not all(parts) or (len(parts) == 3 and not re.match(r"[0-9]+/.", parts[1])):
        raise wrong("a container image", value)
    return value


_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?(?:([kmgtpe])(i?))?b?", re.IGNORECASE)


def _bytes(value: Json) -> Json:
    if isinstance(value, str) and (found := _SIZE.fullmatch(value.strip())):
        step = 1024 if found[3] else 1000
        return int(float(found[1]) * step ** (" kmgtpe".index(found[2].lower()) if found[2] else 0))
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**63:
        return int(value)
    raise wrong("a number of bytes, such as 10MB", value)


def _bounded(rule: Rule, what: str, test: Callable[[Any], bool]) -> Rule:
    """The rule of a part of a type."""

    def bounded(value: Json) -> Json:
        found = rule(value)
        if not test(found):
            raise wrong(what, value)
        return found

    return bounded


def _strict(what: str, *types: type) -> Rule:
    """Values of these types alone, or the JSON text of one, as a command line has it."""

    def strict(value: Json) -> Json:
        found = parsed(value)
        if type(found) not in types:
            raise wrong(what, value)
        return _float(found) if types[0] is float else found

    return strict


def _strict_text(value: Json) -> Json:
    if not isinstance(value, str):
        raise wrong("a string", value)
    return value


def _nothing(value: Json) -> Json:
    if value is not None and value != "null":
        raise wrong("null", value)
    return None


_SIGNS: Mapping[str, tuple[str, Callable[[Any], bool]]] = MappingProxyType(
    {
        "Positive": ("above 0", lambda value: value > 0),
        "Negative": ("below 0", lambda value: value < 0),
        "NonNegative": ("from 0", lambda value: value >= 0),
        "NonPositive": ("up to 0", lambda value: value <= 0),
    }
)


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "any": _any,
        "str": _text,
        "int": _int,
        "float": _float,
        "metric": _float,
        "bool": _bool,
        "dict": as_dict,
        "metadata": as_dict,
        "list": as_list,
        "date": _date,
        "datetime": _datetime,
        "timedelta": _timedelta,
        "uuid": _uuid,
        "email": _pattern("an e-mail address", r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+"),
        "uri": _pattern("a URI such as https://host/path", r"[a-zA-Z][a-zA-Z0-9+.-]*:[^\s]+"),
        "path": _pattern("a path", r"(?s).*"),
        "image": _image,
        "gcs": _pattern("gs://bucket/path", r"gs://[^\s/]+(?:/.*)?"),
        "s3": _pattern("s3://bucket/path", r"s3://[^\s/]+(?:/.*)?"),
        "auth": _auth,
        "wasb": _pattern(
            "wasbs://container@user.blob.core.windows.net/path",
            r"wasbs?://[^\s/@]+@[^\s/@]+\.blob\.core\.windows\.net(?:/.*)?",
        ),
        **{f"{sign}Int": _bounded(_int, f"a whole number {what}", test) for sign, (what, test) in _SIGNS.items()},
        **{f"{sign}Float": _bounded(_float, f"a number {what}", test) for sign, (what, test) in _SIGNS.items()},
        "FiniteFloat": _float,
        "StrictInt": _strict("a whole number", int),
        "StrictFloat": _strict("a number", float, int),
        "StrictBool": _strict("true or false", bool),
        "StrictStr": _strict_text,
        "Json": parsed,
        "ByteSize": _bytes,
        "none": _nothing,
    }
)
"""By the name of a simple or constrained type."""
