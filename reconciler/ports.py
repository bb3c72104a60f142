"""The ports: what the core needs of the outside, as narrow Protocols with their laws.

Laws of all ports: calls are idempotent on their key; none blocks on a run's end; `Transient` means try again,
`Refused` means never for this input; any other exception is a bug and reaches the log with its traceback.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from planner.fold import RootState
from planner.keys import Key
from planner.model.commits import CommitRecord, StatusRecord
from planner.model.desired import CompiledOperation, DesiredState
from planner.model.events import OutsideEvent
from planner.model.facts import Answered, Fact, Pinned
from planner.model.notices import Notice
from planner.model.people import ProjectRecord
from planner.model.pulls import PullRecord
from planner.model.questions import AboutRuns, Answers
from planner.model.records import Claim, RootRecord, RunRecord
from planner.model.retention import Removed
from planner.query import Subject
from reconciler.lookup import Awake, Expired, Find, Rest, RunQuery
from reconciler.ports_backend import Backend, Content, Ensured, Order
from reconciler.ports_forge import Forge, Refusal, Taken
from reconciler.ports_sweep import Bounds, Ended, Sweep
from reconciler.source.model import Commit

__all__ = [
    "Awake",
    "Backend",
    "Clock",
    "Compiler",
    "Content",
    "Ensured",
    "Expired",
    "Find",
    "Forge",
    "Ledger",
    "Order",
    "Refusal",
    "Rest",
    "RunQuery",
    "Taken",
]


class Clock(Protocol):
    """The only source of wall-clock time. Sleeping is anyio's."""

    def now(self) -> datetime:
        """The current instant, timezone-aware UTC."""
        ...


class Ledger(Protocol):
    """What was decided, seen, asked for and said: facts, and the records folded from them (`planner.fold`).

    Law: `record` is one transaction: all of its facts and what they fold to are durable when it returns, or
    none. Facts get a sequence without gaps. Reads see whole transactions only. Planning reads what is live:
    the cost of every read but `facts` does not grow with the history.
    """

    @property
    def ident(self) -> str:
        """Random id, made with the ledger."""
        ...

    async def sequence(self) -> int:
        """The sequence of the newest fact; 0 before the first."""
        ...

    async def record(self, facts: Sequence[Fact], blobs: Mapping[str, str] | None = None) -> int:
        """Append `facts` in order, fold them, keep `blobs` (content by digest); returns the new sequence.

        Raises:
            Transient: the disk is full or busy; nothing was recorded.
        """
        ...

    async def root(self, name: str) -> RootState:
        """The root's record (a fresh one if unknown) with the runs that planning it needs.

        These are: all runs under its open tops, under the tops of its applied generation and of the one that this
        replaces while it has not started, under its last top and under tops that its unanswered commands name; every
        run with an attempt that is alive or not cleaned; and the runs that any of these were carried from.
        """
        ...

    async def states(self, names: Collection[str]) -> Mapping[str, RootState]:
        """`root` of many, as they are at one instant."""
        ...

    async def roots(self) -> Mapping[str, RootRecord]:
        """All roots that were ever planned."""
        ...

    async def rest(self, rests: Sequence[Rest], edition: str) -> None:
        """Note which roots rest, as far as their records are still those that are given.

        Law: this is no fact. It counts until the record of the root changes, or a suspension of the project.

        Args:
            rests: what was found out by planning.
            edition: of what planned them; not "".
        """
        ...

    async def awake(self, edition: str) -> Awake:
        """All roots, told apart by whether they rest by the word of this edition; "" stands for none.

        Law: a root with an attempt that is alive or not cleaned does not rest.
        """
        ...

    async def ask(self, questions: Collection[AboutRuns]) -> Answers:
        """An answer to each of `questions`."""
        ...

    async def blob(self, digest: str) -> str | None:
        """Content that was kept with `record`."""
        ...

    async def claims(self) -> Sequence[Claim]:
        """What live attempts hold."""
        ...

    async def runs(self, query: RunQuery) -> Sequence[RunRecord]:
        """Runs for people and for resolving what they type."""
        ...

    async def find(self, wanted: Find) -> Sequence[Subject]:
        """Runs that a query finds, in its order.

        Law: it reads page by page, so that nobody waits for it; each run is seen once, as it is at some instant of the
        call. What an index can tell is asked of the index; the cost of the rest grows with the history.
        """
        ...

    async def commit(self, ident: str) -> CommitRecord | None:
        """A planned commit."""
        ...

    async def open_commits(self) -> Sequence[CommitRecord]:
        """Planned commits with a status that is not final, oldest first."""
        ...

    async def commits(self, limit: int) -> Sequence[CommitRecord]:
        """The newest planned commits, newest first."""
        ...

    async def statuses(self, commit: str) -> Sequence[StatusRecord]:
        """All statuses of a commit, by context."""
        ...

    async def unposted(self, limit: int) -> Sequence[StatusRecord]:
        """Statuses that the forge was not told yet, oldest first."""
        ...

    async def project(self) -> ProjectRecord:
        """What concerns the whole project."""
        ...

    async def answer(self, ident: str) -> Answered | None:
        """What came of a command; None while it waits."""
        ...

    async def event(self, ident: str) -> OutsideEvent | None:
        """An event that was received, however long ago: it counts once."""
        ...

    async def notice(self, ident: str) -> Notice | None:
        """A notice that is owed or was; None where nobody was to be told."""
        ...

    async def unsent(self, limit: int) -> Sequence[Notice]:
        """Of each connection the `limit` oldest notices that are owed."""
        ...

    async def pins(self) -> Mapping[str, Pinned]:
        """What references out of the repository are pinned to, by key; the content is a blob."""
        ...

    async def pulls(self) -> Mapping[str, PullRecord]:
        """What was said on pull requests, by number; those of which something may still be said."""
        ...

    async def facts(self, root: str | None = None, after: int = 0, limit: int = 1000) -> Sequence[tuple[int, Fact]]:
        """History with its sequence, oldest first; of one root, or all."""
        ...

    async def expired(self, root: str, wanted: Expired) -> Sequence[Sequence[RunRecord]]:
        """Tops of `root` that may go, oldest first, each with all below it: never what is needed (docs/daemon.md)."""

    async def forget(self, root: str, tops: Collection[Key], removed: Removed) -> int:
        """Drop `tops` as far as they may still go, with all below them and their facts; returns how many went."""

    async def sweep(self, bounds: Bounds, sweep: Sweep) -> None:
        """Take one small step of `sweep`: let go of what no run owns and nothing needs, or only count it."""

    async def ended(self, before: datetime, after: int, limit: int) -> Ended:
        """A page of tops that ended earlier, in the order in which they were opened; `after` is 0 for the first."""

    async def old_commits(self, keep: int, limit: int) -> Sequence[str]:
        """Planned commits beyond the newest `keep` whose statuses are final and were told, which nothing names."""

    async def remove_commits(self, keep: int, idents: Collection[str]) -> int:
        """Drop `idents` as far as they may still go, with their statuses; returns how many went."""

    async def close(self) -> None:
        """Let go of files and connections."""
        ...


class Compiler(Protocol):
    """From a commit to what it asks for: reads what compile needs from the source, and calls it."""

    async def compile(self, commit: Commit, in_force: Mapping[str, str], *, preview: bool = False) -> DesiredState:
        """The desired state of `commit`; `in_force` names the file that each known root comes from.

        A `preview` looks up nothing out of the repository that no planned commit has referred to.

        Raises:
            Transient: the tree cannot be read whole now; nothing may be concluded from it.
        """
        ...

    async def with_params(self, commit: Commit, root: str, params: Mapping[str, str]) -> CompiledOperation:
        """The operation `root` of `commit` with other values of its params, as texts that their inputs type.

        Raises:
            ProblemsError: it does not compile with them.
            Refused: the commit does not have it.
            Transient: the tree cannot be read whole now.
        """
        ...
