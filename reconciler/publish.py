"""Publishing: commits' statuses from the ledger to the forge.

What a commit should say is a fact; the ledger knows what the forge was told. So nothing is read before it is
written, and a crash between the two says the same thing again, which changes nothing. A status that the forge will
never take is parked: that is recorded and shown, and holds up nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import anyio

from planner.model.commits import CommitRecord, StatusRecord
from planner.model.facts import CommitPlanned, Fact, Posted, StatusChanged
from planner.outbox import sort_out
from planner.publish import aggregate
from reconciler.core import Core
from reconciler.errors import Refused, Transient
from reconciler.lively import Lively
from reconciler.marking import Marking
from reconciler.parked import Parked
from reconciler.ports import Taken
from reconciler.telemetry import log

__all__ = ["Publisher"]

_BATCH = 200
_SORTED = 1000
_TOGETHER = 0.03
"""Seconds in which the statuses of a commit's roots become one aggregate: a thousand of them are not a thousand."""
_AGAIN = 50
"""Commits of which a batch says again what the forge lost."""
_RESTORED = 500
"""Newest commits that are looked after: older ones stay as somebody left them."""
_REFUSED = 10.0
"""Seconds, at most, that a forge is left alone which says no to everything; they double up to it."""
_NOTHING = Taken()


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
        # By the loop's clock; the forge wants nothing before.
        self._until = 0.0
        self._refused: Refused | None = None
        self._refusals = 0
        self.parked = Parked()
        self.lively = Lively(core)
        self.marking = Marking(core)

    def changed(self, facts: Sequence[Fact]) -> None:
        """Have the aggregates of the commits that `facts` are about brought up to date, soon and once."""
        for fact in facts:
            if isinstance(fact, StatusChanged | CommitPlanned):
                self._core.queue.add(f"aggregate:{fact.commit}", self._together)
        self.lively.changed(facts)
        self.marking.changed(facts)

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
        self._core.queue.add("live")
        self._core.queue.add("checks")
        self._core.queue.add("forge")

    async def post(self) -> float | None:
        """Tell the forge some of what it was not told yet or lost.

        Returns:
            Seconds after which there is more to tell; None where there is not.

        Raises:
            Transient: the forge cannot be told now; until `after` it is left alone, whatever comes to be owed.
            Refused: the forge does not take it until a person changes something.
        """
        core = self._core
        if (wait := self._until - anyio.current_time()) > 0:
            if self._refused is not None:
                raise self._refused
            return wait
        # Of a forge with a budget many may have to wait: these must not hide what may be told.
        most = _BATCH if core.forge.budget is None else _SORTED
        owed = await core.ledger.unposted(most)
        box = sort_out(owed, await self._sizes(owed), core.clock.now(), core.forge.budget)
        await self._record(left_out=box.left_out)
        again = list(self._lost)[:_AGAIN]
        said = [status for commit in again for status in await core.ledger.statuses(commit) if not status.refused]
        # Before they are told: what is found lost meanwhile was told in vain.
        self._lost = {commit: None for commit in self._lost if commit not in again}
        try:
            after = await self._put([*box.now, *said])
        except BaseException:
            self._lost |= dict.fromkeys(again)
            raise
        if self._lost or box.left_out or after is not None or (box.now and len(owed) == most):
            return after or 0.0
        return box.later

    async def _put(self, statuses: Sequence[StatusRecord]) -> float | None:
        """Tell `statuses`, and record what became of them; returns the seconds until the rest, None for no rest."""
        if not statuses:
            return None
        try:
            told = await self._core.forge.put(statuses)
        except Transient as error:
            self._pause(error.after)
            raise
        except Refused as error:
            # Whatever comes to be owed meanwhile: who says no to everything is not asked for each of it.
            self._refusals += 1
            self._pause(min(0.25 * 2 ** min(self._refusals, 10), _REFUSED), error)
            raise
        self._refusals = 0
        self._pause(told.after)
        await self._record(told)
        self.parked.settle(told.taken)
        self.parked.note(told.refused)
        done = len(told.taken) + len(told.refused)
        rest = statuses[done:]
        self._lost |= dict.fromkeys(status.commit for status in rest if status.posted)
        return (told.after or 0.0) if rest else None

    def _pause(self, seconds: float | None, refused: Refused | None = None) -> None:
        self._until = anyio.current_time() + (seconds or 0.0)
        self._refused = refused

    async def _record(self, told: Taken = _NOTHING, left_out: Sequence[StatusRecord] = ()) -> None:
        """Record what is not owed any more; what was said again is known already."""
        now = self._core.clock.now()
        facts = [Posted(one.commit, one.context, one.at, now) for one in told.taken if not one.posted]
        for refusal in told.refused:
            one = refusal.status
            facts.append(Posted(one.commit, one.context, one.at, now, refused=refusal.reason))
        facts += [Posted(one.commit, one.context, one.at, now, left_out=True) for one in left_out]
        if facts:
            await self._core.ledger.record(facts)

    async def _sizes(self, owed: Sequence[StatusRecord]) -> Mapping[str, int]:
        """How many operations each commit of `owed` changed, where the forge asks."""
        if self._core.forge.budget is None:
            return {}
        commits = dict.fromkeys(status.commit for status in owed if status.root and not status.writes)
        found = {ident: await self._core.ledger.commit(ident) for ident in commits}
        return {ident: len(record.changes) for ident, record in found.items() if record is not None}

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
        self.parked.load(posted)
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
