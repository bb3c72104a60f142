"""Spans of time as people type them. Pure."""

from __future__ import annotations

import re

__all__ = ["seconds"]

_TYPED = re.compile(
    r"P?(?:(?P<weeks>\d+)w)?(?:(?P<days>\d+)d)?T?(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?(?:(?P<seconds>\d+)s?)?",
    re.IGNORECASE,
)
_SIZES = {"weeks": 604_800, "days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
_LONGEST = 3_155_760_000


def seconds(text: str) -> int | None:
    """The length of `30m`, `2h`, `1d12h`, `PT2H` or `90` in seconds; None for anything else, nothing or a century."""
    found = _TYPED.fullmatch(text.strip())
    if found is None or len(text) > 40:
        return None
    length = sum(int(amount) * _SIZES[unit] for unit, amount in found.groupdict().items() if amount)
    return length if 0 < length <= _LONGEST else None
