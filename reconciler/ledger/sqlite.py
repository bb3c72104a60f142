"""The ledger on SQLite: one file, one connection, one transaction at a time in a worker thread.

The event loop never waits for the disk. A commit returns when the write-ahead log is synced (`synchronous=FULL`).
After a failed write or sync the handle is never used again. This module must never fold or decide: facts go through
`reconciler.ledger.batch`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import anyio
import sqlalchemy as sa
from anyio import to_thread

from planner.fold import RootState
from planner.keys import Key
from planner.model.commits import CommitRecord, StatusRecord
from planner.model.events import OutsideEvent
from planner.model.facts import Answered, Fact, Pinned
from planner.model.notices import Notice
from planner.model.people import ProjectRecord
from planner.model.questions import Answers, Joined, Question
from planner.model.records import Claim, RootRecord, RunRecord
from planner.model.retention import Removed
from planner.query import Subject
from reconciler import codec
from reconciler.errors import Unusable
from reconciler.ledger import finding, forgetting, opening, pages, reads, resting, rows, sweeping
from reconciler.ledger.batch import touched
from reconciler.ledger.mirror import Mirror
from reconciler.ledger.transactions import transaction, translated
from reconciler.ports import Awake, Expired, Find, Rest, RunQuery
from reconciler.ports_sweep import Bounds, Ended, Sweep

__all__ = ["SqliteLedger"]

P = ParamSpec("P")
T = TypeVar("T")


class SqliteLedger:
    """A `Ledger` in the file `path`. Made by `open`."""

    def __init__(self, path: Path, engine: sa.Engine, identity: opening.Identity, mirror: Mirror | None) -> None:
        self._path = path
        self._engine = engine
        self._identity = identity
        self._mirror = mirror
        self._turn = anyio.CapacityLimiter(1)
        self._broken: Unusable | None = None

    @classmethod
    async def open(
        cls, path: Path, instance: str, project: str, *, patience: float = 5.0, alone: bool = False
    ) -> SqliteLedger:
        """Open the ledger in `path`, or make it.

        Args:
            path: the file; its folder is made (0700) when missing, the file is readable by its owner only.
            instance: name of this Plumbline instance; a ledger of another one is refused.
            project: name of the project, fixed in a new ledger; in one that exists the recorded name stays.
            patience: seconds to wait for another process that writes.
            alone: whether no other process writes: what this one wrote need not be read again.

        Raises:
            Unusable: it cannot be kept there, is damaged, of a newer version or of another instance.
            Transient: another process holds it, or the disk is full.
        """
        return await to_thread.run_sync(partial(cls._open, path, instance, project, patience, alone=alone))

    @classmethod
    def _open(cls, path: Path, instance: str, project: str, patience: float, *, alone: bool) -> SqliteLedger:
        opening.make_file(path)
        engine = opening.connect(path, patience)
        try:
            with translated(path), transaction(engine, "BEGIN IMMEDIATE") as connection:
                identity = opening.prepare(connection, path, instance, project)
                mirror = Mirror(rows.sequence(connection)) if alone else None
        except BaseException:
            engine.dispose()
            raise
        return cls(path, engine, identity, mirror)

    @property
    def ident(self) -> str:
        """Random id, made with the ledger."""
        return self._identity.ident

    async def sequence(self) -> int:
        """The sequence of the newest fact; 0 before the first."""
        return await self._mirrored(lambda mirror: mirror.sequence, rows.sequence, lambda *_: None)

    async def record(self, facts: Sequence[Fact], blobs: Mapping[str, str] | None = None) -> int:
        """Append `facts`, fold them and keep `blobs`, in one transaction; returns the new sequence.

        Raises:
            Transient: the disk is full or busy; nothing was recorded.
            Unusable: the disk failed; whether it was recorded is seen after a restart.
        """
        return await self._in_thread(partial(self._record, tuple(facts), dict(blobs or {})))

    def _record(self, facts: Sequence[Fact], blobs: Mapping[str, str]) -> int:
        texts, whose = [(fact, codec.encode(fact)) for fact in facts], self._identity
        with transaction(self._engine, "BEGIN IMMEDIATE") as connection:
            known = self._mirror.newest if self._mirror is not None else None
            batch, before = rows.load(connection, touched(facts), known)
            rows.append(connection, batch.sequence, texts)
            batch.fold(facts)
            rows.store(connection, batch, before, lambda key: key.short_id(whose.instance, whose.project))
            rows.keep(connection, blobs)
            if not facts:
                # Writes a page as it is, so that whoever asks finds out that the disk is full.
                connection.exec_driver_sql("PRAGMA user_version = 0")
        if self._mirror is not None:
            self._mirror.recorded(batch)
        return batch.sequence

    async def root(self, name: str) -> RootState:
        """The root's record (a fresh one if unknown) with the runs that planning it needs."""
        return await self._mirrored(
            lambda mirror: mirror.root(name),
            lambda connection: reads.root(connection, name),
            lambda mirror, state: mirror.keep(name, state),
        )

    async def states(self, names: Collection[str]) -> Mapping[str, RootState]:
        """`root` of many, as they are at one instant."""
        return await self._read(reads.states, names)

    async def roots(self) -> Mapping[str, RootRecord]:
        """All roots of which anything is known, by name."""
        return await self._read(reads.roots)

    async def rest(self, rests: Sequence[Rest], edition: str) -> None:
        """Note which roots rest, as far as their records are still those that are given."""
        await self._write(resting.rest, rests, edition)

    async def awake(self, edition: str) -> Awake:
        """All roots, told apart by whether they rest by the word of this edition."""
        return await self._read(resting.awake, edition)

    async def ask(self, questions: Collection[Question]) -> Answers:
        """An answer to each of `questions`."""
        known = await self._read(reads.ask, [one for one in questions if not isinstance(one, Joined)])
        joined = [one for one in questions if isinstance(one, Joined)]
        return {**known, **{one: finding.found_of(await self.find(finding.wanted_of(one))) for one in joined}}

    async def blob(self, digest: str) -> str | None:
        """Content that was kept with `record`."""
        return await self._read(reads.blob, digest)

    async def claims(self) -> Sequence[Claim]:
        """What live attempts hold, by key."""
        return await self._mirrored(lambda mirror: mirror.claims, reads.claims, Mirror.keep_claims)

    async def runs(self, query: RunQuery) -> Sequence[RunRecord]:
        """Runs that match `query`, newest opened first."""
        return await self._read(reads.runs, query)

    async def find(self, wanted: Find) -> Sequence[Subject]:
        """Runs that a query finds, in its order."""
        reader = pages.Reader(wanted, (self._identity.instance, self._identity.project))
        return await finding.find(wanted, lambda before: self._read(reader.page, before))

    async def commit(self, ident: str) -> CommitRecord | None:
        """A planned commit."""
        return await self._read(reads.commit, ident)

    async def open_commits(self) -> Sequence[CommitRecord]:
        """Planned commits whose aggregate status is not final, oldest first."""
        return await self._read(reads.open_commits)

    async def commits(self, limit: int) -> Sequence[CommitRecord]:
        """Planned commits, newest first."""
        return await self._read(reads.commits, limit)

    async def statuses(self, commit: str) -> Sequence[StatusRecord]:
        """All statuses of a commit, by context."""
        return await self._read(reads.statuses, commit)

    async def unposted(self, limit: int) -> Sequence[StatusRecord]:
        """Statuses that the forge was not told yet, oldest first."""
        return await self._read(reads.unposted, limit)

    async def project(self) -> ProjectRecord:
        """What concerns the whole project."""
        return await self._mirrored(lambda mirror: mirror.project, reads.project, Mirror.keep_project)

    async def answer(self, ident: str) -> Answered | None:
        """What came of a command; None while it waits."""
        return await self._read(reads.answer, ident)

    async def event(self, ident: str) -> OutsideEvent | None:
        """An event that was received, however long ago: it counts once."""
        return await self._read(reads.event, ident)

    async def notice(self, ident: str) -> Notice | None:
        """A notice that is owed or was; None where nobody was to be told."""
        return await self._read(reads.notice, ident)

    async def unsent(self, limit: int) -> Sequence[Notice]:
        """Of each connection the `limit` oldest notices that are owed."""
        return await self._read(reads.unsent, limit)

    async def pins(self) -> Mapping[str, Pinned]:
        """What references out of the repository are pinned to, by key."""
        return await self._read(reads.pins)

    async def facts(self, root: str | None = None, after: int = 0, limit: int = 1000) -> Sequence[tuple[int, Fact]]:
        """History with its sequence, oldest first; what was recorded under one root's name, or all."""
        return await self._read(reads.facts, root, after, limit)

    async def expired(self, root: str, wanted: Expired) -> Sequence[Sequence[RunRecord]]:
        """Runs of `root` that may go, top by top, oldest first."""
        return await self._read(forgetting.expired, root, wanted)

    async def forget(self, root: str, tops: Collection[Key], removed: Removed) -> int:
        """Drop `tops` with all below them; returns how many went."""
        gone = await self._write(forgetting.forget, root, tops, removed)
        if self._mirror is not None:
            self._mirror.clear()
        return gone

    async def sweep(self, bounds: Bounds, sweep: Sweep) -> None:
        """Take one small step of `sweep`: let go of what no run owns and nothing needs, or only count it."""
        using = self._write if sweep.remove else self._read
        count, place = await using(sweeping.step, bounds, sweep)
        sweep.went(count, place)

    async def ended(self, before: datetime, after: int, limit: int) -> Ended:
        """A page of tops that ended earlier, in the order in which they were opened."""
        return await self._read(sweeping.ended, before, after, limit)

    async def old_commits(self, keep: int, limit: int) -> Sequence[str]:
        """Planned commits beyond the newest `keep` whose statuses are final and were told, which nothing names."""
        return await self._read(sweeping.old_commits, keep, limit)

    async def remove_commits(self, keep: int, idents: Collection[str]) -> int:
        """Drop `idents` as far as they may still go, with their statuses; returns how many went."""
        return await self._write(sweeping.remove_commits, keep, idents)

    async def close(self) -> None:
        """Let go of the file. Twice is once."""
        await to_thread.run_sync(self._engine.dispose, limiter=self._turn)
        self._broken = Unusable(f"the state in {self._path} was closed")

    async def _read(self, query: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        def work() -> T:
            with transaction(self._engine, "BEGIN") as connection:
                return query(connection, *args, **kwargs)

        return await self._in_thread(work)

    async def _write(self, work: Callable[Concatenate[sa.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        def written() -> T:
            with transaction(self._engine, "BEGIN IMMEDIATE") as connection:
                return work(connection, *args, **kwargs)

        return await self._in_thread(written)

    async def _mirrored(
        self,
        known: Callable[[Mirror], T | None],
        query: Callable[[sa.Connection], T],
        keep: Callable[[Mirror, T], None],
    ) -> T:
        """What the mirror knows, or what is read and kept in it: nothing is recorded in between, in the one thread."""
        mirror = self._mirror
        if mirror is None:
            return await self._read(query)
        self._demand_whole()
        if (had := known(mirror)) is not None:
            return had

        def read(connection: sa.Connection) -> T:
            found = query(connection)
            keep(mirror, found)
            return found

        return await self._read(read)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await to_thread.run_sync(self._guarded, work, limiter=self._turn)

    def _demand_whole(self) -> None:
        if self._broken is not None:
            raise Unusable(self._broken.message)

    def _guarded(self, work: Callable[[], T]) -> T:
        self._demand_whole()
        try:
            with translated(self._path):
                return work()
        except Unusable as error:
            self._broken = error
            raise
