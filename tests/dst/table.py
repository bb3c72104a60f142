"""The table: zones, the days around each of their changes of clocks, and expressions; each is a case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

from planner.desire import cron
from tests.dst import walker

EXPRESSIONS = (
    "30 2 * * *",
    "0 0 * * *",
    "15,45 1 * * *",
    "0 1-3 * * *",
    "59 23 * * sat,sun",
    "10-50/20 0-4/2 * * sun",
    "5 3 L,1 * *",
    "30 1 1-7,25-31 3,4,9-11 0",
    "0 * * * *",
    "*/15 * * * *",
    "*/30 2 * * *",
    "20 */2 * * mon-sun",
)
"""Eight of fixed times, four of elapsed time."""

AROUND = timedelta(days=2)
"""How long before and after a change ticks are compared. Clocks change twice within it in no zone since 1970."""

_QUIET = ((3, 29), (10, 25))
_LOCAL = ("localtime", "posixrules", "Factory")


@dataclass(frozen=True)
class Case:
    """What both say of one expression around one change; `counted` and `newest` are asked apart from `planned`."""

    zone: str
    change: datetime
    expression: str
    walked: tuple[datetime, ...]
    planned: tuple[datetime, ...]
    newest: tuple[datetime, ...]
    counted: int

    @property
    def equal(self) -> bool:
        """Whether every way to ask leads to what was walked."""
        return self.walked == self.planned == self.newest and self.counted == len(self.walked)

    def __str__(self) -> str:
        more = sorted(set(self.planned) - set(self.walked))
        less = sorted(set(self.walked) - set(self.planned))
        return (
            f"{self.zone} {self.change:%Y-%m-%d %H:%M} UTC {self.expression!r}: too many {_texts(more)}, "
            f"missing {_texts(less)}; {len(self.walked)} walked, {self.counted} counted, {len(self.newest)} backwards"
        )


def zones() -> list[str]:
    """All names of the zone database that mean the same on every machine."""
    return sorted(name for name in available_timezones() if name not in _LOCAL)


def changes(name: str, year: int) -> list[datetime]:
    """When clocks of a zone change in a year; two quiet days for a zone whose clocks do not."""
    quiet = [datetime(year, month, day, 1, tzinfo=UTC) for month, day in _QUIET]
    return walker.changes(ZoneInfo(name), year) or quiet


def cases(name: str, year: int) -> Iterator[Case]:
    """The cases of a zone."""
    where = ZoneInfo(name)
    for change in changes(name, year):
        begin, end = change - AROUND, change + AROUND
        clock = walker.minutes(where, begin, end)
        for expression in EXPRESSIONS:
            walked = tuple(walker.ticks(walker.read(expression), clock))
            yield _asked(Case(name, change, expression, walked, (), (), 0), where, begin, end)


def _asked(case: Case, where: ZoneInfo, begin: datetime, end: datetime) -> Case:
    parsed = cron.parse(case.expression)
    after, until = begin - timedelta(seconds=1), end - timedelta(seconds=1)
    planned = []
    tick = cron.next_after(parsed, where, after)
    while tick is not None and tick <= until:
        planned.append(tick)
        tick = cron.next_after(parsed, where, tick)
    return Case(
        case.zone,
        case.change,
        case.expression,
        case.walked,
        tuple(planned),
        cron.newest(parsed, where, (after, until), 100_000),
        cron.count(parsed, where, after, until),
    )


def _texts(instants: list[datetime]) -> str:
    return ", ".join(f"{at:%m-%d %H:%M}" for at in instants[:4]) or "none"
