"""The loop: workers that take names from the queue and reconcile them.

A failure keeps to its name: `Transient` backs off and tries again; so does `Refused`, which waits for a person and is
shown in the status for as long as it lasts; anything else is our fault, is logged with its traceback and backs off
too. Others go on.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field

import anyio

from planner.keys import Key
from reconciler import resting
from reconciler.clock import TurnWatch
from reconciler.commits import Commits
from reconciler.core import Core
from reconciler.errors import Refused, Transient, Unusable
from reconciler.events import Events
from reconciler.hints import Hints
from reconciler.leftovers import Leftovers
from reconciler.measuring import Measuring
from reconciler.messages import Channel
from reconciler.notices import Notices
from reconciler.notifier import Notifier
from reconciler.observe import Observer
from reconciler.ports import RunQuery
from reconciler.ports_sweep import Cache
from reconciler.project import Project
from reconciler.publish import Publisher
from reconciler.pulls.parts import Parts
from reconciler.pulls.pulling import Pulling
from reconciler.retention import Retention
from reconciler.roots import Roots
from reconciler.storing import Storing
from reconciler.telemetry import Metrics, log
from reconciler.telling import Telling
from reconciler.together import Together

__all__ = ["Loop", "LoopSettings"]

_LONGEST_BACK_OFF = 120.0
_FIRST_RETENTION = 60.0
_FIRST_LEFTOVERS = 300.0
_REPORT = "the log has the traceback, please report it; it is tried again"


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How the loop runs.

    Attributes:
        workers: names that are reconciled at once.
        post_interval: least seconds between two writes to the forge.
        jitter: source of random numbers for back-off; seeded in tests.
        channels: how people are told, by name of the connection.
        together: names that must be waiting for roots that begin nothing to be planned together.
        caches: what can be made again, and is let go of when nothing uses it.
        previews: what pull requests are previewed with; None where they are not.
        measure: seconds between two looks at what runs report; 0 for never.
    """

    workers: int = 8
    post_interval: float = 1.0
    jitter: random.Random = field(default_factory=random.Random)
    channels: Mapping[str, Channel] = field(default_factory=dict)
    together: int = 32
    caches: tuple[Cache, ...] = ()
    previews: Parts | None = None
    measure: float = 1.0


class Loop:
    """Everything that happens by itself. `run` returns only when cancelled."""

    def __init__(self, core: Core, settings: LoopSettings | None = None) -> None:
        self.core = core
        self.settings = settings or LoopSettings()
        self.metrics = Metrics()
        self.publisher = Publisher(core)
        self.observer = Observer(core)
        self.events = Events(core)
        self.notifier = Notifier(core, self.settings.channels, self.settings.jitter)
        self.storing = Storing(core, self.settings.jitter)
        telling = Telling(self.events, Notices(core), self.notifier, self.storing)
        self.roots = Roots(core, self.observer, self.publisher, telling)
        self.together = Together(core, self.roots, telling, self.settings.together)
        self.commits = Commits(core, self.publisher, self.events)
        self.project = Project(core, self.observer)
        self.measuring = Measuring(core)
        self.retention = Retention(core)
        self.leftovers = Leftovers(core, self.settings.caches)
        self.pulls = _pulling(core, self.settings, self.commits)
        self._failures: dict[str, int] = {}
        self._stuck: dict[str, str] = {}
        self._turns = TurnWatch()
        self._kinds: dict[str, Callable[[str], Awaitable[None]]] = {
            "source": lambda _: self._source(),
            "root": self.roots.reconcile,
            "clean": self.roots.clean,
            "aggregate": self.publisher.aggregate,
            "forge": self._post,
            "live": lambda _: self.publisher.lively.reconcile(),
            "checks": lambda _: self.publisher.marking.reconcile(),
            "restore": lambda _: self.publisher.restore(),
            "project": lambda _: self.project.reconcile(),
            "survey": lambda _: self._survey(),
            "retention": lambda _: self.retention.step(),
            "leftovers": lambda _: self.leftovers.step(),
            "pins": lambda _: self.commits.prune_pins(),
            "rests": lambda _: resting.keep(core),
        }
        if self.pulls is not None:
            self._kinds["pulls"] = lambda _: self._pulls()
        self.hints = Hints(core.queue, self._kinds)

    async def run(self) -> None:
        """Recover what a crash may have left, then work until cancelled."""
        await self.publisher.recover()
        await self._wake_roots()
        for name in ("source", "project", "survey"):
            self.core.queue.add(name)
        self.core.queue.add("retention", _FIRST_RETENTION)
        self.core.queue.add("leftovers", _FIRST_LEFTOVERS)
        async with anyio.create_task_group() as group:
            group.start_soon(self._hints)
            group.start_soon(self.notifier.run)
            group.start_soon(self.storing.run)
            if self.settings.measure:
                group.start_soon(self.measuring.run, self.settings.measure)
            if self.pulls is not None:
                group.start_soon(self.pulls.run)
            for _ in range(self.settings.workers):
                group.start_soon(self._work)

    async def _wake_roots(self) -> None:
        """Have every root planned now, but for those that rest: these when they are due, also where that is past."""
        core = self.core
        # What rests in a suspension of the project is not noted.
        suspended = (await core.ledger.project()).suspended is not None
        awake = await core.ledger.awake("" if suspended else core.edition)
        self.events.load({**awake.records, **awake.listening})
        core.unplanned = {name for name, record in awake.records.items() if record.open}
        for name in awake.records:
            core.queue.add(f"root:{name}")
        now = core.clock.now()
        for name, due in awake.due.items():
            if due is not None:
                core.queue.add(f"root:{name}", (due - now).total_seconds())

    async def _work(self) -> None:
        while True:
            names = self.together.with_others(await self.core.queue.get(), self._failures)
            try:
                if len(names) > 1:
                    with self.metrics.reconcile("roots"):
                        await self.together.plan(names)
                else:
                    await self._reconcile(names[0])
            finally:
                for name in names:
                    self.core.queue.done(name)

    async def _reconcile(self, name: str) -> None:
        kind, _, rest = name.partition(":")
        with self.metrics.reconcile(kind):
            try:
                await self._kinds[kind](rest)
            except Transient as error:
                self._back_off(name, error.message, error.after or 0.0)
            except Refused as error:
                self._wait_for_a_person(name, error.message)
            except Unusable:
                # The ledger or the machine is gone for good: nothing can be recorded, so nothing may be done.
                raise
            except Exception as error:  # noqa: BLE001 -- our own fault: this name backs off, the others go on
                self.metrics.crashed(kind)
                log.exception("reconcile crashed", name=name)
                fault = type(error).__name__
                self._stuck[name] = f"{_words(kind, rest)} fails, a fault of Plumbline ({fault}): {_REPORT}"
                self._back_off(name, "")
            else:
                self._failures.pop(name, None)
                self._stuck.pop(name, None)

    @property
    def stuck(self) -> tuple[str, ...]:
        """What does not go on until a person changes something, or we mend a fault of ours: one sentence each."""
        store = self.core.storage.words if self.core.storage is not None else ""
        previews = self.pulls.stuck.values() if self.pulls is not None else ()
        waiting = (*self._stuck.values(), *self.notifier.stuck.values(), *self.publisher.parked.words, *previews, store)
        return tuple(dict.fromkeys(filter(None, waiting)))

    def _wait_for_a_person(self, name: str, message: str) -> None:
        if message not in self._stuck.values():
            log.warning("refused", name=name, reason=message)
        self._stuck[name] = message
        self._back_off(name, "")

    def _back_off(self, name: str, message: str, after: float = 0.0) -> None:
        failures = self._failures[name] = self._failures.get(name, 0) + 1
        delay = min(0.5 * 2 ** min(failures - 1, 10), _LONGEST_BACK_OFF)
        delay = max(delay * (0.75 + self.settings.jitter.random() / 2), after)
        if message:
            log.warning("trying again", name=name, reason=message, seconds=round(delay, 2), failures=failures)
        self.core.queue.add(name, delay)

    async def _source(self) -> None:
        before = self.commits.desired
        await self.commits.reconcile()
        if self.commits.desired is not before:
            await self._pulls()

    async def _pulls(self) -> None:
        """Have pull requests looked at: where they are previewed, in their own time."""
        if self.pulls is not None:
            self.pulls.hint()

    async def _post(self, _: str) -> None:
        wait = await self.publisher.post()
        if wait is not None:
            self.core.queue.add("forge", wait)
        self.metrics.posted()
        # The name stays with this worker for the interval, so that posts come at most so often; a forge that takes
        # them one by one has a pace of its own.
        if self.core.forge.budget is None:
            await anyio.sleep(self.settings.post_interval)

    async def _survey(self) -> None:
        found = await self.observer.survey()
        for root in sorted({*await self._owners(found.orphans), *found.roots}):
            self.core.queue.add(f"root:{root}")
        await self.roots.door.call()
        self.core.queue.add("survey", self.core.policy.resync)
        self.measuring.hint()
        if self._turns.turned(self.core.clock.now()):
            log.warning("the wall clock was turned, or this machine slept: every operation is looked at again")
            for name in await self.core.ledger.roots():
                self.core.queue.add(f"root:{name}")
            self.core.queue.add("project")
        self.core.queue.add("restore")

    async def _owners(self, orphans: Collection[Key]) -> Collection[str]:
        """The roots of objects that no live record stands for, also where they were renamed since."""
        runs = await self.core.ledger.runs(RunQuery(keys=tuple(orphans), limit=len(orphans))) if orphans else ()
        owners = {run.key: run.root for run in runs}
        return {owners.get(key.run, key.root) for key in orphans}

    async def _hints(self) -> None:
        """Follow the backend's hints; whatever is lost while they are away is made up for by the survey."""
        while True:
            try:
                async for key in self.core.backend.changes():
                    self.core.queue.add(self._root_of(key))
                    self.measuring.hint()
            except Transient as error:
                log.warning("the backend's hints stopped", reason=error.message)
            await anyio.sleep(1.0)
            self.core.queue.add("survey")

    def _root_of(self, key: Key) -> str:
        return f"root:{self.core.renamed.get(key.run, key.root)}"


def _pulling(core: Core, settings: LoopSettings, commits: Commits) -> Pulling | None:
    if settings.previews is None:
        return None
    made = Pulling(core, settings.previews, settings.jitter)
    made.knows(lambda: commits.desired)
    return made


def _words(kind: str, name: str) -> str:
    return f"planning {name}" if kind == "root" else f"the work on {name or kind}"
