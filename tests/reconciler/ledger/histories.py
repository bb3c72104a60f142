"""Random histories that touch every kind of fact, and a slow, obvious replay of them with `planner.fold` alone."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from planner import keys
from planner.fold import (
    RootState,
    absorb,
    close_commit,
    detail_commit,
    fold_commit,
    fold_project,
    fold_root,
    fold_status,
    left_behind,
    run_of,
)
from planner.keys import Key
from planner.model import facts as f
from planner.model.backfill import Backfill
from planner.model.commits import Change, CommitRecord, StatusRecord, StatusState, What
from planner.model.events import OutsideEvent, Subscription
from planner.model.facts import Fact
from planner.model.metric import Mark, Progress
from planner.model.notices import Notice
from planner.model.people import Command, Hold, ProjectRecord
from planner.model.pulls import PullRecord
from planner.model.records import Claim, Planned, RootRecord, RunRecord
from planner.model.run import Leases, Observation, Phase
from planner.model.schedule import Cursor
from planner.model.status import FINAL, StopReason

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@dataclass
class World:
    """Everything that a history folds to."""

    project: ProjectRecord = field(default_factory=lambda: ProjectRecord(name="project"))
    roots: dict[str, RootState] = field(default_factory=dict)
    commits: dict[str, CommitRecord] = field(default_factory=dict)
    statuses: dict[tuple[str, str], StatusRecord] = field(default_factory=dict)
    answers: dict[str, f.Answered] = field(default_factory=dict)
    pins: dict[str, f.Pinned] = field(default_factory=dict)
    events: dict[str, OutsideEvent] = field(default_factory=dict)
    pulls: dict[str, PullRecord] = field(default_factory=dict)
    owed: dict[str, Notice] = field(default_factory=dict)
    intents: dict[Key, f.Intended] = field(default_factory=dict)

    @property
    def runs(self) -> dict[Key, RunRecord]:
        return {key: run for state in self.roots.values() for key, run in state.runs.items()}

    @property
    def records(self) -> dict[str, RootRecord]:
        known = {name: state.record for name, state in self.roots.items()}
        return {name: record for name, record in known.items() if record != RootRecord(name, highest=record.highest)}

    @property
    def claims(self) -> list[Claim]:
        found = []
        for run in self.runs.values():
            for attempt in run.attempts:
                key = run.key.at_attempt(attempt.number)
                if attempt.live:
                    said = self.intents[key]
                    found.append(Claim(key, run.root, said.queue, said.requests, said.leases))
        return sorted(found, key=lambda claim: claim.key)

    def fold(self, fact: Fact) -> None:
        self.project = fold_project(self.project, fact)
        match fact:
            case f.CommitPlanned():
                self.commits[fact.commit] = fold_commit(self.commits.get(fact.commit), fact)
            case f.Detailed() if fact.commit in self.commits:
                self.commits[fact.commit] = detail_commit(self.commits[fact.commit], fact)
            case f.StatusChanged() | f.Posted():
                status = fold_status(self.statuses.get((fact.commit, fact.context)), fact)
                if status is not None:
                    self.statuses[fact.commit, fact.context] = status
            case _:
                self._fold_single(fact)
        for status in self.statuses.values():
            if status.commit in self.commits:
                self.commits[status.commit] = close_commit(self.commits[status.commit], status)
        if (
            not isinstance(
                fact,
                f.Believed
                | f.CommitPlanned
                | f.Detailed
                | f.Posted
                | f.Pinned
                | f.PullNoted
                | f.Received
                | f.Delivered,
            )
            and fact.root
        ):
            had = isinstance(fact, f.Intended) and self._has(fact.key)
            self._fold_root(fact)
            if isinstance(fact, f.Intended) and not had and self._has(fact.key):
                self.intents[fact.key] = fact  # not one for a run that is over, nor a second one

    def _fold_single(self, fact: Fact) -> None:
        match fact:
            case f.Answered():
                self.answers[fact.ident] = fact
            case f.Pinned():
                self.pins = {ref: pin for ref, pin in self.pins.items() if ref != fact.ref}
                self.pins |= {fact.ref: fact} if fact.digest else {}
            case f.PullNoted():
                self.pulls = {number: pull for number, pull in self.pulls.items() if number != fact.number}
                self.pulls |= {fact.number: fact.record} if fact.record is not None else {}
                for commit in fact.left:
                    self.statuses.pop((commit, fact.context), None)
            case f.Received():
                self.events[fact.event.ident] = fact.event
            case f.Noticed():
                self.owed.setdefault(fact.notice.ident, fact.notice)
            case f.Delivered():
                self.owed.pop(fact.ident, None)
            case _:
                pass

    def _has(self, key: Key) -> bool:
        run = self.runs.get(key.run)
        return run is not None and any(attempt.number == key.attempt for attempt in run.attempts)

    def _fold_root(self, fact: Fact) -> None:
        if isinstance(fact, f.Renamed):
            old = self.roots.get(fact.old, RootState(RootRecord(fact.old)))
            self.roots[fact.old] = RootState(left_behind(old.record))
            state = fold_root(old, fact)
            left = self.roots.get(fact.root)
            if left is not None:
                state = absorb(replace(state, runs={**left.runs, **state.runs}), left.record)
            self.roots[fact.root] = state
            return
        key = run_of(fact)
        owners = [name for name, state in self.roots.items() if key in state.runs]
        name = owners[0] if owners else fact.root
        self.roots[name] = fold_root(self.roots.get(name, RootState(RootRecord(name))), fact)


def replay(facts: Iterable[Fact]) -> World:
    """The world after `facts`."""
    world = World()
    for fact in facts:
        world.fold(fact)
    return world


class Historian:
    """Makes up transactions, one after the other, over the world that the ones before led to."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._now = START
        self._count = 0
        self.world = World()

    def transaction(self) -> list[Fact]:
        """Some facts that belong together."""
        made: list[Fact] = []
        for _ in range(self._random.randint(1, 4)):
            for fact in self._random.choice(_MOVES)(self):
                made.append(fact)
                self.world.fold(fact)
        return made

    def now(self) -> datetime:
        self._now += timedelta(seconds=self._random.randint(0, 90))
        return self._now

    def ident(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    def chance(self, share: float) -> bool:
        return self._random.random() < share

    def name(self) -> str:
        return self._random.choice(["train", "eval", "serve", "nightly"])

    def pick(self, items: Iterable[object]) -> object | None:
        known = list(items)
        return self._random.choice(known) if known else None

    def run(self) -> RunRecord | None:
        found = self.pick(self.world.runs.values())
        assert found is None or isinstance(found, RunRecord)
        return found

    def attempt(self, *, live: bool = True) -> Key | None:
        found = self.pick(
            run.key.at_attempt(attempt.number)
            for run in self.world.runs.values()
            for attempt in run.attempts
            if attempt.live is live
        )
        assert found is None or isinstance(found, Key)
        return found


def _plan(h: Historian) -> list[Fact]:
    commit, name = h.ident("c"), h.name()
    gone = h.chance(0.2)
    hold = Hold(h.ident("h"), "too many", h.now()) if h.chance(0.3) else None
    planned = Planned(commit, None if gone else h.ident("d1:"), "d1:l", "" if gone else "d1:f", "ops.yaml", hold)
    what = What.REMOVED if gone else What.CHANGED
    return [
        f.CommitPlanned(
            commit, h.ident("t"), "main", h.now(), (Change(name, what),), h.chance(0.1), details=h.ident("p")
        ),
        f.TargetSet(name, planned, what if h.chance(0.8) else None, h.now()),
    ]


def _advance(h: Historian) -> list[Fact]:
    name = h.name()
    state = h.world.roots.get(name, RootState(RootRecord(name)))
    number, planned = state.record.highest + 1, state.record.planned
    commit = planned.commit if planned else "c0"
    if h.chance(0.2):
        return [f.Advanced(name, number, None, commit, "", None, h.now())]
    key = keys.generation(name, number)
    kind = "service" if name == "serve" else "dag" if h.chance(0.3) else "job"
    return [
        f.Advanced(name, number, h.ident("d1:"), commit, "d1:f", key, h.now()),
        f.Opened(name, key, kind, commit, number, "d1:f", "its spec changed", h.now()),
    ]


def _withdraw(h: Historian) -> list[Fact]:
    return [f.Withdrawn(h.name(), h.now())]


def _open(h: Historian) -> list[Fact]:
    name = h.name()
    cause = keys.tick(name, h.now()) if h.chance(0.5) else keys.request(name, h.ident("q"))
    later = h.now() + timedelta(minutes=1) if h.chance(0.3) else None
    return [f.Opened(name, cause, "job", "c0", 1, "d1:f", "due", h.now(), later)]


def _child(h: Historian) -> list[Fact]:
    run = h.run()
    if run is None:
        return []
    key = run.key.top.child(h.name())
    return [f.Opened(run.root, key, "job", run.commit, run.generation, run.form, "its turn", h.now())]


def _bind(h: Historian) -> list[Fact]:
    run = h.run()
    digest = f"d1:leaf{h.pick(range(4))}"
    return [] if run is None else [f.Bound(run.root, run.key, digest, h.ident("d1:b"), h.now())]


def _intend(h: Historian) -> list[Fact]:
    run = h.run()
    if run is None:
        return []
    key = run.key.at_attempt(run.attempt_count + 1)
    ports = (8000 + len(run.attempts),) if run.kind == "service" else ()
    leases = Leases(ports, {"gpu": (0,)} if h.chance(0.3) else {})
    return [f.Intended(run.root, key, leases, h.now(), "gpus", {"gpu": 1}, ports=(80,) if ports else ())]


def _observe(h: Historian) -> list[Fact]:
    key = h.attempt()
    if key is None:
        return []
    phase = h.pick(Phase)
    ended = phase is Phase.ENDED
    seen = Observation(
        key,
        Phase(phase),
        ready=h.chance(0.5) and not ended,
        started_at=h.now(),
        ended_at=h.now() if ended else None,
        reason=StopReason.EXITED if ended else None,
        exit_code=int(h.chance(0.4)) if ended else None,
        outputs={"loss": 0.25, "files": ["a", {"b": None}]} if ended else {},
    )
    return [f.Observed(key.root, seen, h.now())]


def _vanish(h: Historian) -> list[Fact]:
    key = h.attempt()
    return [] if key is None else [f.Vanished(key.root, key, StopReason.LOST, h.now())]


def _stop(h: Historian) -> list[Fact]:
    key = h.attempt()
    if key is None:
        return []
    key = key.run if h.chance(0.3) else key
    return [f.StopIntended(key.root, key, StopReason.BY_PERSON, "ada", h.now())]


def _clean(h: Historian) -> list[Fact]:
    key = h.attempt(live=False)
    return [] if key is None else [f.Cleaned(key.root, key, h.now())]


def _settle(h: Historian) -> list[Fact]:
    run = h.run()
    if run is None:
        return []
    status = h.pick(sorted(FINAL))
    assert status in FINAL
    return [f.Settled(run.root, run.key, status, "over", h.now(), "ada" if h.chance(0.2) else "")]


def _store(h: Historian) -> list[Fact]:
    run = h.run()
    if run is None:
        return []
    if h.chance(0.5):
        return [f.StoreIntended(run.root, run.key, "memory://kept", h.now())]
    return [f.Stored(run.root, run.key, "memory://kept", h.now(), 1, 2, 3)]


def _carry(h: Historian) -> list[Fact]:
    run, source = h.run(), h.run()
    if run is None or source is None or run.key == source.key or source.carried_from or run.root != source.root:
        return []
    return [f.Carried(run.root, run.key, source.key, h.now())]


def _hit(h: Historian) -> list[Fact]:
    run, source = h.run(), h.run()
    if run is None or source is None or run.key == source.key:
        return []
    return [f.CacheHit(run.root, run.key, source.key, dict(source.outputs), h.now())]


def _heal(h: Historian) -> list[Fact]:
    run = h.run()
    return [] if run is None else [f.Healed(run.root, run.key, h.now())]


def _measure(h: Historian) -> list[Fact]:
    key = h.attempt(live=True)
    if key is None:
        return []
    marks = (Mark(1, -0.5, 1e300),) if h.chance(0.5) else ()
    return [f.Measured(key.root, key, {"loss": Progress(1, 0, 0.0, -0.5, 1e300, 2, marks)}, h.now())]


def _drift(h: Historian) -> list[Fact]:
    key = h.attempt(live=True)
    if key is None:
        return []
    if h.chance(0.3):
        return [f.Corrected(key.root, key, h.now(), "no" if h.chance(0.3) else "")]
    words = "other" if h.chance(0.7) else ""
    return [f.Drifted(key.root, key, words, corrects=bool(words) and h.chance(0.5), at=h.now())]


def _retry(h: Historian) -> list[Fact]:
    run = h.run()
    if run is None:
        return []
    places = ("",) if h.chance(0.5) else ("eval",)
    return [f.Retried(run.root, run.key.top, 1 + len(run.rounds), places, "ada", h.now())]


def _move(h: Historian) -> list[Fact]:
    return [f.CursorMoved(h.name(), Cursor("d1:s", START, h.now(), 3), h.now())]


def _backfill(h: Historian) -> list[Fact]:
    over = "done" if h.chance(0.5) else ""
    made = Backfill(h.ident("b-"), START, h.now(), 2, "ada", h.now(), "d1:s", 5, None if over else START, 2, 1, over)
    return [f.Backfilled(h.name(), made, h.now())]


def _ask(h: Historian) -> list[Fact]:
    root = "" if h.chance(0.3) else h.name()
    run = h.run()
    args = {"key": str(run.key)} if run is not None and h.chance(0.5) else {}
    command = Command(h.ident("cmd"), "run", root, args, "ada", h.now())
    return [f.Asked(root, command, h.now())]


def _answer(h: Historian) -> list[Fact]:
    roots = [state.record.commands for state in h.world.roots.values()]
    waiting = [command for commands in (*roots, h.world.project.commands) for command in commands]
    command = h.pick(waiting)
    if not isinstance(command, Command):
        return []
    return [f.Answered(command.root, command.ident, True, "done", h.now())]


def _suspend(h: Historian) -> list[Fact]:
    return [f.Suspended("" if h.chance(0.3) else h.name(), h.chance(0.5), "ada", h.now())]


def _approve(h: Historian) -> list[Fact]:
    name = h.name()
    state = h.world.roots.get(name)
    hold = state.record.planned.hold if state and state.record.planned else None
    return [] if hold is None else [f.Approved(name, hold, "ada", h.now(), baseline=h.chance(0.5))]


def _withhold(h: Historian) -> list[Fact]:
    run = h.run()
    hold = Hold(f"h-{h.pick(['a', 'b'])}", "wants to be approved", h.now())
    return [] if run is None else [f.Withheld(run.root, run.key, hold, h.now())]


def _release(h: Historian) -> list[Fact]:
    name = h.name()
    state = h.world.roots.get(name)
    held = h.pick(state.record.held) if state and state.record.held else None
    return [] if held is None else [f.Approved(name, held.hold, "ada", h.now(), key=held.key)]


def _listen(h: Historian) -> list[Fact]:
    listens = (Subscription(f"runs.{h.name()}", ("run_status_done",)),) if h.chance(0.7) else ()
    return [f.Listened(h.name(), listens, h.now())]


def _event(h: Historian) -> OutsideEvent:
    return OutsideEvent(h.ident("e"), "alert_info", "drift", h.now(), {"severity": 1})


def _happen(h: Historian) -> list[Fact]:
    event = _event(h)
    return [f.Received(event, h.now()), *(f.Happened(name, event, h.now()) for name in sorted({h.name(), h.name()}))]


def _detail(h: Historian) -> list[Fact]:
    """Tells in detail of a commit, of which something else may be wrong by now, or which nobody planned."""
    record = h.pick(list(h.world.commits.values()))
    if record is None or h.chance(0.1):
        return [f.Detailed(h.ident("c"), h.ident("p"), h.now())]
    return [f.Detailed(record.ident, record.details if h.chance(0.8) else h.ident("p"), h.now())]


def _note_pull(h: Historian) -> list[Fact]:
    """Says something of a pull request, or knows nothing more of it, with the statuses of a commit."""
    number, at = f"{len(h.world.pulls) % 4}", h.now()
    status = h.pick(h.world.statuses)
    left, context = ((str(status[0]),), str(status[1])) if isinstance(status, tuple) and h.chance(0.3) else ((), "")
    record = None if h.chance(0.3) else PullRecord(number, h.ident("c"), at, roots=(h.name(),), comment=h.ident("n"))
    return [f.PullNoted(number, record, at, left, context)]


def _owe(h: Historian) -> list[Fact]:
    run = h.run()
    if run is None:
        return []
    at, name = h.now(), str(h.pick(["chat", "pager"]))
    notice = Notice(h.ident("n"), name, run.root, run.key, run.kind, "done", "failed", "", "", "c1", at)
    return [f.Noticed(run.root, notice, at)]


def _deliver(h: Historian) -> list[Fact]:
    ident = h.pick(h.world.owed)
    return [] if ident is None else [f.Delivered(str(ident), h.now(), "" if h.chance(0.5) else "too late")]


def _decide(h: Historian) -> list[Fact]:
    name = h.name()
    state = h.world.roots.get(name)
    event = h.pick(state.record.events) if state and state.record.events else None
    if event is None:
        return []
    if h.chance(0.3):
        return [f.PassedOver(name, event.ident, "suspended by ada", h.now())]
    key = keys.event(name, event.ident)
    return [f.Opened(name, key, "job", "c1", 1, "", "an event", h.now(), event=event)]


def _believe(h: Historian) -> list[Fact]:
    run = h.run()
    return [] if run is None else [f.Believed((run.key.at_attempt(1),), "ada", h.now())]


def _pin(h: Historian) -> list[Fact]:
    digest = h.ident("sha256:") if h.chance(0.7) else ""
    return [f.Pinned(f"hub:{h.name()}", digest, "hub:x/x.yaml", h.now())]


def _say(h: Historian) -> list[Fact]:
    commit = h.pick(h.world.commits)
    root = "" if h.chance(0.4) else h.name()
    state = h.pick(StatusState)
    if not isinstance(commit, str):
        return []
    context = f"plumbline/test/{root}".rstrip("/")
    return [f.StatusChanged(root, commit, context, StatusState(state), "because", h.now())]


def _post(h: Historian) -> list[Fact]:
    status = h.pick(h.world.statuses.values())
    if not isinstance(status, StatusRecord):
        return []
    said_at = status.at if h.chance(0.7) else START
    return [f.Posted(status.commit, status.context, said_at, h.now())]


def _rename(h: Historian) -> list[Fact]:
    if not h.chance(0.2):
        return []
    old, new = h.name(), h.name()
    return [] if old == new else [f.Renamed(new, old, h.now())]


_MOVES = (
    _store,
    _plan,
    _advance,
    _withdraw,
    _open,
    _child,
    _child,
    _bind,
    _bind,
    _intend,
    _intend,
    _intend,
    _observe,
    _observe,
    _observe,
    _observe,
    _vanish,
    _stop,
    _clean,
    _clean,
    _settle,
    _carry,
    _heal,
    _measure,
    _drift,
    _hit,
    _retry,
    _move,
    _backfill,
    _ask,
    _answer,
    _suspend,
    _approve,
    _withhold,
    _listen,
    _happen,
    _decide,
    _owe,
    _note_pull,
    _detail,
    _deliver,
    _release,
    _believe,
    _pin,
    _say,
    _say,
    _post,
    _rename,
)
