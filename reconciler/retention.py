"""Retention: what is over and beyond what is kept goes, in small steps beside everything else.

Files go first and the ledger's rows last, so that a step which is cut off is done again by the next and nothing is
left that no row knows. Which runs may go at all is the ledger's word; how many are kept is the rule of their file.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from planner.keys import Key
from planner.model.records import RootRecord, RunRecord
from planner.model.retention import Removed
from planner.model.retention import Retention as Rule
from reconciler.core import Core
from reconciler.errors import Transient
from reconciler.keeper import Keeper
from reconciler.ports import Expired
from reconciler.stores import copies
from reconciler.telemetry import log

__all__ = ["Going", "Retention"]

_TOPS = 50
"""Runs with all below them that one step removes."""
_ROOTS = 200
"""Operations that one step looks at."""
_PAUSE = 1.0
_REST = 600.0


@dataclass(frozen=True, slots=True)
class Going:
    """A run that goes, with all below it."""

    root: str
    rule: str
    runs: Sequence[RunRecord]

    @property
    def top(self) -> Key:
        """The run at the top."""
        return self.runs[0].key.top


class Retention:
    """Removes what is beyond what is kept."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._after = ""

    def begin(self) -> None:
        """Look at every operation from the first one on, now."""
        self._after = ""
        self._core.queue.add("retention")

    async def step(self) -> None:
        """Remove some, and have the next step come: soon while there is more, else later."""
        names = sorted(await self._core.ledger.roots())
        ahead = [name for name in names if name > self._after]
        left = _TOPS
        for name in ahead[:_ROOTS]:
            going = [one async for one in self._of(name, left)]
            await self._remove(name, going)
            left -= len(going)
            if not left:
                break
            self._after = name
        more = not left or len(ahead) > _ROOTS
        self._after = self._after if more else ""
        self._core.queue.add("retention", _PAUSE if more else _REST)

    async def all(self, limit: int) -> list[Going]:
        """What would go now, at most so many runs with all below them."""
        found: list[Going] = []
        for name in sorted(await self._core.ledger.roots()):
            if len(found) < limit:
                found += [one async for one in self._of(name, limit - len(found))]
        return found

    async def weigh(self, going: Going) -> int:
        """Bytes that removing it frees of the disk, without those of the ledger."""
        backend = self._core.backend
        if not isinstance(backend, Keeper):
            return 0
        return sum([await backend.weigh(run.key, run.attempt_count) for run in going.runs])

    async def _of(self, name: str, limit: int) -> AsyncIterator[Going]:
        core = self._core
        record = (await core.ledger.root(name)).record if limit else RootRecord(name)
        rule = await self._rule(record)
        if rule.count is None and rule.age is None:
            return
        before = None if rule.age is None else core.clock.now() - timedelta(seconds=rule.age)
        for runs in await core.ledger.expired(name, Expired(rule.count, before, limit)):
            if core.storage is None or not any(run.copy is not None and run.copy.owed for run in runs):
                yield Going(name, rule.words, runs)  # what the store does not have yet stays until it has

    async def _rule(self, record: RootRecord) -> Rule:
        """Of the newest commit, else of what was in force last: what is removed keeps the rule that it had."""
        for place in (record.planned, record.applied):
            form = await self._core.form(place.form) if place is not None and place.form else None
            if form is not None:
                return form.policy.retention or self._core.policy.retention
        return self._core.policy.retention

    async def _remove(self, name: str, going: Sequence[Going]) -> None:
        if not going:
            return
        core = self._core
        sequence, count = await core.ledger.sequence(), 0
        keeper = core.backend if isinstance(core.backend, Keeper) else None
        for one in going:
            await self._remove_copies(one)
            if keeper is not None:
                for run in one.runs:
                    await keeper.forget(run.key, run.attempt_count, sequence)
            now = core.clock.now()
            count += await core.ledger.forget(name, [one.top], Removed(now, one.rule, 0, now))
        log.info("runs are removed by retention", operation=name, count=count, kept=going[0].rule)
        core.queue.add("pins", 60.0)

    async def _remove_copies(self, going: Going) -> None:
        """Remove what the store has of it. What is in another store than the daemon's of now stays there."""
        storage = self._core.storage
        if storage is None:
            return
        for run in going.runs:
            if run.copy is not None and run.copy.store == storage.store.url:
                try:
                    await copies.removed(storage.store, storage.place_of(run.key))
                except Transient as error:
                    raise Transient(f"retention waits for store {storage.store.url}: {error.message}") from None
