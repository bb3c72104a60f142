"""The ledger in a database: one connection, one transaction at a time in a worker thread.

The event loop never waits for the disk. After a failed write or sync the handle is never used again. This module must
never fold or decide: facts go through `reconciler.ledger.batch`. What differs between databases is in
`reconciler.ledger.dialects`, and behind `reconciler.ledger.database`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

import anyio
import sqlalchemy as sa

from planner.fold import RootState
from planner.keys import Key
from planner.model.commits import CommitRecord, StatusRecord
from planner.model.events import OutsideEvent
from planner.model.facts import Answered, Fact, Pinned
from planner.model.notices import Notice
from planner.model.people import ProjectRecord
from planner.model.pulls import PullRecord
from planner.model.questions import AboutRuns, Answers, Joined
from planner.model.records import Claim, RootRecord, RunRecord
from planner.model.retention import Removed
from planner.query import Subject
from reconciler import codec
from reconciler.errors import Transient
from reconciler.ledger import finding, forgetting, pages, reads, resting, rows, sweeping
from reconciler.ledger.batch import touched
from reconciler.ledger.database import Database, InDoubt
from reconciler.ledger.mirror import Mirror
from reconciler.ledger.opening import Identity
from reconciler.ledger.turns import Turns
from reconciler.ports import Awake, Expired, Find, Rest, RunQuery
from reconciler.ports_sweep import Bounds, Ended, Sweep
from reconciler.telemetry import log

__all__ = ["SqlLedger"]

_FIRST_WAIT, _LONGEST_WAIT = 0.1, 5.0
T = TypeVar("T")


class SqlLedger:
    """A `Ledger` in a database that was prepared (`sqlite.open_sqlite`, `postgres.open_postgres`).

    Attributes:
        database: where it is; between its own calls nobody else may use it.
    """

    def __init__(self, database: Database, identity: Identity, mirror: Mirror | None) -> None:
        """`mirror` where no other process writes: what this one wrote need not be read again."""
        self.database = database
        self._identity = identity
        self._mirror = mirror
        self._turns = Turns(database)
        self._recording = anyio.Lock(fast_acquire=True)

    @property
    def ident(self) -> str:
        """Random id, made with the ledger."""
        return self._identity.ident

    async def sequence(self) -> int:
        """The sequence of the newest fact; 0 before the first."""
        return await self._mirrored(lambda mirror: mirror.sequence, rows.sequence, lambda *_: None)

    async def record(self, facts: Sequence[Fact], blobs: Mapping[str, str] | None = None) -> int:
        """Append `facts`, fold them and keep `blobs`, in one transaction; returns the new sequence.

        Where the database went away in the middle of a commit, this waits until it says whether that was done.

        Raises:
            Transient: the disk is full or busy, the database cannot be reached; nothing was recorded.
            Unusable: the disk failed, or another daemon has the ledger; what was recorded is seen after a restart.
        """
        work = partial(self._record, tuple(facts), dict(blobs or {}))
        while True:
            try:
                async with self._recording:
                    await self._settle()
                    return await self._turns.take(work)
            except InDoubt as doubt:
                if facts and await self._newest_after(doubt) >= doubt.sequence:
                    return doubt.sequence

    def _record(self, facts: Sequence[Fact], blobs: Mapping[str, str]) -> int:
        texts, whose = [(fact, codec.encode(fact)) for fact in facts], self._identity
        promised = 0
        try:
            with self.database.writing() as connection:
                known = self._mirror.newest if self._mirror is not None else None
                batch, before = rows.load(connection, touched(facts), known)
                rows.append(connection, batch.sequence, texts)
                batch.fold(facts)
                rows.store(connection, batch, before, lambda key: key.short_id(whose.instance, whose.project))
                rows.keep(connection, blobs)
                if not facts:
                    self.database.touch(connection)
                promised = batch.sequence
        except InDoubt as doubt:
            doubt.sequence = promised
            raise
        self.database.promised(promised)
        if self._mirror is not None:
            self._mirror.recorded(batch)
        return batch.sequence

    async def _settle(self) -> None:
        """Find out what became of a commit that was cut off, if one was: nobody records before that is known.

        Raises:
            Transient: the database does not say it now.
        """
        doubt = self._turns.in_doubt
        if doubt is None:
            return
        newest = await self._turns.read(rows.sequence)
        if self._mirror is not None:
            self._mirror.clear()
            self._mirror.sequence = newest
        self.database.promised(newest)
        doubt.newest, self._turns.in_doubt = newest, None

    async def _newest_after(self, doubt: InDoubt) -> int:
        """The sequence of the newest fact as it was when `doubt` ended."""
        waiting = _FIRST_WAIT
        while doubt.newest is None:
            try:
                async with self._recording:
                    await self._settle()
            except Transient as error:
                log.warning("nobody knows yet whether the last facts were recorded", reason=error.message)
                await anyio.sleep(waiting)
                waiting = min(2 * waiting, _LONGEST_WAIT)
        return doubt.newest

    async def root(self, name: str) -> RootState:
        """The root's record (a fresh one if unknown) with the runs that planning it needs."""
        return await self._mirrored(
            lambda mirror: mirror.root(name),
            lambda connection: reads.root(connection, name),
            lambda mirror, state: mirror.keep(name, state),
        )

    async def states(self, names: Collection[str]) -> Mapping[str, RootState]:
        """`root` of many, as they are at one instant."""
        return await self._turns.read(reads.states, names)

    async def roots(self) -> Mapping[str, RootRecord]:
        """All roots of which anything is known, by name."""
        return await self._turns.read(reads.roots)

    async def rest(self, rests: Sequence[Rest], edition: str) -> None:
        """Note which roots rest, as far as their records are still those that are given."""
        await self._turns.write(resting.rest, rests, edition)

    async def awake(self, edition: str) -> Awake:
        """All roots, told apart by whether they rest by the word of this edition."""
        return await self._turns.read(resting.awake, edition)

    async def ask(self, questions: Collection[AboutRuns]) -> Answers:
        """An answer to each of `questions`."""
        joined = [one for one in questions if isinstance(one, Joined)]
        known = await self._turns.read(reads.ask, [one for one in questions if not isinstance(one, Joined)])
        return {**known, **{one: finding.found_of(await self.find(finding.wanted_of(one))) for one in joined}}

    async def blob(self, digest: str) -> str | None:
        """Content that was kept with `record`."""
        return await self._turns.read(reads.blob, digest)

    async def claims(self) -> Sequence[Claim]:
        """What live attempts hold, by key."""
        return await self._mirrored(lambda mirror: mirror.claims, reads.claims, Mirror.keep_claims)

    async def runs(self, query: RunQuery) -> Sequence[RunRecord]:
        """Runs that match `query`, newest opened first."""
        return await self._turns.read(reads.runs, query)

    async def find(self, wanted: Find) -> Sequence[Subject]:
        """Runs that a query finds, in its order."""
        reader = pages.Reader(wanted, (self._identity.instance, self._identity.project))
        return await finding.find(wanted, lambda before: self._turns.read(reader.page, before))

    async def commit(self, ident: str) -> CommitRecord | None:
        """A planned commit."""
        return await self._turns.read(reads.commit, ident)

    async def open_commits(self) -> Sequence[CommitRecord]:
        """Planned commits whose aggregate status is not final, oldest first."""
        return await self._turns.read(reads.open_commits)

    async def commits(self, limit: int) -> Sequence[CommitRecord]:
        """Planned commits, newest first."""
        return await self._turns.read(reads.commits, limit)

    async def statuses(self, commit: str) -> Sequence[StatusRecord]:
        """All statuses of a commit, by context."""
        return await self._turns.read(reads.statuses, commit)

    async def unposted(self, limit: int) -> Sequence[StatusRecord]:
        """Statuses that the forge was not told yet, oldest first."""
        return await self._turns.read(reads.unposted, limit)

    async def project(self) -> ProjectRecord:
        """What concerns the whole project."""
        return await self._mirrored(lambda mirror: mirror.project, reads.project, Mirror.keep_project)

    async def answer(self, ident: str) -> Answered | None:
        """What came of a command; None while it waits."""
        return await self._turns.read(reads.answer, ident)

    async def event(self, ident: str) -> OutsideEvent | None:
        """An event that was received, however long ago: it counts once."""
        return await self._turns.read(reads.event, ident)

    async def notice(self, ident: str) -> Notice | None:
        """A notice that is owed or was; None where nobody was to be told."""
        return await self._turns.read(reads.notice, ident)

    async def unsent(self, limit: int) -> Sequence[Notice]:
        """Of each connection the `limit` oldest notices that are owed."""
        return await self._turns.read(reads.unsent, limit)

    async def pins(self) -> Mapping[str, Pinned]:
        """What references out of the repository are pinned to, by key."""
        return await self._turns.read(reads.pins)

    async def pulls(self) -> Mapping[str, PullRecord]:
        """What was said on pull requests, by number."""
        return await self._turns.read(reads.pulls)

    async def facts(self, root: str | None = None, after: int = 0, limit: int = 1000) -> Sequence[tuple[int, Fact]]:
        """History with its sequence, oldest first; what was recorded under one root's name, or all."""
        return await self._turns.read(reads.facts, root, after, limit)

    async def expired(self, root: str, wanted: Expired) -> Sequence[Sequence[RunRecord]]:
        """Runs of `root` that may go, top by top, oldest first."""
        return await self._turns.read(forgetting.expired, root, wanted)

    async def forget(self, root: str, tops: Collection[Key], removed: Removed) -> int:
        """Drop `tops` with all below them; returns how many went."""
        gone = await self._turns.write(forgetting.forget, root, tops, removed)
        if self._mirror is not None:
            self._mirror.clear()
        return gone

    async def sweep(self, bounds: Bounds, sweep: Sweep) -> None:
        """Take one small step of `sweep`: let go of what no run owns and nothing needs, or only count it."""
        using = self._turns.write if sweep.remove else self._turns.read
        count, place = await using(sweeping.step, bounds, sweep)
        sweep.went(count, place)

    async def ended(self, before: datetime, after: int, limit: int) -> Ended:
        """A page of tops that ended earlier, in the order in which they were opened."""
        return await self._turns.read(sweeping.ended, before, after, limit)

    async def old_commits(self, keep: int, limit: int) -> Sequence[str]:
        """Planned commits beyond the newest `keep` whose statuses are final and were told, which nothing names."""
        return await self._turns.read(sweeping.old_commits, keep, limit)

    async def remove_commits(self, keep: int, idents: Collection[str]) -> int:
        """Drop `idents` as far as they may still go, with their statuses; returns how many went."""
        return await self._turns.write(sweeping.remove_commits, keep, idents)

    async def keep(self) -> None:
        """Find out in time that another daemon has the ledger. Returns at once where it is this one's for good.

        Raises:
            Unusable: another one has it.
        """
        await self._turns.keep()

    async def close(self) -> None:
        """Let go of the database. Twice is once."""
        await self._turns.close()

    async def _mirrored(
        self,
        known: Callable[[Mirror], T | None],
        query: Callable[[sa.Connection], T],
        keep: Callable[[Mirror, T], None],
    ) -> T:
        """What the mirror knows, or what is read and kept in it: nothing is recorded in between, in the one thread."""
        if (mirror := self._mirror) is None or self._turns.in_doubt is not None:
            return await self._turns.read(query)
        self._turns.demand_whole()
        if (had := known(mirror)) is not None:
            return had

        def read(connection: sa.Connection) -> T:
            found = query(connection)
            keep(mirror, found)
            return found

        return await self._turns.read(read)
