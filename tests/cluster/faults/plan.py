"""What goes wrong in one life of the world: drawn from a seed, or written down as words to play again. Pure.

A fault happens to the so-manieth question of its sort, and to some more after it: nobody can say beforehand at what
instant a question comes, and everybody how many there were before.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Fault", "On", "Script", "What", "drawn", "parse"]


class On(StrEnum):
    """What a fault happens to."""

    WRITE = "write"
    READ = "read"  # of one object, or its log
    LIST = "list"
    WATCH = "watch"  # as it is opened
    EVENT = "event"  # of any watch, bookmarks left out


class What(StrEnum):
    """What happens."""

    # to a question: nothing of it takes effect
    RESET = "reset"  # the connection breaks
    REFUSED = "refused"  # nobody listens, for a quarter of a second for each
    HANG = "hang"  # no answer ever comes
    CONFLICT = "409"
    GONE = "410"
    THROTTLED = "429"
    BROKEN = "500"
    UNAVAILABLE = "503"  # in HTML, as what stands before a server says it
    UNKNOWN = "401"
    FORBIDDEN = "403"
    NONSENSE = "nonsense"  # 200, and a page of somebody else
    # to its answer: it did take effect
    LOST = "lost"  # the connection breaks before the answer
    LATE = "late"  # no answer comes in time
    TORN = "torn"  # half of it comes
    TWICE = "twice"  # it was delivered twice, and the second answer is told
    STALE = "stale"  # a list: as it was when it was first asked for
    # to a watch as a whole
    SILENT = "silent"
    CUT = "cut"  # after so many events
    NO_BOOKMARKS = "no-bookmarks"
    # to what it tells
    EXPIRED = "expired"  # an ERROR event with 410
    DROPPED = "dropped"
    REPEATED = "repeated"
    DELAYED = "delayed"  # told a second late, after what came later
    HALF = "half"  # half a line, and the end
    # to the daemon
    KILLED_BEFORE = "killed-before"  # before the write is sent on; it starts again at once
    KILLED_AFTER = "killed-after"  # when it has taken effect, and nobody heard the answer
    AGED = "aged"  # the same, and for two seconds the next life sees the lists of the beginning, and no events


_QUESTION = (
    What.RESET, What.REFUSED, What.HANG, What.THROTTLED, What.BROKEN, What.UNAVAILABLE, What.UNKNOWN, What.FORBIDDEN,
    What.NONSENSE, What.TORN,
)  # fmt: skip
MAY: dict[On, tuple[What, ...]] = {
    On.WRITE: (*_QUESTION, What.CONFLICT, What.LOST, What.LATE, What.TWICE),
    On.READ: (*_QUESTION, What.LATE),
    On.LIST: (*_QUESTION, What.LATE, What.GONE, What.STALE),
    On.WATCH: (
        What.RESET, What.HANG, What.THROTTLED, What.BROKEN, What.FORBIDDEN, What.NONSENSE, What.GONE, What.SILENT,
        What.CUT, What.NO_BOOKMARKS,
    ),
    On.EVENT: (What.EXPIRED, What.DROPPED, What.REPEATED, What.DELAYED, What.HALF),
}  # fmt: skip
"""What a draw may have; lives of the daemon are ended by the sieve only."""
_LATEST = {On.WRITE: 8, On.READ: 4, On.LIST: 8, On.WATCH: 5, On.EVENT: 10}
_WORDS = re.compile(r"([a-z0-9-]+)@([a-z]+)(\d+)(?:x(\d+))?")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        what: happens.
        on: to what.
        at: the how-manieth of its sort, from 1.
        more: how many in a row; of a watch that is cut, after how many events.
    """

    what: What
    on: On
    at: int
    more: int = 1

    def __str__(self) -> str:
        """As it is written down: `lost@write3x2`."""
        return f"{self.what}@{self.on}{self.at}" + (f"x{self.more}" if self.more > 1 else "")

    def meets(self, on: On, number: int) -> bool:
        """Whether it happens to this one."""
        row = 1 if self.what is What.CUT else self.more
        return on is self.on and self.at <= number < self.at + row


def parse(words: str) -> tuple[Fault, ...]:
    """The faults that are written down.

    Raises:
        ValueError: they are not.
    """
    found = []
    for word in words.split():
        read = _WORDS.fullmatch(word)
        if read is None:
            raise ValueError(f"{word}: no fault; one is written as lost@write3x2")
        found.append(Fault(What(read[1]), On(read[2]), int(read[3]), int(read[4] or 1)))
    return tuple(found)


def drawn(seed: int, count: int = 0) -> tuple[Fault, ...]:
    """The faults of a seed, in the order of its draws; 4 to 8 where `count` is 0."""
    chance = random.Random(seed)
    found = []
    for _ in range(count or chance.randint(4, 8)):
        on = chance.choice((On.WRITE, On.WRITE, On.WRITE, On.READ, On.LIST, On.LIST, On.WATCH, On.EVENT, On.EVENT))
        what = chance.choice(MAY[on])
        found.append(Fault(what, on, chance.randint(1, _LATEST[on]), chance.choice((1, 1, 2, 3))))
    return tuple(found)


@dataclass(slots=True)
class Script:
    """Faults as they come about.

    Attributes:
        faults: what is to happen; the first that meets a question happens to it.
        seen: how many there were of each sort.
        fired: what has happened, in words.
        writes: every write that was asked for.
    """

    faults: Sequence[Fault] = ()
    seen: Counter[On] = field(default_factory=Counter)
    fired: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)

    def met(self, on: On, about: str) -> Fault | None:
        """Count one more; what happens to it, if anything."""
        self.seen[on] += 1
        if on is On.WRITE:
            self.writes.append(about)
        found = next((fault for fault in self.faults if fault.meets(on, self.seen[on])), None)
        if found is not None:
            self.fired.append(f"{found}: {about}")
        return found

    def happened(self, whats: Iterable[What]) -> bool:
        """Whether one of these has happened."""
        return any(line.startswith(f"{what}@") for what in whats for line in self.fired)
