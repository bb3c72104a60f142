"""Keeps what is said on pull requests in step with their heads, the branch and the world.

Names wait in a queue of their own, with workers of their own: neither a forge that is slow nor a plan that takes long
keeps any run waiting. A push to the branch costs a merge in memory for each open pull request, and a plan only for
those whose own change, or whose operations, are not what they were; the comments of the others are marked, once.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from datetime import timedelta

import anyio

from planner.model.desired import DesiredState
from planner.model.pulls import Pull, PullState, is_queued
from reconciler.core import Core
from reconciler.errors import Refused, Transient, Unusable
from reconciler.pulls.merged import AfterMerge
from reconciler.pulls.parts import Parts
from reconciler.pulls.planning import world_digest
from reconciler.pulls.previewing import Previewing
from reconciler.pulls.queued import PLANNING, Queued
from reconciler.pulls.saying import Saying
from reconciler.queue import Queue
from reconciler.telemetry import log

__all__ = ["Pulling"]

_LIST, _QUEUE = "pulls", "queue"
_LONGEST_BACK_OFF = 300.0


class Pulling:
    """Everything about pull requests that happens by itself.

    Attributes:
        counted: what was done in this life: merges, plans, marks, outcomes.
        stuck: what does not go on until a person changes something, by name.
        saying: what was said and heard.
        seen: pull requests as they were when they were looked at last.
        looked: called after each look at all.
    """

    def __init__(self, core: Core, parts: Parts, jitter: random.Random) -> None:
        self._core = core
        self._parts = parts
        self._jitter = jitter
        self._queue = Queue()
        self.seen: dict[str, Pull] = {}
        self._failures: Counter[str] = Counter()
        self.saying = Saying(core, parts.port)
        self._loading = anyio.Lock()
        self._loaded = False
        # By the loop's clock; the forge wants to be left alone before.
        self._until = 0.0
        self.counted: Counter[str] = Counter()
        self.stuck: dict[str, str] = {}
        self.looked: Callable[[], None] = lambda: None
        self._previewing = Previewing(core, parts, self.saying, self.counted)
        self._after = AfterMerge(core, parts, self.saying, self.counted)
        queue = parts.queue
        self._queued = Queued(core, queue, parts.rules.queued, self.saying) if queue is not None else None

    def knows(self, base: Callable[[], DesiredState | None]) -> None:
        """Where the newest planned state of the branch is to be had."""
        self._previewing.base = base

    def hint(self, name: str = _LIST) -> None:
        """Have all pull requests looked at, or the one that is called `pull:N`, as soon as there is room."""
        if name == _LIST and self._queued is not None:
            self._queue.add(_QUEUE)
        self._queue.add(name)

    def again(self, number: str) -> None:
        """Have a pull request planned anew, though nothing changed."""
        self._previewing.anew.add(number)
        self.hint(f"pull:{number}")

    @property
    def idle(self) -> bool:
        """Whether nothing is being done or due now."""
        return self._queue.idle

    async def run(self) -> None:
        """Work until cancelled."""
        self.hint()
        async with anyio.create_task_group() as group:
            for _ in range(max(self._parts.rules.at_once, 1)):
                group.start_soon(self._work)

    async def _work(self) -> None:
        while True:
            await self.turn()

    async def turn(self) -> None:
        """Wait for a name whose turn it is, and do what is due of it."""
        name = await self._queue.get()
        try:
            if not self._core.draining:
                await self._one(name)
        finally:
            self._queue.done(name)

    async def _one(self, name: str) -> None:
        """Do what is due of `name`; a failure keeps to it, but a forge that wants to be left alone is."""
        if (wait := self._until - anyio.current_time()) > 0:
            self._queue.add(name, wait)
            return
        try:
            await self._due(name)
        except Transient as error:
            self._until = anyio.current_time() + (error.after or 0.0)
            self._back_off(name, error.message)
        except Refused as error:
            self.stuck[name] = error.message
            self._back_off(name, error.message)
        except Unusable:
            raise
        except Exception as error:  # noqa: BLE001 -- our own fault: this name backs off, the others go on
            log.exception("a preview crashed", name=name)
            self.stuck[name] = f"the preview of {name} fails, a fault of Plumbline ({type(error).__name__})"
            self._back_off(name, "")
        else:
            self._failures.pop(name, None)
            self.stuck.pop(name, None)

    async def _due(self, name: str) -> None:
        async with self._loading:
            if not self._loaded:
                await self.saying.load()
                self._loaded = True
        number = name.removeprefix("pull:")
        if name == _LIST:
            await self._list()
        elif name == _QUEUE:
            await self._look_at_queue()
        elif is_queued(number):
            await self._entry(number)
        else:
            await self._pull(number)

    def _back_off(self, name: str, reason: str) -> None:
        self._failures[name] += 1
        delay = min(2.0 ** min(self._failures[name] - 1, 10), _LONGEST_BACK_OFF) * (0.75 + self._jitter.random() / 2)
        if reason:
            log.warning("a preview waits", name=name, reason=reason, seconds=round(delay, 1))
        self._queue.add(name, delay)

    async def _list(self) -> None:
        """Look at all pull requests, and queue those of which something is to be said."""
        base = (await self._core.ledger.project()).head
        if base:  # else nothing of the branch was planned yet: there is nothing to compare with
            await self._look(base)
        self._queue.add(_LIST, self._parts.rules.poll)

    async def _look_at_queue(self) -> None:
        """Look at the merge queue, and queue those of which something is to be said."""
        if self._queued is not None:
            if (await self._core.ledger.project()).head:
                for number in await self._queued.look():
                    self._queue.add(f"pull:{number}")
            self._queue.add(_QUEUE, self._parts.rules.poll)

    async def _entry(self, number: str) -> None:
        if self._queued is not None and await self._queued.turn(number, self._previewing):
            self._queue.add(f"pull:{number}", self._parts.rules.outcome)

    async def _look(self, base: str) -> None:
        core = self._core
        known = [number for number in self.saying.records if not is_queued(number)]
        found = await self._parts.port.pulls(core.policy.branch, known)
        self.seen = {pull.number: pull for pull in self._within(found)}
        self.saying.meet(self.seen)
        records, counted = await core.ledger.roots(), dict[str, bytes]()
        for number, pull in self.seen.items():
            if self._is_due(pull, base, lambda about: world_digest(core, records, about, counted)):
                self._queue.add(f"pull:{number}")
        for number in set(known) - self.seen.keys():
            self._queue.add(f"pull:{number}")
        self._refresh()
        self.looked()
        waiting = self._queued.entries if self._queued is not None else {}
        still_open = (number for number, pull in self.seen.items() if pull.state is PullState.OPEN)
        await self._parts.heads.keep([*still_open, *waiting])

    def _within(self, found: Iterable[Pull]) -> Iterable[Pull]:
        """As many open ones as are looked at, and all of which something was said."""
        left = self._parts.rules.most
        passed = 0
        for pull in found:
            if pull.base != self._core.policy.branch or (pull.fork and self._parts.rules.forks == "off"):
                continue
            if pull.number in self.saying.records:
                yield pull
            elif pull.state is PullState.OPEN:
                left -= 1
                if left < 0:
                    passed += 1
                    continue
                yield pull
        if passed:
            log.warning("too many open pull requests: some get no preview", most=self._parts.rules.most, left=passed)

    def _is_due(self, pull: Pull, base: str, world: Callable[[Collection[str]], str]) -> bool:
        """Whether something changed since it was looked at: its head, the branch, or what its plan counted with."""
        record = self.saying.records.get(pull.number)
        if record is None or pull.state is not record.state or pull.state is PullState.MERGED:
            return True
        if pull.head != record.head:
            return True
        if record.unchecked:
            return True
        if record.refused:
            return False
        return record.looked != base or record.world != world(record.roots)

    def _refresh(self) -> None:
        """Plan one anew whose comment is marked as stale, where it has been for long: the one that is so longest."""
        old = self._core.clock.now() - timedelta(seconds=self._parts.rules.refresh)
        marked = [one for one in self.saying.records.values() if one.marked and one.at < old]
        if marked:
            oldest = min(marked, key=lambda one: (one.at, one.number))
            self.again(oldest.number)

    async def _pull(self, number: str) -> None:
        pull, record = self.seen.get(number), self.saying.records.get(number)
        if pull is not None and pull.state is PullState.OPEN:
            if record is None or record.head != pull.head:
                await self.saying.status(pull.head, PLANNING)
            if await self._previewing.preview(pull, record):
                return
        elif record is None:
            return
        if await self._after.look(pull, number):
            self._queue.add(f"pull:{number}", self._parts.rules.outcome)
