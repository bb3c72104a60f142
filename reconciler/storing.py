"""Copying what runs leave, and their logs, into the daemon's store, and bringing it back, beside all reconciling.

That a copy is owed is recorded with the end of its run, and that it is made afterwards: a crash between the two makes
it again, which ends the same. A store that is full or away keeps nobody from anything but what needs it. What goes
wrong here never ends the daemon, and no copy is ever given up.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial

import anyio
from anyio.abc import TaskGroup

from planner import storing
from planner.fold import RootState
from planner.keys import Key
from planner.model.facts import Fact, Stored, StoreIntended
from planner.model.records import RunRecord
from reconciler.core import Core
from reconciler.errors import Refused, Transient, Unusable
from reconciler.keeper import Restorer, Settler
from reconciler.ports import Content, RunQuery
from reconciler.storage import Storage, StoreWait
from reconciler.stores import copies
from reconciler.stores.copies import Log, Manifest
from reconciler.telemetry import log

__all__ = ["Storing"]

_AT_ONCE = 4
"""Runs that are copied or fetched at the same time."""
_LOOKED_AT = 1000
_LONGEST_BACK_OFF = 300.0
_LEDGER_AGAIN = 5.0


class Storing:
    """Makes the copies that are owed. `run` returns only when cancelled, or at once where there is no store."""

    def __init__(self, core: Core, jitter: random.Random) -> None:
        self._core = core
        self._jitter = jitter
        self._busy: set[str] = set()
        # By what was tried: what fails gives way to what was not tried as often.
        self._failures: dict[str, int] = {}

    def of_runs(self, before: RootState, facts: Sequence[Fact]) -> tuple[Fact, ...]:
        """The copies that are owed for `facts`, recorded on top of `before`; to be recorded with them."""
        storage = self._core.storage
        if storage is None:
            return ()
        return tuple(storing.intents(before, facts, storage.store.url, self._core.clock.now()))

    def recorded(self, facts: Sequence[Fact]) -> None:
        """Wake up for copies that are owed since just now."""
        if self._core.storage is not None and any(isinstance(fact, StoreIntended) for fact in facts):
            self._core.storage.news.set()

    async def run(self) -> None:
        """Copy and fetch until cancelled."""
        storage = self._core.storage
        if storage is None:
            return
        async with anyio.create_task_group() as group:
            while True:
                news = storage.news = anyio.Event()
                with anyio.move_on_after(await self._look(storage, group)):
                    await news.wait()

    async def _look(self, storage: Storage, group: TaskGroup) -> float | None:
        """Start what may be done now; returns the seconds until more may be, None where only news counts."""
        if storage.wait is not None and (left := storage.wait.again - anyio.current_time()) > 0:
            return left
        try:
            owed = await self._core.ledger.runs(RunQuery(owed=True, limit=_LOOKED_AT))
        except Unusable:
            return None  # the ledger is gone for good: whoever reconciles says so and ends the daemon
        except Transient as error:
            log.warning("copies wait", reason=error.message)
            return _LEDGER_AGAIN
        tasks: dict[str, Callable[[], Awaitable[None]]] = {}
        for name in storage.fetches:  # somebody waits for these
            tasks[f"fetch {name}"] = partial(self._fetch, storage, name)
        for run in reversed(owed):
            tasks[f"copy {run.key}"] = partial(self._copy, storage, run)
        for task in sorted(tasks.keys() - self._busy, key=self._order(list(tasks))):
            # A store that failed is asked for one thing, and for more once it has answered.
            if len(self._busy) >= (1 if storage.wait is not None else _AT_ONCE):
                break
            self._busy.add(task)
            group.start_soon(self._do, storage, task, tasks[task])
        return None

    def _order(self, tasks: Sequence[str]) -> Callable[[str], tuple[int, int]]:
        places = {task: index for index, task in enumerate(tasks)}
        return lambda task: (self._failures.get(task, 0), places[task])

    async def _do(self, storage: Storage, task: str, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
            storage.wait = None
            self._failures.pop(task, None)
        except (Transient, Refused) as error:
            self._back_off(storage, task, error.message)
        except Exception as error:  # noqa: BLE001 -- ours, or the ledger's end: what runs is none of our business
            log.exception("a copy was not made or fetched", task=task)
            self._back_off(storage, task, f"a fault of Plumbline ({type(error).__name__}), which the log has")
        finally:
            self._busy.discard(task)
            storage.news.set()

    def _back_off(self, storage: Storage, task: str, reason: str) -> None:
        self._failures[task] = self._failures.get(task, 0) + 1
        failures = storage.wait.failures + 1 if storage.wait is not None else 1
        seconds = min(1.0 * 2 ** min(failures - 1, 10), _LONGEST_BACK_OFF) * (0.75 + self._jitter.random() / 2)
        since = storage.wait.since if storage.wait is not None else self._core.clock.now()
        storage.wait = StoreWait(since, reason, failures, anyio.current_time() + seconds)
        log.warning("trying again", store=storage.store.url, task=task, reason=reason, seconds=round(seconds, 2))

    async def _copy(self, storage: Storage, run: RunRecord) -> None:
        """Make the copy of a run, and record that it is there."""
        core, key = self._core, run.key
        attempt = key.at_attempt(run.attempt_count)
        ended = run.finished_at.isoformat() if run.finished_at is not None else ""
        try:
            entries, left = tuple(await core.backend.artifacts(attempt)), 0
        except Refused:  # somebody has removed its folder: there is nothing any more
            entries, left = (), run.artifacts.files if run.artifacts is not None else 0
        logs = tuple(Log(one.number) for one in run.attempts if one.started_at is not None)
        wanted = Manifest(str(key), ended, entries, left, logs)
        place, content = storage.place_of(key), self._content(attempt)
        copied = await copies.made(storage.store, place, wanted, content, partial(self._log, key))
        size = sum(entry.size for entry in copied.files)
        fact = Stored(run.root, key, storage.store.url, core.clock.now(), len(copied.files), size, copied.left)
        async with core.recording:
            await core.ledger.record([fact])
        log.info("artifacts are stored", run=str(key), store=storage.store.url, files=len(copied.files), size=size)

    def _content(self, attempt: Key) -> Callable[[str], Awaitable[Content]]:
        return partial(self._core.backend.artifact, attempt)

    async def _log(self, run: Key, number: int) -> AsyncIterator[bytes]:
        backend, attempt = self._core.backend, run.at_attempt(number)
        if isinstance(backend, Settler):
            await backend.settle_log(attempt)
        async for piece in backend.logs(attempt):
            yield piece

    async def _fetch(self, storage: Storage, name: str) -> None:
        """Bring the folder `name` back, or find that the store has no copy of it; then its roots go on."""
        place, backend = storage.place(name), self._core.backend
        manifest = await copies.known(storage.store, place)
        if manifest is None or not isinstance(backend, Restorer):
            storage.lacking.add(name)
        else:
            await backend.restore(name, manifest.entries, partial(copies.pieces_of, storage.store, place))
            log.info("artifacts are brought back", run=manifest.run, store=storage.store.url)
        for root in storage.fetches.pop(name, ()):
            self._core.queue.add(f"root:{root}")
