"""Everything that the API can do, as methods: the routes translate, this answers.

It reads the ledger and records what people ask for. It never decides and never touches the backend but for logs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import anyio.to_thread

from planner.canon import Json
from planner.compile.digests import is_sealed
from planner.model.desired import DesiredState
from planner.render.json import problem_json
from reconciler import codec
from reconciler.api import (
    adopting,
    artifacts,
    backfills,
    commands,
    decided,
    differences,
    events,
    explain,
    graphs,
    listing,
    measured,
    plans,
    previewed,
    problems,
    queues,
    references,
    removable,
    schedules,
    services,
    status,
    sweeps,
)
from reconciler.api.asked import Request
from reconciler.api.logs import Wanted, Write, prepare, stream
from reconciler.api.sent import Sent
from reconciler.api.stories import ALL
from reconciler.compiling_as import config_view
from reconciler.core import Core
from reconciler.loop import Loop
from reconciler.ports import Content
from reconciler.ports_reach import Stream
from reconciler.settings import DaemonSettings

__all__ = ["Service"]

_MOST_PROBLEMS = 200
"""Of a commit that are listed one by one."""


class Service:
    """Answers for one daemon.

    Args:
        core: the daemon's parts.
        loop: what reconciles.
        settings: as they were at the start.
        patience: seconds that a command may wait for its answer.
    """

    def __init__(self, core: Core, loop: Loop, settings: DaemonSettings, *, patience: float = 10.0) -> None:
        self.core = core
        self.loop = loop
        self.settings = settings
        self.patience = patience

    async def command(self, request: Request) -> Mapping[str, Json]:
        """Record what a person asks for, and wait for the answer for as long as `patience`."""
        return await commands.ask(self.core, request, self.patience)

    async def answer(self, ident: str) -> Mapping[str, Json]:
        """What came of a command."""
        return await commands.answer_of(self.core, ident)

    async def event(self, sent: Sent, sender: str) -> Mapping[str, Json]:
        """Record an event that `sender` sends, and tell what it starts."""
        return await events.receive(self.core, self.loop.events, sent, sender)

    async def status(self) -> Mapping[str, Json]:
        """The state of the project and of every operation."""
        found = await status.project_status(self.core, self.loop, self.settings.repository.url)
        return {**found, "pages": self.settings.pages.address or None}

    async def commits(self, limit: int) -> Mapping[str, Json]:
        """The newest planned commits."""
        return await status.newest_commits(self.core, limit)

    async def commit(self, prefix: str) -> Mapping[str, Json]:
        """What a commit says."""
        found = await status.commit_status(self.core, prefix)
        newest = self.loop.commits.desired
        known = newest.problems if newest is not None and newest.commit == found["commit"] else ()
        return {**found, "problemList": [problem_json(problem) for problem in known[:_MOST_PROBLEMS]]}

    async def decided(self, commit: str, names: Sequence[str]) -> Mapping[str, Json]:
        """What a planned commit was decided to do to the operations `names`, of those that it changed."""
        return await decided.decided_plan(self.core, commit, names)

    async def preview(self, prefix: str) -> Mapping[str, Json]:
        """What was said of the head of a pull request."""
        return await previewed.previewed(self.core, prefix)

    async def runs(self, wanted: listing.Listing) -> Mapping[str, Json]:
        """Runs that match."""
        return await listing.list_runs(self.core, wanted)

    async def run(self, name: str, window: slice = ALL) -> Mapping[str, Json]:
        """One run with everything about it; of its nodes those in `window`."""
        return await status.run_detail(self.core, name, window)

    async def graph(self, name: str, most: int | None = None) -> Mapping[str, Json]:
        """The graph of an operation, or of a run as it goes; of a run with more than `most` nodes a conflict."""
        return await graphs.graph(self.core, name, most)

    async def diff(self, before: str, after: str) -> Mapping[str, Json]:
        """What differs between two runs."""
        return await differences.between(self.core, before, after)

    async def explain(self, name: str, *, digest: bool = False, window: slice = ALL) -> Mapping[str, Json]:
        """Why an operation will or will not run, by those nodes of its last run that are in `window`."""
        return await explain.explain(self.core, name, digest=digest, window=window)

    async def schedules(self, name: str, count: int, at: datetime | None = None) -> Mapping[str, Json]:
        """The next ticks of all schedules, or of the operation of that name."""
        return await schedules.schedules(self.core, name, count, at)

    async def backfill(self, name: str, begin: str, end: str) -> Mapping[str, Json]:
        """The ticks that a backfill would have."""
        return await backfills.dry_run(self.core, name, begin, end)

    async def queues(self, name: str = "") -> Mapping[str, Json]:
        """All queues, or the one of that name."""
        door = self.loop.roots.door
        return await (queues.one_queue(self.core, door, name) if name else queues.all_queues(self.core, door))

    async def removable(self) -> Mapping[str, Json]:
        """What retention would remove now."""
        return await removable.removable(self.loop.retention, self.loop.leftovers)

    async def collect(self) -> Mapping[str, Json]:
        """Have retention look at everything now, and what it finds to do."""
        found = await self.removable()
        self.loop.retention.begin()
        self.loop.leftovers.begin()
        return found

    async def plan(self, asked: plans.Asked) -> Mapping[str, Json]:
        """The plan of a commit that the daemon has."""
        return await plans.of_commits(self.core, asked)

    async def plan_desired(self, text: str, asked: plans.Asked) -> Mapping[str, Json]:
        """The plan of a desired state in its stored form (`reconciler.codec`).

        Raises:
            ApiError: it is none, or not as a compiler of this version made it.
        """
        # Megabytes take a second: in a thread, so that everybody else is answered.
        desired = await anyio.to_thread.run_sync(_desired, text)
        return await plans.of_desired(self.core, desired, asked)

    async def compiling(self) -> Mapping[str, Json]:
        """What specs are compiled by.

        Raises:
            ApiError: nobody has said.
        """
        if self.core.compiling is None:
            raise problems.missing("what specs are compiled by is not known here")
        return config_view(self.core.compiling)

    async def references(self, keys: Sequence[str]) -> Mapping[str, Json]:
        """What these references out of the repository are pinned to, and the hubs."""
        return await references.known(self.core, self.settings, keys)

    async def open(self, name: str) -> Mapping[str, Json]:
        """Where a service answers."""
        return await services.address(self.core, name)

    async def left(self) -> Mapping[str, Json]:
        """What another ledger left."""
        return await adopting.left(self.core)

    async def adopt(self, by: str) -> Mapping[str, Json]:
        """Begin to remove it, as `by` asked."""
        return await adopting.begin(self.core, by)

    async def connect(self, name: str, port: int) -> Stream:
        """A connection to a service."""
        return await services.connect(self.core, name, port)

    async def logs(self, name: str, *, follow: bool = False, tail: int | None = None) -> Wanted:
        """Which output `name` stands for; `write_logs` gives it."""
        return await prepare(self.core, name, follow=follow, tail=tail)

    async def metrics(self, name: str, metric: str = "") -> measured.Series:
        """Which metrics `name` stands for; `write_metrics` gives them."""
        return await measured.prepare(self.core, name, metric)

    async def write_metrics(self, series: measured.Series, write: Write) -> None:
        """Write the points of series, a line of JSON each."""
        await measured.stream(self.core, series, write)

    async def sweep(self, asked: sweeps.Asked) -> Mapping[str, Json]:
        """A sweep with what it has found."""
        return await sweeps.sweep_view(self.core, asked)

    async def artifacts(self, name: str, path: str = "") -> Mapping[str, Json]:
        """What a run left."""
        return await artifacts.listing(self.core, name, path)

    async def artifact(self, name: str, path: str) -> Content:
        """A file or folder that a run left."""
        return await artifacts.content(self.core, name, path)

    async def write_logs(self, wanted: Wanted, write: Write) -> None:
        """Write captured output, piece by piece."""
        await stream(self.core, wanted, write)


def _desired(text: str) -> DesiredState:
    """What `text` says. Planning trusts what compile made, so each operation must still have its digest."""
    try:
        desired = codec.decode(DesiredState, text)
    except ValueError as error:
        raise problems.bad(f"the body is no desired state of this version: {str(error)[:500]}") from None
    for name, operation in desired.roots.items():
        if name != operation.name or not is_sealed(operation):
            raise problems.bad(f"`{name[:80]}` in the body is not as compile made it: use a client of this version")
    return desired
