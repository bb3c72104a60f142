"""Backfills for people: how far they are, the ticks one would have, and what a tick of one waits for. Reads only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from planner import keys
from planner.canon import Json
from planner.desire import zones
from planner.desire.backfill import has_run, wait_of
from planner.desire.stretch import asked, stretch_of
from planner.model.backfill import Backfill
from planner.model.records import RootRecord, RunRecord
from reconciler.api import find, problems, views
from reconciler.api.schedules import in_force
from reconciler.api.stories import tell
from reconciler.core import Core
from reconciler.ports import RunQuery

__all__ = ["backfills_view", "dry_run", "explain_tick", "root_of"]

_NAME = re.compile(r"b-[a-z2-7]{1,32}")
_CHUNK = 500


def backfills_view(record: RootRecord, tops: Sequence[RunRecord]) -> list[Json]:
    """The backfills of an operation whose open tops are given; of those that are over only the last one."""
    return [_view(one, sum(run.backfill == one.ident for run in tops)) for one in record.backfills]


def _view(one: Backfill, running: int) -> dict[str, Json]:
    done = one.started - running
    left = one.total - one.decided
    text = f"{one.ident} of {one.by}: {done:,} of {one.total:,} ticks done, {running:,} open, {left:,} wait"
    text += f", {one.passed:,} had a run already" if one.passed else ""
    return {
        "backfill": one.ident,
        "by": one.by,
        "at": views.instant(one.at),
        "from": views.instant(one.begin),
        "to": views.instant(one.end),
        "concurrency": one.limit,
        "total": one.total,
        "started": one.started,
        "passed": one.passed,
        "open": running,
        "next": views.instant(one.next),
        "over": one.over,
        "text": f"{text}; over: {one.over}" if one.over else f"{text}; plumbline stop {one.ident}",
    }


async def root_of(core: Core, name: str) -> str | None:
    """The operation whose backfill `name` is; None for what is no name of one.

    Raises:
        ApiError: it has the form of one, and there is none.
    """
    if not _NAME.fullmatch(name):
        return None
    roots = await core.ledger.roots()
    if name in roots:
        return None
    for root, record in roots.items():
        if any(one.ident == name for one in record.backfills):
            return root
    raise problems.missing(f"there is no backfill {name}; plumbline status lists those that are not over")


async def dry_run(core: Core, name: str, begin: str, end: str) -> dict[str, Json]:
    """The ticks that a backfill of operation `name` would have, and which of them have a run already.

    Raises:
        ApiError: there is no such operation, it has no schedule, or these are no ticks.
    """
    record = await find.operation(core, name)
    operation = await in_force(core, record)
    if operation is None or operation.schedule is None:
        raise problems.missing(f"{record.name} has no schedule in force")
    try:
        stretch = asked(operation.schedule, record.cursor, (begin, end), core.clock.now())
    except ValueError as error:
        raise problems.bad(str(error)) from None
    found = stretch.ticks()
    runs = await _recorded(core, record.name, found)
    where = zones.zone(operation.schedule.timezone)
    removed = record.removed
    gone = removed is not None and removed.until > found[0]
    return {
        "operation": record.name,
        "timezone": operation.schedule.timezone,
        "ticks": [_tick(tick, f"{tick.astimezone(where):%a %Y-%m-%d %H:%M:%S %z}", runs) for tick in found],
        "total": len(found),
        "starts": sum(tick not in runs for tick in found),
        "remarks": ["retention has removed runs of it: ticks of those count as not run"] if gone else [],
    }


def _tick(at: datetime, local: str, runs: Mapping[datetime, RunRecord]) -> dict[str, Json]:
    run = runs.get(at)
    return {
        "at": views.instant(at),
        "local": local,
        "run": str(run.key) if run else None,
        "status": str(run.status) if run else None,
    }


async def _recorded(core: Core, name: str, ticks: Sequence[datetime]) -> dict[datetime, RunRecord]:
    """The runs that ticks have, those aside that their schedule decided away."""
    found: dict[datetime, RunRecord] = {}
    for start in range(0, len(ticks), _CHUNK):
        named = tuple(keys.tick(name, tick) for tick in ticks[start : start + _CHUNK])
        for run in await core.ledger.runs(RunQuery(keys=named, limit=len(named))):
            if run.key.tick is not None and has_run(run):
                found[run.key.tick] = run
    return found


async def explain_tick(core: Core, name: str) -> dict[str, Json] | None:
    """Why a tick that has no record does not run, where a backfill will come to it; None where none will."""
    key = keys.key_of(name)
    record = (await core.ledger.roots()).get(key.root) if key is not None else None
    if key is None or record is None or key.tick is None or key != key.top:
        return None
    one = await _awaited(core, record, key.tick)
    if one is None:
        return None
    told = await tell(core, record.open)
    wait = wait_of(key, one, sum(story.node.backfill == one.ident for story in told.values()))
    words = views.sentence(wait)
    return {
        "operation": record.name,
        "run": None,
        "kind": None,
        "state": "waiting",
        "answer": words,
        "reasons": [words],
        "waits": [views.wait_view(wait)],
        "nextTicks": [],
    }


async def _awaited(core: Core, record: RootRecord, tick: datetime) -> Backfill | None:
    """The backfill that will come to a tick, if it is one of the schedule and one will."""
    operation = await in_force(core, record)
    if operation is None or operation.schedule is None or record.cursor is None:
        return None
    for one in record.backfills:
        if not one.over and one.next is not None and one.next <= tick < one.end:
            stretch = stretch_of(operation.schedule, record.cursor, tick, tick + timedelta(seconds=1))
            return one if stretch.count else None
    return None
