"""The ledger's twin in memory: the same contract without threads, files or chance, for simulation and tests.

Everything between two awaits is one step, so a transaction is atomic by itself. `snapshot` and `MemoryLedger(state)`
are what a crash and a restart are to a file; the hooks around a record are where a simulation lets the daemon die.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import assert_never

from planner.fold import RootState
from planner.keys import Key
from planner.model.commits import CommitRecord, StatusRecord
from planner.model.events import OutsideEvent
from planner.model.facts import Answered, Fact, Pinned
from planner.model.notices import Notice
from planner.model.people import ProjectRecord
from planner.model.pulls import PullRecord
from planner.model.questions import AboutRuns, Answer, Answers, Cached, Joined, Recorded, Reusable
from planner.model.records import Claim, RootRecord, RunRecord
from planner.model.retention import Removed
from planner.model.status import RunStatus
from planner.query import Subject
from reconciler import codec
from reconciler.errors import Unusable
from reconciler.ledger import finding, memory_batch, memory_forgetting, memory_resting, memory_sweeping
from reconciler.ledger.batch import is_blank, tops_of
from reconciler.ledger.memory_notices import unsent
from reconciler.ledger.memory_pages import Pages
from reconciler.ledger.state import MemoryState
from reconciler.ports import Awake, Expired, Find, Rest, RunQuery
from reconciler.ports_sweep import Bounds, Ended, Sweep

__all__ = ["Hook", "MemoryLedger"]

Hook = Callable[[Sequence[Fact]], Awaitable[None]]
"""Awaited with the facts of a record; what it raises reaches the caller of `record`."""


class MemoryLedger:
    """A `Ledger` in memory.

    Attributes:
        before: awaited before each record; when it raises, nothing is recorded.
        after: awaited after each record; when it raises, everything is recorded and the caller does not know.
    """

    def __init__(self, state: MemoryState | None = None, *, through_codec: bool = False) -> None:
        """Start from `state`, which is copied; with `through_codec` every fact is stored as the text would be."""
        self._state = state.copy() if state is not None else MemoryState()
        self._through_codec = through_codec
        self._closed = False
        self.before: Hook | None = None
        self.after: Hook | None = None

    def snapshot(self) -> MemoryState:
        """What is durable now."""
        return self._state.copy()

    def restore(self, state: MemoryState) -> None:
        """Go back (or on) to `state`, as a restart from that file would."""
        self._state = state.copy()
        self._closed = False

    @property
    def ident(self) -> str:
        """Id of the ledger."""
        return self._state.ident

    async def sequence(self) -> int:
        """The sequence of the newest fact; 0 before the first."""
        return len(self._open().facts)

    async def record(self, facts: Sequence[Fact], blobs: Mapping[str, str] | None = None) -> int:
        """Append `facts`, fold them and keep `blobs`, all or nothing; returns the new sequence."""
        if self.before is not None:
            await self.before(facts)
        if self._through_codec:
            facts = [codec.decode_fact(codec.encode(fact)) for fact in facts]
        batch = memory_batch.load(self._open(), facts)
        batch.fold(facts)
        memory_batch.store(self._state, facts, batch)
        self._state.blobs.update(blobs or {})
        if self.after is not None:
            await self.after(facts)
        return batch.sequence

    async def root(self, name: str) -> RootState:
        """The root's record (a fresh one if unknown) with the runs that planning it needs."""
        state = self._open()
        record = state.roots.get(name) or RootRecord(name)
        keys = {key for top in tops_of(record) for key in state.under.get(top, ())} | state.pending.keys()
        found = {key: state.runs[key] for key in self._in_order(keys) if state.runs[key].root == name}
        return RootState(record, self._with_sources(found))

    def _with_sources(self, found: dict[Key, RunRecord]) -> dict[Key, RunRecord]:
        fresh: Iterable[RunRecord] = found.values()
        while sources := {run.carried_from for run in fresh if run.carried_from is not None} - found.keys():
            more = {key: self._state.runs[key] for key in self._in_order(sources & self._state.runs.keys())}
            found, fresh = {**more, **found}, more.values()
        return found

    def _in_order(self, keys: Iterable[Key]) -> list[Key]:
        return sorted(keys, key=self._state.opened.__getitem__)

    async def states(self, names: Collection[str]) -> Mapping[str, RootState]:
        """`root` of many."""
        return {name: await self.root(name) for name in names}

    async def roots(self) -> Mapping[str, RootRecord]:
        """All roots of which anything is known, by name."""
        return {name: record for name, record in sorted(self._open().roots.items()) if not is_blank(record)}

    async def rest(self, rests: Sequence[Rest], edition: str) -> None:
        """Note which roots rest, as far as their records are still those that are given."""
        memory_resting.rest(self._open(), rests, edition)

    async def awake(self, edition: str) -> Awake:
        """All roots, told apart by whether they rest by the word of this edition."""
        return memory_resting.awake(self._open(), edition)

    async def ask(self, questions: Collection[AboutRuns]) -> Answers:
        """An answer to each of `questions`."""
        return {question: await self._answer(question) for question in questions}

    async def _answer(self, question: AboutRuns) -> Answer:
        match question:
            case Joined():
                return finding.found_of(await self.find(finding.wanted_of(question)))
            case Recorded(keys):
                return tuple(await self.runs(RunQuery(keys=keys, limit=len(keys))))
            case Reusable(root, digest):
                own = [run for run in self._done(digest) if run.root == root and run.digest == digest]
            case Cached(work):
                own = [run for run in self._done(work) if (run.work or run.digest) == work]
            case _:
                assert_never(question)
        good = [run for run in own if run.status is RunStatus.SUCCEEDED] or [run for run in own if run.goes_on]
        return tuple(good[:1])

    def _done(self, digest: str) -> list[RunRecord]:
        """Runs with this digest of their own work, newest first; those with an earlier one of it are among them."""
        state = self._open()
        keys = self._in_order(state.results.get(digest, ()))
        return [run for key in reversed(keys) if (run := state.runs[key]).own]

    async def blob(self, digest: str) -> str | None:
        """Content that was kept with `record`."""
        return self._open().blobs.get(digest)

    async def claims(self) -> Sequence[Claim]:
        """What live attempts hold, by key."""
        return sorted(self._open().claims.values(), key=lambda claim: claim.key)

    async def runs(self, query: RunQuery) -> Sequence[RunRecord]:
        """Runs that match `query`, newest opened first."""
        state = self._open()
        keys = {key.run for key in query.keys} & state.runs.keys() if query.keys else state.runs.keys()
        newest = (state.runs[key] for key in reversed(self._in_order(keys)))
        return [run for run in newest if self._matches(query, run)][: max(query.limit, 0)]

    async def find(self, wanted: Find) -> Sequence[Subject]:
        """Runs that a query finds, in its order."""
        return await finding.find(wanted, Pages(self._open(), wanted).page)

    def _matches(self, query: RunQuery, run: RunRecord) -> bool:
        if (query.root and run.root != query.root) or (query.live is not None and query.live == run.status.final):
            return False
        if query.owed and (run.copy is None or not run.copy.owed):
            return False
        state = self._state
        return run.key.short_id(state.instance, state.project.name).startswith(query.short)

    async def commit(self, ident: str) -> CommitRecord | None:
        """A planned commit."""
        return self._open().commits.get(ident)

    async def open_commits(self) -> Sequence[CommitRecord]:
        """Planned commits whose aggregate status is not final, oldest first."""
        state = self._open()
        found = [commit for commit in state.commits.values() if not commit.closed]
        return sorted(found, key=lambda commit: state.planned[commit.ident])

    async def commits(self, limit: int) -> Sequence[CommitRecord]:
        """Planned commits, newest first."""
        state = self._open()
        return sorted(state.commits.values(), key=lambda commit: state.planned[commit.ident], reverse=True)[:limit]

    async def statuses(self, commit: str) -> Sequence[StatusRecord]:
        """All statuses of a commit, by context."""
        found = [status for status in self._open().statuses.values() if status.commit == commit]
        return sorted(found, key=lambda status: status.context)

    async def unposted(self, limit: int) -> Sequence[StatusRecord]:
        """Statuses that the forge was not told yet, oldest first."""
        state = self._open()
        found = [name for name, status in state.statuses.items() if not status.posted]
        return [state.statuses[name] for name in sorted(found, key=state.said.__getitem__)[: max(limit, 0)]]

    async def project(self) -> ProjectRecord:
        """What concerns the whole project."""
        return self._open().project

    async def answer(self, ident: str) -> Answered | None:
        """What came of a command; None while it waits."""
        return self._open().answers.get(ident)

    async def event(self, ident: str) -> OutsideEvent | None:
        """An event that was received, however long ago: it counts once."""
        return self._open().events.get(ident)

    async def notice(self, ident: str) -> Notice | None:
        """A notice that is owed or was; None where nobody was to be told."""
        return self._open().notices.get(ident)

    async def unsent(self, limit: int) -> Sequence[Notice]:
        """Of each connection the `limit` oldest notices that are owed."""
        return unsent(self._open(), limit)

    async def pins(self) -> Mapping[str, Pinned]:
        """What references out of the repository are pinned to, by key."""
        return dict(sorted(self._open().pins.items()))

    async def pulls(self) -> Mapping[str, PullRecord]:
        """What was said on pull requests, by number."""
        return dict(sorted(self._open().pulls.items()))

    async def facts(self, root: str | None = None, after: int = 0, limit: int = 1000) -> Sequence[tuple[int, Fact]]:
        """History with its sequence, oldest first; what was recorded under one root's name, or all."""
        return memory_forgetting.facts(self._open(), root, after, limit)

    async def expired(self, root: str, wanted: Expired) -> Sequence[Sequence[RunRecord]]:
        """Runs of `root` that may go, top by top, oldest first."""
        return memory_forgetting.expired(self._open(), root, wanted)

    async def forget(self, root: str, tops: Collection[Key], removed: Removed) -> int:
        """Drop `tops` with all below them; returns how many went."""
        return memory_forgetting.forget(self._open(), root, tops, removed)

    async def sweep(self, bounds: Bounds, sweep: Sweep) -> None:
        """Take one small step of `sweep`: let go of what no run owns and nothing needs, or only count it."""
        memory_sweeping.step(self._open(), bounds, sweep)

    async def ended(self, before: datetime, after: int, limit: int) -> Ended:
        """A page of tops that ended earlier, in the order in which they were opened."""
        return memory_sweeping.ended(self._open(), before, after, limit)

    async def old_commits(self, keep: int, limit: int) -> Sequence[str]:
        """Planned commits beyond the newest `keep` whose statuses are final and were told, which nothing names."""
        return memory_sweeping.old_commits(self._open(), keep, limit)

    async def remove_commits(self, keep: int, idents: Collection[str]) -> int:
        """Drop `idents` as far as they may still go, with their statuses; returns how many went."""
        return memory_sweeping.remove_commits(self._open(), keep, idents)

    async def close(self) -> None:
        """Refuse further calls until `restore`. Twice is once."""
        self._closed = True

    def _open(self) -> MemoryState:
        if self._closed:
            raise Unusable("the state in memory was closed")
        return self._state
