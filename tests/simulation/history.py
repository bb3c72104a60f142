"""What one seed left behind: all that the invariants may look at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from planner.admit import Limits
from planner.keys import Key
from planner.model.commits import StatusRecord
from planner.model.desired import CompiledOperation
from planner.model.facts import Fact
from planner.model.records import RootRecord, RunRecord
from planner.model.run import Leases
from planner.outbox import Budget
from reconciler.backends.scripted import Program
from reconciler.ledger.state import MemoryState
from tests.simulation.repository import Pushed

__all__ = ["History", "Removal", "Start", "Transaction"]


@dataclass(frozen=True, slots=True)
class Transaction:
    """One record of the ledger: when (seconds), by which life, the wall's instant, and its facts."""

    at: float
    life: int
    wall: datetime
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Start:
    """A program that the backend really started, beside which others, and whether its commit could be read."""

    at: float
    key: Key
    leases: Leases
    stamp: str
    beside: frozenset[Key]
    readable: bool
    program: Program


@dataclass(frozen=True, slots=True)
class Removal:
    """What retention took of a root: when, after how many transactions, and the root with its runs before."""

    wall: datetime
    after: int
    before: RootRecord
    had: tuple[RunRecord, ...]
    taken: frozenset[Key]


@dataclass(slots=True)
class History:
    """A seed's history.

    Attributes:
        seed: of it.
        limits: of the queue.
        settled: whether everything came to rest in time after the faults stopped.
        wall_moved: whether the wall clock was ever turned.
        lines: everything in order, for people: seconds and text or a fact.
        transactions: everything recorded.
        commits: everything pushed.
        head: the branch at the end.
        forms: every compiled form by digest.
        starts: every program that started.
        ended_without_start: attempts that were stopped before they were made.
        alive: programs that run at the end.
        leases: what each of them holds.
        state: the ledger at the end, with the runs that retention took as they were then.
        stored: the ledger as it is.
        removals: what retention took.
        said: what the forge shows at the end.
        budget: how much it wants to hear; None for everything.
        burnt: when much was gone at once, and what of it nobody had told to stop.
        leftovers: what another plan at the end would still do, by root.
        crashes: reconciles that ended by our own fault.
        counts: lies, faults and moves by name.
        now: the wall's instant at the end.
    """

    seed: int
    limits: Limits
    settled: bool = False
    wall_moved: bool = False
    lines: list[tuple[float, object]] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    commits: dict[str, Pushed] = field(default_factory=dict)
    head: str = ""
    forms: dict[str, CompiledOperation] = field(default_factory=dict)
    starts: list[Start] = field(default_factory=list)
    alive: frozenset[Key] = frozenset()
    state: MemoryState = field(default_factory=MemoryState)
    stored: MemoryState = field(default_factory=MemoryState)
    removals: list[Removal] = field(default_factory=list)
    said: dict[tuple[str, str], StatusRecord] = field(default_factory=dict)
    budget: Budget | None = None
    burnt: list[tuple[float, frozenset[Key]]] = field(default_factory=list)
    leftovers: dict[str, list[str]] = field(default_factory=dict)
    crashes: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    now: datetime | None = None

    def taken(self) -> dict[Key, RunRecord]:
        """The runs that retention took, with all below them."""
        return {run.key: run for one in self.removals for run in one.had if run.key.top in one.taken}

    def facts(self) -> list[Fact]:
        """Every fact in order."""
        return [fact for made in self.transactions for fact in made.facts]
