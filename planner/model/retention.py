"""Which runs are kept once they are over, and what is remembered of those that went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

__all__ = ["Removed", "Retention"]


@dataclass(frozen=True, slots=True)
class Retention:
    """Which runs of a root are kept once they are over: those that satisfy all that is said here.

    Attributes:
        count: the newest so many; None for any number.
        age: seconds since their end; None for any.
    """

    count: int | None = None
    age: float | None = None

    @property
    def words(self) -> str:
        """The rule for people."""
        count = f"the newest {self.count}" if self.count is not None else ""
        return " and ".join(filter(None, (count, self._last))) or "all"

    @property
    def _last(self) -> str:
        if self.age is None:
            return ""
        days, hours = self.age / 86_400, self.age / 3600
        return f"those of the last {days:g} days" if days >= 1 else f"those of the last {hours:.2g} hours"


@dataclass(frozen=True, slots=True)
class Removed:
    """What retention took of a root.

    Attributes:
        at: when it last did.
        rule: what was kept, for people.
        count: top runs that it took in all.
        until: when the newest of them was opened.
    """

    at: datetime
    rule: str
    count: int
    until: datetime
