"""A scripted history: pushes, ends, losses and commands, planned by the real functions over the ledger in memory.

No loop, no clock and no backend: a step says what happens, everything that follows is recorded until nothing more
does, and `History.facts` holds what followed. Every plan is checked on the way: planned twice it is equal, and planned
again on what it leads to it has nothing to add (I24, I25).
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from planner import happenings, keys
from planner.admit import Limits, grant
from planner.canon import Json
from planner.desire.view import Identity, View, Wait
from planner.effects import Clean, Correct, Ensure, Stop, effects
from planner.fold import RootState, fold_root
from planner.guard import Budgets
from planner.keys import Key
from planner.line import Line
from planner.model import facts as f
from planner.model.desired import CompiledOperation, DesiredState
from planner.model.events import OutsideEvent, ident_of
from planner.model.facts import Fact
from planner.model.gang import Lifetime
from planner.model.people import Command
from planner.model.records import RootRecord, RunRecord
from planner.model.run import BoundRun, Observation, Phase, Snapshot
from planner.model.status import RunStatus, StopReason
from planner.plan import RootPlan, plan_root, reads
from planner.publish import aggregate, context_of
from planner.target import CommitPlan, Contact, plan_commit
from reconciler.ledger.memory import MemoryLedger
from reconciler.ledger.state import MemoryState
from reconciler.ports import Rest
from reconciler.suggesting import answered, at_once
from tests.planner.builders import desired

T = TypeVar("T")
Step = Callable[["History"], None]

T0 = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
IDENTITY = Identity("test", "project")
EDITION = "test"
INSTANT = timedelta(microseconds=1)
_MOST_ROUNDS = 40


@dataclass
class History:
    """What happened so far, and the world that it happened in.

    Attributes:
        budgets: what a commit may cause.
        limits: slots and ports of the machine.
        hold_first: whether first contact is held.
        now: the instant of the next step.
        ready: whether services answer as soon as they are up.
        lag: seconds by which the backend's looks are late.
        answers: whether effects reach the backend; while not, intents stay open.
        stops_at_once: whether what is stopped ends by itself at once.
        refuses: why the backend does not put right what somebody changed, or "".
        facts: what the last step led to, in order.
        waits: why things do not start, by root, after the last step.
        wakes: when a root must be planned again, by root, after the last step.
        plans: what planning the commits decided, by commit.
        again: commits that were planned more than once, and so may say anew what was final.
        touched: paths that the next commits touch.
    """

    budgets: Budgets = Budgets()
    limits: Limits = field(default_factory=Limits)
    hold_first: bool = False
    now: datetime = T0
    ready: bool = True
    lag: float = 0.0
    answers: bool = True
    stops_at_once: bool = True
    refuses: str = ""
    facts: list[Fact] = field(default_factory=list)
    waits: dict[str, tuple[Wait, ...]] = field(default_factory=dict)
    line: Line = field(default_factory=Line)
    wakes: dict[str, datetime | None] = field(default_factory=dict)
    plans: dict[str, CommitPlan] = field(default_factory=dict)
    again: set[str] = field(default_factory=set)
    touched: tuple[str, ...] = ()
    ledger: MemoryLedger = field(default_factory=lambda: MemoryLedger(MemoryState()))
    forms: dict[str, CompiledOperation] = field(default_factory=dict)
    objects: dict[Key, Observation] = field(default_factory=dict)
    made: set[Key] = field(default_factory=set)
    written: dict[Key, datetime] = field(default_factory=dict)
    bound: dict[str, BoundRun] = field(default_factory=dict)
    asked: int = 0

    # What the world looks like

    def state(self, root: str) -> RootState:
        """The root as planning it would read it."""
        return done(self.ledger.root(root))

    def record(self, root: str) -> RootRecord:
        """The root's record."""
        return self.state(root).record

    def run(self, key: str) -> RunRecord:
        """A run by the text of its key."""
        return self.ledger.snapshot().runs[keys.parse(key)]

    def runs(self) -> dict[str, str]:
        """Status of every run by key."""
        return {str(key): str(run.status) for key, run in sorted(self.ledger.snapshot().runs.items())}

    def alive(self) -> list[str]:
        """Keys of the attempts whose program runs."""
        return [str(key) for key, seen in sorted(self.objects.items()) if seen.phase is not Phase.ENDED]

    def says(self, commit: str) -> dict[str, str]:
        """What each root ("" for the aggregate) says on a commit."""
        statuses = done(self.ledger.statuses(commit))
        return {status.root: f"{status.state}: {status.description}" for status in statuses}

    def view(self, root: str, **changes: object) -> View:
        """What planning the root now may know; of the runs that may be carried over nothing yet."""
        state = self.state(root)
        view = View(
            state=state,
            forms={digest: self.forms[digest] for digest in reads(state) if digest in self.forms},
            now=self.now,
            identity=IDENTITY,
            snapshot=self.look(state),
            written=self.written,
            suspended=done(self.ledger.project()).suspended,
        )
        return replace(view, **changes)  # type: ignore[arg-type]

    def look(self, state: RootState) -> Snapshot | None:
        """What the backend says of the root's attempts."""
        asked = frozenset(
            run.key.at_attempt(attempt.number)
            for run in state.runs.values()
            for attempt in run.attempts
            if attempt.live or not attempt.cleaned
        )
        if not asked:
            return None
        at = self.now - timedelta(seconds=self.lag)
        return Snapshot(at, {key: seen for key, seen in self.objects.items() if key in asked}, asked)

    # What happens

    def commit(self, state: DesiredState) -> CommitPlan:
        """Plan a commit and record it, without reconciling any root."""
        records = done(self.ledger.roots())
        contact = Contact("test", "main", self.now, self.budgets, first=self.hold_first and not records)
        asked = done(self.ledger.project()).asked_before(state.commit)
        contact = replace(contact, again=state.commit in self.plans, asked=asked)
        plan = plan_commit(state, records, contact)
        assert plan == plan_commit(state, records, contact)
        self.forms |= {operation.form: operation for operation in state.roots.values()}
        if state.commit in self.plans:
            self.again.add(state.commit)
        head = done(self.ledger.project()).head
        new = bool(head) and state.commit not in self.plans
        self.plans[state.commit] = plan
        event = happenings.of_commit(state.commit, head, self.touched, self.now)
        self.add((*(happenings.told(event, self.listeners(), self.touched) if new else ()), *plan.facts))
        return plan

    def listeners(self) -> happenings.Listeners:
        """Who listens to what."""
        return {name: record.listens for name, record in done(self.ledger.roots()).items() if record.listens}

    def hear(self, event: OutsideEvent) -> None:
        """An event happens, if it did not before; nothing is planned."""
        if done(self.ledger.event(event.ident)) is None:
            self.add(happenings.told(event, self.listeners()))

    def add(self, facts: Iterable[Fact]) -> None:
        """Record facts as they are."""
        facts = tuple(facts)
        done(self.ledger.record(facts))
        self.facts.extend(facts)
        self._publish(facts)

    def go(self, *roots: str) -> None:
        """Reconcile all roots, or these, until nothing more follows at this instant."""
        names = roots or tuple(done(self.ledger.roots()))
        for _ in range(_MOST_ROUNDS):
            changed = {name for name in names if self.reconcile(name)}
            changed |= {name for name, record in done(self.ledger.roots()).items() if record.events}
            if not changed:
                return
            # What one root lets go of may be what another one waits for.
            waiting = {name for name, waits in self.waits.items() if waits}
            names = tuple(sorted((changed | waiting) & set(done(self.ledger.roots()))))
        raise AssertionError(f"no end of {[line(fact) for fact in self.facts[-20:]]}")

    def reconcile(self, root: str) -> bool:
        """Reconcile one root once; returns whether anything changed."""
        plan, state = self.plan(root), self.state(root)
        self.bound |= plan.bound
        self.forms |= plan.forms
        if plan.facts:
            self.add((*plan.facts, *self._told(state, plan.state)))
            if not self.record(root).events:  # it may have told itself of an event, which is for its next plan
                self._converged(root, plan)
        intents, state = self._admit(root, plan), self.state(root)
        self.add(intents)
        self.add(self._told(state, self.state(root)))
        if plan.rests:
            self._rests(root, plan)
        before = dict(self.objects)
        if self.answers:
            for effect in effects(self.state(root), self.now):
                self._do(root, effect)
        return bool(plan.facts or intents) or before != self.objects

    def plan(self, root: str) -> RootPlan:
        """Plan one root now, without recording anything."""
        view, plan = self._planned(root)
        assert plan == plan_root(view), "the same view gives the same plan"
        state = view.state
        for fact in plan.facts:
            state = fold_root(state, fact)
        assert state.record == plan.state.record
        return plan

    def _planned(self, root: str) -> tuple[View, RootPlan]:
        view = self.view(root)
        plan = plan_root(view)
        while plan.missing:
            answer = done(answered(self.ledger, at_once, plan.missing))
            assert not answer.keys() & view.answers.keys()
            view = replace(view, answers={**view.answers, **answer})
            plan = plan_root(view)
        return view, plan

    def _told(self, before: RootState, after: RootState) -> Iterable[Fact]:
        kinds = {kind for listens in self.listeners().values() for one in listens for kind in one.kinds}
        for event in happenings.of_runs(before, after, kinds, self.now):
            if done(self.ledger.event(event.ident)) is None:
                yield from happenings.told(event, self.listeners())

    def _converged(self, root: str, plan: RootPlan) -> None:
        if plan.wake_at == self.now:
            return  # joins ask once what was decided is recorded
        _, again = self._planned(root)
        assert not again.facts, f"planned again: {[line(fact) for fact in again.facts]}"
        assert {item.key for item in again.ready} == {item.key for item in plan.ready}

    def _rests(self, root: str, plan: RootPlan) -> None:
        """A root that rests has nothing to say before its next wake: just before it, and after days for one without."""
        done(self.ledger.rest([Rest(plan.state.record, plan.wake_at)], EDITION))
        if self.record(root) != plan.state.record:
            return  # it has told itself of an event
        now, self.now = self.now, plan.wake_at - INSTANT if plan.wake_at else self.now + timedelta(days=40)
        _, later = self._planned(root)
        self.now = now
        said = (later.facts, later.ready, later.waits, later.watched, later.wake_at, later.rests)
        assert said == ((), (), (), frozenset(), plan.wake_at, True)

    def _admit(self, root: str, plan: RootPlan) -> tuple[f.Intended, ...]:
        self.line.put(root, plan.ready)
        granted = grant(self.line, done(self.ledger.claims()), self.limits, self.now)
        own = tuple(intent for intent in granted.intents if intent.root == root)
        waits = granted.waits(plan.ready)
        started = {intent.key for intent in own}
        self.line.put(root, [item for item in plan.ready if item.key not in started])
        self.waits[root] = (*plan.waits, *waits)
        self.wakes[root] = plan.wake_at
        return own

    def _do(self, root: str, effect: Ensure | Stop | Clean | Correct) -> None:
        key = effect.key
        match effect:
            case Ensure(run=run):
                assert run.bound in self.bound
                if key not in self.made:
                    always = self.bound[run.bound].gang.lifetime is Lifetime.ALWAYS
                    self._see(key, Phase.RUNNING, started_at=self.now, ready=self.ready or not always)
            case Stop():
                if key not in self.made:
                    self._see(key, Phase.ENDED, ended_at=self.now, reason=StopReason.EXITED)
                elif key in self.objects and self.stops_at_once and self.objects[key].phase is not Phase.ENDED:
                    self.end(key, 143)
            case Clean():
                self.objects.pop(key, None)
                self.add([f.Cleaned(root, key, self.now)])
            case Correct():
                if not self.refuses:
                    self.objects[key] = replace(self.objects[key], drift="")
                self.add([f.Corrected(root, key, self.now, self.refuses)])
        self.written[key] = self.now

    def _see(self, key: Key, phase: Phase, **said: object) -> None:
        self.made.add(key)
        self.objects[key] = Observation(key, phase, **said)  # type: ignore[arg-type]

    def end(
        self,
        key: Key | str,
        code: int | None = 0,
        reason: StopReason = StopReason.EXITED,
        outputs: Mapping[str, Json] | None = None,
        metrics: Mapping[str, Json] | None = None,
    ) -> None:
        """Have the program of an attempt end now; nothing is planned."""
        key = keys.parse(key) if isinstance(key, str) else key
        assert self.objects[key].phase is not Phase.ENDED, key
        self.objects[key] = replace(
            self.objects[key],
            phase=Phase.ENDED,
            ready=False,
            ended_at=self.now,
            exit_code=code,
            reason=reason,
            outputs=outputs or {},
            metrics=metrics or {},
        )

    def _publish(self, facts: Iterable[Fact]) -> None:
        commits = dict.fromkeys(fact.commit for fact in facts if isinstance(fact, f.StatusChanged | f.CommitPlanned))
        for ident in commits:
            record = done(self.ledger.commit(ident))
            if record is None:
                continue
            statuses = done(self.ledger.statuses(ident))
            roots = done(self.ledger.roots()).values() if record.again else ()
            waits = {root.name for root in roots if any(report.commit == ident for report in root.reports)}
            fact = aggregate(record, statuses, IDENTITY.instance, self.now, waits)
            said = next((status for status in statuses if status.context == context_of(IDENTITY.instance)), None)
            same = said is not None and (said.state, said.description) == (fact.state, fact.description)
            if not same or record.closed is not fact.state.final:
                changed = ident not in self.again and said is not None and said.state.final
                assert not changed, "an aggregate that was final changes"
                done(self.ledger.record([fact]))


def done(coroutine: Coroutine[object, object, T]) -> T:
    """The result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    raise AssertionError("it waited")


# Steps


def after(*steps: Step, **settings: object) -> History:
    """The history of these steps; `facts` are those of the last one."""
    history = History(**settings)  # type: ignore[arg-type]
    for step in steps:
        history.facts = []
        step(history)
    return history


def push(*operations: CompiledOperation, commit: str = "", **rest: object) -> Step:
    """Push a commit (`c1`, `c2`, …) with these operations, and reconcile."""

    def step(history: History) -> None:
        ident = commit or f"c{len(history.plans) + 1}"
        history.commit(desired(ident, *operations, **rest))  # type: ignore[arg-type]
        history.go()

    return step


def touching(*paths: str) -> Step:
    """From now on commits touch these paths."""

    def step(history: History) -> None:
        history.touched = paths

    return step


def sent(kind: str, ref: str, ident: str = "1", /, **data: Json) -> Step:
    """Somebody sends an event."""

    def step(history: History) -> None:
        event = OutsideEvent(ident_of("sent", "ada", ident), kind, ref, history.now, data, about=ident, by="ada")
        history.hear(event)
        history.go()

    return step


def end(key: str, code: int | None = 0, reason: StopReason = StopReason.EXITED, **outputs: Json) -> Step:
    """The program of an attempt ends."""

    def step(history: History) -> None:
        history.end(key, code, reason, outputs)
        history.go()

    return step


def gone(*attempts: str) -> Step:
    """A second later the objects of attempts are gone without an end."""

    def step(history: History) -> None:
        history.now += timedelta(seconds=1)
        for key in attempts:
            del history.objects[keys.parse(key)]
        history.go()

    return step


def seen(key: str, **changes: object) -> Step:
    """The backend says something else of an attempt."""

    def step(history: History) -> None:
        parsed = keys.parse(key)
        history.objects[parsed] = replace(history.objects[parsed], **changes)  # type: ignore[arg-type]
        history.go()

    return step


def wait(seconds: float = 0, **longer: float) -> Step:
    """Time passes."""

    def step(history: History) -> None:
        history.now += timedelta(seconds=seconds, **longer)
        history.go()

    return step


def at(when: datetime) -> Step:
    """Time passes up to an instant."""

    def step(history: History) -> None:
        assert when >= history.now
        history.now = when
        history.go()

    return step


def ask(verb: str, root: str = "train", by: str = "ada", **args: Json) -> Step:
    """A person asks for something; the commands of a history are `q1`, `q2`, …"""

    def step(history: History) -> None:
        history.asked += 1
        command = Command(f"q{history.asked}", verb, root, args, by, history.now)
        history.add([f.Asked(root, command, history.now)])
        history.go()

    return step


def approve(root: str = "train", *, baseline: bool = False, hold: str = "") -> Step:
    """A person releases what holds a root, or else the first of its runs that waits; or a hold by its id."""

    def step(history: History) -> None:
        holds = history.record(root).holds
        ident = hold or (holds[0].ident if holds else "none")
        ask("approve", root, hold=ident, baseline=baseline)(history)

    return step


def world(**changes: object) -> Step:
    """From now on the world is so, see `History`."""

    def step(history: History) -> None:
        for name, value in changes.items():
            assert hasattr(history, name), name
            setattr(history, name, value)
        history.go()

    return step


def suspend_project(*, active: bool = True, until: datetime | None = None) -> Step:
    """The whole project is suspended, or goes on."""

    def step(history: History) -> None:
        history.add([f.Suspended("", active, "bob", history.now, until)])
        history.go()

    return step


# Facts as lines


def line(fact: Fact) -> str:  # noqa: C901 -- one case a fact, each one line
    """A fact in a few words."""
    match fact:
        case f.CommitPlanned():
            return f"commit {fact.commit} changes {', '.join(change.root for change in fact.changes) or 'nothing'}"
        case f.TargetSet():
            held = " held" if fact.planned.hold else ""
            return f"target {fact.root} {fact.what or 'same'}{held}"
        case f.Renamed():
            return f"{fact.old} is now {fact.root}"
        case f.Advanced():
            return f"{fact.root} g{fact.number} in force" + ("" if fact.digest else ": absent")
        case f.Withdrawn():
            return f"{fact.root} withdrawn"
        case f.Opened():
            return f"opens {fact.key}"
        case f.Bound():
            return f"binds {fact.key}"
        case f.Intended():
            return f"starts {fact.key}"
        case f.Observed():
            return f"sees {fact.observation.key} {fact.observation.phase}"
        case f.Vanished():
            return f"{fact.key} vanished"
        case f.StopIntended():
            return f"stops {fact.key}: {fact.reason}" + (f" by {fact.by}" if fact.by else "")
        case f.Cleaned():
            return f"cleans {fact.key}"
        case f.Settled():
            words = f"{fact.key} {fact.status}" + (f": {fact.reason}" if fact.reason else "")
            return words + (f" ({fact.decided_by})" if fact.decided_by else "")
        case f.StoreIntended():
            return f"copies {fact.key} to {fact.store}"
        case f.Stored():
            return f"{fact.key} is in {fact.store}"
        case f.Carried():
            return f"{fact.key} is {fact.source}"
        case f.CacheHit():
            return f"{fact.key} has the result of {fact.source}"
        case f.Drifted():
            return f"{fact.key} drifted: {fact.words}" if fact.words else f"{fact.key} is as it was made"
        case f.Corrected():
            return f"puts {fact.key} right" + (f": {fact.failure}" if fact.failure else "")
        case f.Measured():
            return f"{fact.key} reports {', '.join(sorted(fact.progress))}"
        case f.Healed():
            return f"{fact.key} healed"
        case f.Retried():
            return f"round {fact.round} of {fact.key}: {', '.join(place or '.' for place in fact.places)}"
        case f.CursorMoved():
            last = fact.cursor.last
            return f"cursor at {last:%H:%M}" if last else "cursor anew"
        case f.Backfilled():
            one = fact.backfill
            told = f"{one.ident} {one.started} begun, {one.passed} passed over"
            return told + (f", {one.over}" if one.over else f", next {one.next}" if one.next else "")
        case f.Listened():
            return f"{fact.root} listens to {'; '.join(one.ref for one in fact.listens) or 'nothing'}"
        case f.Received():
            return f"{fact.event.kind} of {fact.event.ref}"
        case f.Happened():
            return f"{fact.root} hears {fact.event.kind} of {fact.event.ref}"
        case f.Detailed():
            return f"told in detail of {fact.commit}"
        case f.PullNoted():
            return f"says of pull request {fact.number}" + ("" if fact.record else ": nothing more")
        case f.Noticed():
            return f"owes {fact.notice.connection} {fact.notice.key} {fact.notice.trigger}"
        case f.Delivered():
            return f"delivered {fact.ident}" + (f": {fact.failure}" if fact.failure else "")
        case f.PassedOver():
            return f"{fact.root} passes over an event: {fact.reason}"
        case f.Asked():
            return f"{fact.command.by} asks {fact.command.verb}"
        case f.Answered():
            return f"{'yes' if fact.ok else 'no'}: {fact.message}"
        case f.Suspended():
            return f"{fact.root or 'project'} {'suspended' if fact.active else 'goes on'}"
        case f.Approved():
            return f"{fact.key or fact.root} approved" + (" as baseline" if fact.baseline else "")
        case f.Withheld():
            return f"{fact.key} withheld"
        case f.Believed():
            return f"{len(fact.keys)} believed lost"
        case f.StatusChanged():
            return f"{fact.commit} {fact.root or 'all'} {fact.state}: {fact.description}"
        case f.Posted():
            return f"posted {fact.context}"


_DECISIONS = (
    f.Renamed,
    f.Advanced,
    f.Withdrawn,
    f.Opened,
    f.Intended,
    f.Vanished,
    f.StopIntended,
    f.Settled,
    f.Carried,
    f.CacheHit,
    f.Drifted,
    f.Corrected,
    f.Healed,
    f.Retried,
    f.Withheld,
    f.PassedOver,
)


def decisions(facts: Iterable[Fact]) -> list[str]:
    """What was decided, without what was seen, said, bound and cleaned."""
    return [line(fact) for fact in facts if isinstance(fact, _DECISIONS)]


def waits(history: History, root: str = "train") -> list[str]:
    """Why the root's leaves do not start: who waits, for what, until when, and what a person can do."""
    return [
        f"{wait.key} waits for {wait.reason}"
        + (f" until {wait.until:%H:%M:%S}" if wait.until else "")
        + (f"; {wait.release}" if wait.release else "")
        for wait in history.waits.get(root, ())
    ]


def live_runs(history: History) -> dict[str, str]:
    """Runs that are not final, by key."""
    return {key: status for key, status in history.runs().items() if not RunStatus(status).final}
