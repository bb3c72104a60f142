"""What planning one root may look at, and the draft that it writes.

A `View` is everything: no function of `planner.desire` knows more. A `Draft` collects facts in order and keeps the
state as it will be once they are recorded, so that each rule sees what the rules before it decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from planner import canon
from planner.compile.bind import BindRequest, bind
from planner.fold import RootState, fold_root
from planner.keys import Key
from planner.model.desired import CompiledOperation
from planner.model.facts import Fact
from planner.model.people import Suspension
from planner.model.questions import Answer, Answers, Cached, Joined, Matched, Question, Recorded, Reusable, Suggested
from planner.model.records import RunRecord
from planner.model.run import BoundRun, Snapshot
from planner.model.search import Suggestion

__all__ = ["Bindings", "Draft", "Identity", "Ready", "View", "Wait"]

Bindings = Mapping[Key, tuple[BindRequest, BoundRun]]


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose plan it is.

    Attributes:
        instance: name of the Plumbline instance; part of labels, note refs and contexts.
        project: name of the project.
    """

    instance: str
    project: str


@dataclass(frozen=True, slots=True)
class View:
    """All that planning a root may know.

    Attributes:
        state: the root's records.
        forms: compiled operations by form digest: of the target, the generation in force and all open tops.
        now: the instant of planning.
        identity: instance and project.
        snapshot: what the backend said last; None before the first look.
        written: for attempts written by this process: when the last own write of the key ended.
        answers: what was asked about runs that `state` does not have.
        suspended: the project's suspension.
        bindings: what an earlier round of the same plan has bound, by run, with what it was bound from.
        alone: whether nobody answers: what is asked for may be there all the same.
    """

    state: RootState
    forms: Mapping[str, CompiledOperation]
    now: datetime
    identity: Identity
    snapshot: Snapshot | None = None
    written: Mapping[Key, datetime] = field(default_factory=dict)
    answers: Answers = field(default_factory=dict)
    suspended: Suspension | None = None
    bindings: Bindings = field(default_factory=dict)
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Ready:
    """A leaf that would start now if its queue has room.

    Attributes:
        key: the attempt.
        root: its root.
        queue: name of its queue.
        requests: amounts by resource name.
        ports: declared ports that need a lease.
        since: when its run was opened: the order in the queue.
        lane: port identities of this lease; rolling services alternate between two.
        leased: by declared port, the real port that this identity had before: it is kept over restarts.
        amounts: of every resource, parts of one (`500m` of cpu) and memory included: what queues count.
    """

    key: Key
    root: str
    queue: str
    requests: Mapping[str, int]
    ports: tuple[int, ...]
    since: datetime
    lane: int = 0
    leased: Mapping[int, int] = field(default_factory=dict)
    amounts: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wait:
    """Why something does not start: "waiting for X since T; do Y".

    Attributes:
        key: the run that waits.
        reason: what it waits for.
        since: from when.
        until: when it ends by itself, if that is known.
        release: what a person can do, or "".
        queue: the queue that it waits in, or "".
    """

    key: Key
    reason: str
    since: datetime
    until: datetime | None = None
    release: str = ""
    queue: str = ""

    @property
    def is_hold(self) -> bool:
        """Whether it waits for a person's approval, whose reason is a sentence of its own and nothing that comes."""
        return self.release.startswith("plumbline approve ")


class Draft:
    """Facts decided so far, and the state that they lead to. Lives for one call of `plan_root`."""

    def __init__(self, view: View) -> None:
        self.view = view
        self.now = view.now
        self.state = view.state.owned()
        self.facts: list[Fact] = []
        self.ready: list[Ready] = []
        self.waits: list[Wait] = []
        self.wakes: list[datetime] = []
        self.missing: set[Question] = set()
        self.watched: dict[Key, set[Key]] = {}
        self.bound: dict[str, BoundRun] = {}
        self.forms: dict[str, CompiledOperation] = {}
        self.bindings = dict(view.bindings)

    @property
    def name(self) -> str:
        """The root's name."""
        return self.state.record.name

    def add(self, fact: Fact) -> None:
        """Decide `fact`."""
        self.facts.append(fact)
        self.state = fold_root(self.state, fact)

    def run(self, key: Key) -> RunRecord | None:
        """The record of run `key` as it will be."""
        return self.state.runs.get(key)

    def ask(self, question: Reusable | Cached | Recorded) -> tuple[RunRecord, ...] | None:
        """The runs that answer `question`; None while it is not answered, and then nothing else counts."""
        answer = self._answer(question)
        return None if answer is None else tuple(run for run in answer if isinstance(run, RunRecord))

    def find(self, question: Joined) -> tuple[Matched, ...] | None:
        """The runs that a join finds; None as for `ask`."""
        answer = self._answer(question)
        return None if answer is None else tuple(run for run in answer if isinstance(run, Matched))

    def suggestions(self, question: Suggested) -> tuple[Suggestion, ...] | str | None:
        """What a search tries next, or why it cannot say; None as for `ask`."""
        answer = self._answer(question)
        if answer is None or isinstance(answer, str):
            return answer
        return tuple(one for one in answer if isinstance(one, Suggestion))

    def _answer(self, question: Question) -> Answer | None:
        answer = self.view.answers.get(question)
        if answer is None:
            self.missing.add(question)
        return answer

    def bind(self, start: BindRequest) -> BoundRun:
        """What `start` is bound to; computed once for all rounds of a plan.

        Raises:
            BindError: it cannot be bound.
        """
        request, bound = self.bindings.get(start.key, (None, None))
        if bound is None or request != start:
            bound = bind(start)
            self.bindings[start.key] = (start, bound)
        return bound

    def keep(self, bound: BoundRun) -> str:
        """Have `bound` stored with this draft's facts; returns its reference."""
        reference = canon.digest(bound)
        self.bound[reference] = bound
        return reference

    def keep_form(self, operation: CompiledOperation) -> str:
        """Have `operation` stored with this draft's facts; returns its form digest."""
        self.forms[operation.form] = operation
        return operation.form

    def wake(self, at: datetime) -> None:
        """Plan again at `at` at the latest."""
        if at > self.now:
            self.wakes.append(at)

    def form(self, digest: str) -> CompiledOperation | None:
        """A compiled operation by its form digest."""
        return self.view.forms.get(digest) or self.forms.get(digest)

    def in_force(self) -> CompiledOperation | None:
        """The form in force: of the newest planned commit where its digest is applied, else of the generation.

        Live fields that are held wait as well.
        """
        record = self.state.record
        applied, planned = record.applied, record.planned
        if applied is None or applied.digest is None:
            return None
        if planned is not None and planned.digest == applied.digest and planned.hold is None:
            return self.form(planned.form)
        return self.form(applied.form)

    @property
    def suspended(self) -> Suspension | None:
        """The suspension that holds now: the root's or the project's."""
        for suspension in (self.state.record.suspended, self.view.suspended):
            if suspension and (suspension.until is None or suspension.until > self.now):
                return suspension
        return None

    @property
    def unsuspend(self) -> str:
        """What a person can do about `suspended`."""
        own = self.suspended is self.state.record.suspended
        return f"plumbline unsuspend {self.name}" if own else "plumbline unsuspend"
