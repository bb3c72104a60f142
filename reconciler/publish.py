"""Publishing: commits' statuses from the ledger to the forge.

What a commit should say is a fact; the ledger knows what the forge was told. So nothing is read before it is
written, and a crash between the two says the same thing again, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import anyio

from planner.model.commits import CommitRecord
from planner.model.facts import CommitPlanned, Fact, Posted, StatusChanged
from planner.publish import aggregate
from reconciler.core import Core

__all__ = ["Publisher"]

_BATCH = 200
_TOGETHER = 0.03
"""Seconds in which the statuses of a commit's roots become one aggregate: a thousand of them are not a thousand."""
_RESTORED = 500
"""Commits whose statuses are said again after somebody deleted them all."""


class Publisher:
    """Keeps aggregates in step with roots' statuses, and the forge in step with both."""

    def __init__(self, core: Core) -> None:
        self._core = core
        # No two workers may write one aggregate from statuses read at different times.
        self._lock = anyio.Lock()
        self._together = _TOGETHER

    def changed(self, facts: Sequence[Fact]) -> None:
        """Have the aggregates of the commits that `facts` are about brought up to date, soon and once."""
        for fact in facts:
            if isinstance(fact, StatusChanged | CommitPlanned):
                self._core.queue.add(f"aggregate:{fact.commit}", self._together)

    async def aggregate(self, ident: str) -> None:
        """Bring the aggregate of commit `ident` up to date."""
        record = await self._core.ledger.commit(ident)
        if record is None:
            return
        async with self._lock:
            begun = anyio.current_time()
            await self._aggregate(record)
            # A commit of many roots is summed up less often: it never takes more than a small share of the time.
            self._together = max(_TOGETHER, 10 * (anyio.current_time() - begun))

    async def recover(self) -> None:
        """After a start: aggregates of all open commits, in case a crash came between a status and its aggregate."""
        for record in await self._core.ledger.open_commits():
            self._core.queue.add(f"aggregate:{record.ident}")
        self._core.queue.add("forge")

    async def post(self) -> bool:
        """Tell the forge what it was not told yet, one batch; returns whether there may be more.

        Raises:
            Transient: the forge cannot be told now.
        """
        core = self._core
        waiting = await core.ledger.unposted(_BATCH)
        if not waiting:
            return False
        await core.forge.put(waiting)
        now = core.clock.now()
        await core.ledger.record([Posted(status.commit, status.context, status.at, now) for status in waiting])
        return len(waiting) == _BATCH

    async def restore(self) -> None:
        """Say again what the forge lost, for the newest commits.

        Raises:
            Transient: the forge cannot be asked or told now.
        """
        core = self._core
        if await core.forge.intact():
            return
        for record in await core.ledger.commits(_RESTORED):
            statuses = await core.ledger.statuses(record.ident)
            if statuses:
                await core.forge.put(statuses)

    async def _aggregate(self, record: CommitRecord) -> None:
        core = self._core
        statuses = await core.ledger.statuses(record.ident)
        fact = aggregate(record, statuses, core.policy.identity.instance, core.clock.now())
        said = next((status for status in statuses if status.context == fact.context), None)
        if said is not None and (said.state, said.description) == (fact.state, fact.description):
            return
        await core.ledger.record([fact])
        core.queue.add("forge")
