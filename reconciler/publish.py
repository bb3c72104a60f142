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
from reconciler.telemetry import log

__all__ = ["Publisher"]

_BATCH = 200
_TOGETHER = 0.03
"""Seconds in which the statuses of a commit's roots become one aggregate: a thousand of them are not a thousand."""
_AGAIN = 50
"""Commits of which a batch says again what the forge lost."""
_RESTORED = 500
"""Newest commits that are looked after: older ones stay as somebody left them."""


class Publisher:
    """Keeps aggregates in step with roots' statuses, and the forge in step with both."""

    def __init__(self, core: Core) -> None:
        self._core = core
        # No two workers may write one aggregate from statuses read at different times.
        self._lock = anyio.Lock()
        self._together = _TOGETHER
        # Commits that must be told again. Not in the ledger: each life compares once what the forge really shows.
        self._lost: dict[str, None] = {}
        self._compared = False

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
        """Tell the forge what it was not told yet or lost, one batch; returns whether there may be more.

        Raises:
            Transient: the forge cannot be told now.
            Refused: the forge does not take it until a person changes something.
        """
        core = self._core
        waiting = await core.ledger.unposted(_BATCH)
        again = list(self._lost)[:_AGAIN]
        if not waiting and not again:
            return False
        said = [status for commit in again for status in await core.ledger.statuses(commit)]
        # Before they are told: what is found lost meanwhile was told in vain.
        self._lost = {commit: None for commit in self._lost if commit not in again}
        try:
            await core.forge.put([*waiting, *said])
        except BaseException:
            self._lost |= dict.fromkeys(again)
            raise
        if waiting:
            now = core.clock.now()
            await core.ledger.record([Posted(status.commit, status.context, status.at, now) for status in waiting])
        return bool(self._lost) or len(waiting) == _BATCH

    async def restore(self) -> None:
        """Find out what the forge lost of the newest commits, and have it said again, at the pace of all posts.

        Raises:
            Transient: the forge cannot be asked now.
            Refused: the forge cannot be asked until a person changes something.
        """
        core = self._core
        if self._compared and await core.forge.intact():
            return
        self._compared = False
        commits = [record.ident for record in await core.ledger.commits(_RESTORED)]
        posted = [status for ident in commits for status in await core.ledger.statuses(ident) if status.posted]
        lost = await core.forge.lost(posted)
        self._compared = True
        if lost:
            self._lost |= dict.fromkeys(status.commit for status in lost)
            log.warning("what commits said is gone from the forge: it is said again", commits=len(self._lost))
            core.queue.add("forge")

    async def _aggregate(self, record: CommitRecord) -> None:
        core = self._core
        # Before their statuses are read: a root that waits no more has said its last word.
        roots = (await core.ledger.roots()).values() if record.again else ()
        waits = {root.name for root in roots if any(report.commit == record.ident for report in root.reports)}
        statuses = await core.ledger.statuses(record.ident)
        fact = aggregate(record, statuses, core.policy.identity.instance, core.clock.now(), waits)
        said = next((status for status in statuses if status.context == fact.context), None)
        same = said is not None and (said.state, said.description) == (fact.state, fact.description)
        if same and record.closed is fact.state.final:  # else it is said once more, and closes the commit by that
            return
        await core.ledger.record([fact])
        core.queue.add("forge")
