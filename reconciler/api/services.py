"""Where a service answers, once it is ready: its leased ports, its route, or through us. Says why when it does not."""

from __future__ import annotations

from planner.canon import Json
from planner.keys import Key
from planner.model.records import RootRecord
from planner.model.run import BoundRun
from reconciler.admission import waits_of
from reconciler.api import find, problems, views
from reconciler.api.find import Found
from reconciler.api.sleeping import asleep, sleep_words
from reconciler.api.stories import Story, one
from reconciler.core import Core
from reconciler.ports_reach import Reaching, Stream

__all__ = ["address", "connect"]

_HOST = "127.0.0.1"
"""Runs of the local backend listen here."""


async def address(core: Core, name: str) -> dict[str, Json]:
    """Where the service answers that `name` names: an operation, or one of its runs.

    With `forward` it answers nowhere by itself: `connect` leads to each of its `ports`.

    Raises:
        ApiError: it is no service, has no port, or is not ready.
    """
    record, story = await _ready(core, name)
    told: dict[str, Json] = {"run": str(story.run.key), "operation": record.name}
    if isinstance(core.backend, Reaching):
        key, run = await _attempt(core, story)
        url = await core.backend.reach.outside(key) if run.gang.external else ""
        urls = [url] if url else []
        return {**told, "url": url, "urls": list[Json](urls), "ports": list(run.gang.ports), "forward": not url}
    last = story.source.last
    assert last is not None
    if not last.leases.ports:
        raise _no_ports(story)
    urls = [f"http://{_HOST}:{port}/" for port in last.leases.ports]
    return {**told, "url": urls[0], "urls": list[Json](urls), "ports": list(last.leases.ports), "forward": False}


async def connect(core: Core, name: str, port: int) -> Stream:
    """A connection to the service that `name` names, on a port that it declares.

    Raises:
        ApiError: it is no service, does not have that port, or is not ready.
        Transient, Refused: as `Reach.connect`.
    """
    _, story = await _ready(core, name)
    if not isinstance(core.backend, Reaching):
        raise problems.conflict("services of this daemon answer on its machine; plumbline open says where")
    key, run = await _attempt(core, story)
    if port not in run.gang.ports:
        has = ", ".join(map(str, run.gang.ports))
        raise problems.conflict(f"{story.run.key} has no port {port}; it declares {has}")
    return await core.backend.reach.connect(key, port)


async def _ready(core: Core, name: str) -> tuple[RootRecord, Story]:
    """The service that `name` names, with the run of it that is ready.

    Raises:
        ApiError: there is none.
    """
    found = await find.target(core, name)
    record = await find.operation(core, found.root)
    story = await _serving(core, record, found)
    if story is not None:
        return record, story
    newest = await one(core, record.last) if record.last is not None and found.run is None else None
    if newest is not None and asleep(record, newest):
        raise problems.conflict(f"{record.name} {sleep_words(record, newest)}", {"asleep": True})
    raise problems.conflict(_why_not(core, record, found))


async def _attempt(core: Core, story: Story) -> tuple[Key, BoundRun]:
    """The attempt that is ready, and what it was made of."""
    run, last = story.source, story.source.last
    assert last is not None
    bound = await core.bound(run.bound)
    if bound is None or not bound.gang.ports:
        raise _no_ports(story)
    return run.key.at_attempt(last.number), bound


def _no_ports(story: Story) -> problems.ApiError:
    return problems.conflict(f"{story.run.key} declares no ports, so there is nothing to open")


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
