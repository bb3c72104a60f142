"""Where a service answers: its leased ports, once it is ready. Says why when it does not answer."""

from __future__ import annotations

from planner.canon import Json
from planner.keys import Key
from planner.model.records import RootRecord
from reconciler.admission import waits_of
from reconciler.api import find, problems, views
from reconciler.api.find import Found
from reconciler.api.sleeping import asleep, sleep_words
from reconciler.api.stories import Story, one
from reconciler.core import Core

__all__ = ["address"]

_HOST = "127.0.0.1"
"""Runs of the local backend listen here."""


async def address(core: Core, name: str) -> dict[str, Json]:
    """The URL of the service that `name` names: an operation, or one of its runs.

    Raises:
        ApiError: it is no service, has no port, or is not ready.
    """
    found = await find.target(core, name)
    record = await find.operation(core, found.root)
    story = await _serving(core, record, found)
    if story is None:
        newest = await one(core, record.last) if record.last is not None and found.run is None else None
        if newest is not None and asleep(record, newest):
            raise problems.conflict(f"{record.name} {sleep_words(record, newest)}", {"asleep": True})
        raise problems.conflict(_why_not(core, record, found))
    last = story.source.last
    assert last is not None
    if not last.leases.ports:
        raise problems.conflict(f"{story.run.key} declares no ports, so there is nothing to open")
    urls = [f"http://{_HOST}:{port}/" for port in last.leases.ports]
    return {"run": str(story.run.key), "operation": record.name, "url": urls[0], "urls": list[Json](urls)}


async def _serving(core: Core, record: RootRecord, found: Found) -> Story | None:
    """The newest run that is ready: while a service rolls, the old one still answers."""
    keys: list[Key] = [found.run.key] if found.run else [*reversed(record.open)]
    for key in keys:
        story = await one(core, key, newest=found.run is None)
        if story is None:
            continue
        if story.run.kind != "service":
            raise problems.conflict(f"{story.run.key} is a {story.run.kind}; only services can be opened")
        last = story.source.last
        if last is not None and last.live and last.ready:
            return story
    return None


def _why_not(core: Core, record: RootRecord, found: Found) -> str:
    name = record.name
    if record.down is not None:
        at = views.instant(record.down.at)
        return f"{name} is down since {at}, {record.down.reason} by {record.down.by}; plumbline retry {name}"
    waits = waits_of(core, name)
    if waits:
        return f"{name} is not ready: {views.sentence(waits[0])}"
    if found.run is not None and found.run.status.final:
        return f"{found.run.key} is over: {found.run.status}"
    if not record.open:
        return f"nothing of {name} is running; plumbline explain {name} says why"
    return f"{name} is starting and not ready yet; plumbline logs -f {name} shows what it says"
