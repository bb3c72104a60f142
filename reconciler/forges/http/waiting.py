"""How long a forge wants to be left alone, from its answers; and remembering that for whoever asks next.

`Retry-After` in seconds or as a date, then the reset of a limit that is used up, else a minute that doubles, as GitHub
asks for where it does not say. A forge that is down is asked again after pauses that double too, up to a minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import anyio

__all__ = ["Patience", "after_of", "is_limit"]

LONGEST = 3600.0
"""Seconds that are waited at most, whatever a forge says: then it is asked again."""
_SECONDARY = 60.0
_FIRST_DOWN = 1.0
_LONGEST_DOWN = 60.0
_LEFT = ("x-ratelimit-remaining", "ratelimit-remaining")
_RESET = ("x-ratelimit-reset", "ratelimit-reset")
_WORDS = ("rate limit", "abuse detection", "too many requests", "retry later")


def is_limit(status: int, headers: Mapping[str, str], words: str) -> bool:
    """Whether an answer says "too much": 429 always, 403 where it says so by a header or in words."""
    if status == 429:
        return True
    if status != 403:
        return False
    return "retry-after" in headers or is_used_up(headers) or any(word in words.lower() for word in _WORDS)


def is_used_up(headers: Mapping[str, str]) -> bool:
    """Whether nothing is left of a limit."""
    return any(headers.get(name, "").strip() == "0" for name in _LEFT)


def after_of(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds that the forge says, from 1 to `LONGEST`; None where it says nothing that can be read.

    Instants are compared with the forge's own clock where it tells it: ours may be wrong.
    """
    now = _date(headers.get("date", "")) or now
    said = headers.get("retry-after", "").strip()
    seconds = _number(said)
    if seconds is None and said and (until := _date(said)) is not None:
        seconds = (until - now).total_seconds()
    if seconds is None and is_used_up(headers):
        resets = [_number(headers.get(name, "").strip()) for name in _RESET]
        at = next((reset for reset in resets if reset is not None), None)
        seconds = None if at is None else at - now.timestamp()
    return None if seconds is None else min(max(seconds, 1.0), LONGEST)


def _number(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class Patience:
    """Until when nothing is asked, by the loop's clock. One a credential."""

    def __init__(self) -> None:
        self._until = 0.0
        self._limits = 0
        self._downs = 0

    @property
    def wait(self) -> float:
        """Seconds that are left; 0 where it may be asked."""
        return max(self._until - anyio.current_time(), 0.0)

    def limited(self, after: float | None) -> float:
        """The forge said "too much": returns the seconds that it is left alone."""
        seconds = after if after is not None else min(_SECONDARY * 2 ** min(self._limits, 6), LONGEST)
        self._limits += 1
        return self._pause(seconds)

    def down(self) -> float:
        """The forge did not answer, or said that it is broken: returns the seconds that it is left alone."""
        seconds = min(_FIRST_DOWN * 2 ** min(self._downs, 6), _LONGEST_DOWN)
        self._downs += 1
        return self._pause(seconds)

    def well(self, after: float | None = None) -> None:
        """The forge did what was asked; `after` where that used up its limit."""
        self._limits = self._downs = 0
        if after is not None:
            self._pause(after)

    def _pause(self, seconds: float) -> float:
        self._until = max(self._until, anyio.current_time() + seconds)
        return seconds
