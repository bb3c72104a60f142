"""Types of inputs and outputs: which values they take, and what those become (reference, section 8).

A value stays JSON: a date is its ISO text, a duration its seconds. What the reference marks [bug] is put right: a
`datetime` has a time. Composite types and typing expressions are refused by the loader.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

from planner.canon import Json
from planner.compile.json_text import parsed
from planner.spec.times import LONGEST
from planner.spec.words import kind_of, short

__all__ = ["compatible", "convert", "listed_type"]


def convert(value: Json, kind: str, *, is_list: bool = False) -> Json:
    """`value` as a value of type `kind`, or of a list of it.

    Args:
        value: JSON data; null is taken by `any` and "" only.
        kind: a type of reference section 8.1, or "" for any.
        is_list: whether a list of such values is wanted; the JSON text of one is taken too.

    Raises:
        ValueError: it is none, in words for the user.
    """
    rule = _RULES[kind or "any"]
    if not is_list:
        return rule(value)
    items = _list(value)
    assert isinstance(items, list)
    return [rule(item) for item in items]


def listed_type(kind: str, *, is_list: bool) -> str:
    """The type in one word, as the reference's second version writes lists."""
    return f"List[{kind or 'any'}]" if is_list else kind


_TEXTS = frozenset({"str", "path", "s3", "gcs", "wasb"})
_FLOATS = frozenset({"float", "metric"})


def compatible(source: str, target: str) -> bool:
    """Whether an output of type `source` may feed an input of type `target` (reference, section 8.3).

    An untyped end takes and gives anything.
    """
    if source == target or {source, target} & {"", "any"}:
        return True
    return {source, target} <= _TEXTS or {source, target} <= _FLOATS


# One function a type


def _wrong(wanted: str, value: Json) -> ValueError:
    said = f"`{short(value)}`" if isinstance(value, str) else kind_of(value)
    said = f"{value:g}" if isinstance(value, float) else str(value) if type(value) is int else said
    return ValueError(f"{wanted} is wanted, not {said}")


def _any(value: Json) -> Json:
    return value


def _text(value: Json) -> Json:
    if value is None:
        raise _wrong("a string", value)
    return value


_WHOLE = re.compile(r"[-+]?[0-9]{1,150}")


def _int(value: Json) -> Json:
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        return int(value)
    raise _wrong("a whole number", value)


_NUMBER = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]{1,4})?")


def _float(value: Json) -> Json:
    found = math.nan
    if isinstance(value, int | float) and not isinstance(value, bool):
        found = float(value) if abs(value) < 1e308 else math.inf
    elif isinstance(value, str) and len(value) < 400 and _NUMBER.fullmatch(value.strip()):
        found = float(value)
    if not math.isfinite(found):
        raise _wrong("a finite number", value)
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
    raise _wrong("true or false", value)


def _dict(value: Json) -> Json:
    found = parsed(value)
    if not isinstance(found, Mapping):
        raise _wrong("a mapping", value)
    return dict(found)


def _list(value: Json) -> Json:
    found = parsed(value)
    if not isinstance(found, list | tuple):
        raise _wrong("a list", value)
    return list(found)


def _date(value: Json) -> Json:
    wrong = _wrong("an ISO date such as 2026-11-23", value)
    if not isinstance(value, str):
        raise wrong
    try:
        return date.fromisoformat(value.strip()).isoformat()
    except ValueError:
        raise wrong from None


def _datetime(value: Json) -> Json:
    if not isinstance(value, str):
        raise _wrong("an ISO date and time", value)
    try:
        found = datetime.fromisoformat(value.strip())
        return found.astimezone(UTC).isoformat().replace("+00:00", "Z") if found.tzinfo else found.isoformat()
    except (ValueError, OverflowError):
        raise _wrong("an ISO date and time such as 2026-11-23T06:00:00Z", value) from None


_DURATION = re.compile(
    r"P(?=.)(?:(?P<weeks>\d{1,9})W)?(?:(?P<days>\d{1,9})D)?"
    r"(?:T(?=.)(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,9}(?:\.\d{1,6})?)S)?)?"
)


def _timedelta(value: Json) -> Json:
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds: int | float = value
    else:
        found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None:
            raise _wrong("seconds or an ISO 8601 duration such as PT1H", value)
        seconds = _seconds({unit: float(text) for unit, text in found.groupdict().items() if text})
    if not abs(seconds) <= LONGEST.total_seconds():
        raise _wrong("a duration of 100 years at most", value)
    return seconds


def _seconds(amounts: Mapping[str, float]) -> int | float:
    try:
        seconds = timedelta(**amounts).total_seconds()
    except OverflowError:
        return math.inf
    return int(seconds) if seconds.is_integer() else seconds


_UUID = re.compile(r"([0-9a-f]{8})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{4})-?([0-9a-f]{12})")


def _uuid(value: Json) -> Json:
    found = _UUID.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if found is None:
        raise _wrong("a uuid", value)
    return "-".join(found.groups())


def _pattern(wanted: str, pattern: str) -> Callable[[Json], Json]:
    known = re.compile(pattern)

    def rule(value: Json) -> Json:
        if not isinstance(value, str) or not known.fullmatch(value):
            raise _wrong(wanted, value)
        return value

    return rule


def _image(value: Json) -> Json:
    """At most three parts between colons; with three, the middle one is a port and a path."""
    if not isinstance(value, str) or not value or re.search(r"\s", value):
        raise _wrong("a container image", value)
    parts = value.split("@")[0].split(":")
    if len(parts) > 3 or not all(parts) or (len(parts) == 3 and not re.match(r"[0-9]+/.", parts[1])):
        raise _wrong("a container image", value)
    return value


_RULES: Mapping[str, Callable[[Json], Json]] = MappingProxyType(
    {
        "any": _any,
        "str": _text,
        "int": _int,
        "float": _float,
        "metric": _float,
        "bool": _bool,
        "dict": _dict,
        "metadata": _dict,
        "list": _list,
        "date": _date,
        "datetime": _datetime,
        "timedelta": _timedelta,
        "uuid": _uuid,
        "email": _pattern("an e-mail address", r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+"),
        "uri": _pattern("a URI such as https://host/path", r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s]+"),
        "path": _pattern("a path", r"(?s).*"),
        "image": _image,
        "gcs": _pattern("gs://bucket/path", r"gs://[^\s/]+(?:/.*)?"),
        "s3": _pattern("s3://bucket/path", r"s3://[^\s/]+(?:/.*)?"),
        "wasb": _pattern(
            "wasbs://container@user.blob.core.windows.net/path",
            r"wasbs?://[^\s/@]+@[^\s/@]+\.blob\.core\.windows\.net(?:/.*)?",
        ),
    }
)
