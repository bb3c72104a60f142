"""Until when services were in use, as the agents in their pods tell it.

Held in memory alone: after a restart nobody counts as idle before an agent has told again. What it must never do: have
a service be idle by a word that is old, or of which the clock of a pod is ahead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from reconciler.ports import Clock

__all__ = ["Activity"]

HOLDS = timedelta(minutes=3)
"""How long a word counts: agents tell at least once a minute."""


@dataclass(frozen=True, slots=True)
class _Word:
    at: datetime
    told: datetime


class Activity:
    """By the name of an attempt's object."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._words: dict[str, _Word] = {}

    def tell(self, name: str, at: float | None) -> None:
        """Note that it was in use at `at`, in seconds since the epoch; now, where None or later than now.

        Of several pods the one that was last in use counts.
        """
        now = self._clock.now()
        said = now if at is None or at >= now.timestamp() else datetime.fromtimestamp(max(at, 0.0), UTC)
        known = self._words.get(name)
        self._words[name] = _Word(said if known is None else max(said, min(known.at, now)), now)

    def last(self, name: str) -> datetime | None:
        """When it was last in use; None where nobody has told lately."""
        word = self._words.get(name)
        if word is None or not timedelta(0) <= self._clock.now() - word.told <= HOLDS:
            return None
        return word.at

    def forget(self, name: str) -> None:
        """It is over."""
        self._words.pop(name, None)
