"""A sweep below a top: its trials are walked, stopped early, and more of them opened while there is room.

Which trial is next is computed by `planner.search` from what is recorded of the others (docs/sweeps.md); what follows
for a trial is decided where any run is. This module keeps nothing: parents store nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from planner import keys
from planner.desire.adopting import adopted
from planner.desire.early import EarlyEnd, cut_early, ended_early
from planner.desire.leaf import stop_words
from planner.desire.offers import children_alive
from planner.desire.opening import opened_under
from planner.desire.scoring import score
from planner.desire.stopping import stop_tree
from planner.desire.suggesting import Unsuggested, more
from planner.desire.top import Walking
from planner.desire.trials import trials_of
from planner.desire.tuning import given, tuned, tuner_at_work
from planner.desire.view import Ready, Wait
from planner.keys import Key
from planner.model.desired import CompiledOperation, Sweep
from planner.model.facts import Settled, StopIntended
from planner.model.search import Suggestion, Trial, TrialState
from planner.model.status import RunStatus, StopReason
from planner.search import width

__all__ = ["AHEAD", "Go", "walk_sweep"]

AHEAD = 100
"""Trials that are open and have not begun, at most: a large grid costs what is at work, not what is to come."""
_MOST_A_PLAN = 16
"""Trials that may end as they begin (cached, say) in one plan: each may ask a question, and a plan answers 64 times."""

Go = Callable[[Walking, Key, CompiledOperation, str], RunStatus]
"""Walks one trial: the walk, the trial, its operation, and the metric that it must report, or ""."""


def walk_sweep(walking: Walking, key: Key, operation: CompiledOperation, go: Go) -> RunStatus:
    """Decide what follows for a sweep and all of its trials; returns its status after it.

    Args:
        walking: the walk.
        key: of the sweep, which has a record.
        operation: its body is a `Sweep`.
        go: walks one trial.
    """
    sweep, draft = operation.body, walking.draft
    assert isinstance(sweep, Sweep)
    record = draft.run(key)
    assert record is not None
    work = _Work(walking, key, operation, go)
    closed = work.walk_all()
    if not closed and (early := ended_early(draft, sweep, work.trials, work.key)) is not None:
        work.stop(early)
        closed = work.walk_all()
    elif not closed and cut_early(draft, sweep, work.trials, work.key):
        closed = work.walk_all()
    unsuggested = "" if closed else work.open_more()
    work.offer()
    status, reason = work.end(closed=closed, unsuggested=unsuggested)
    if status.final and not record.status.final:
        by = record.stop.by if record.stop is not None and status is RunStatus.STOPPED else ""
        draft.add(Settled(draft.name, key, status, reason, draft.now, by))
    return status


class _Work:
    """One walk of one sweep."""

    def __init__(self, walking: Walking, key: Key, operation: CompiledOperation, go: Go) -> None:
        assert isinstance(operation.body, Sweep)
        sweep = operation.body
        self.outer = walking
        self.draft = walking.draft
        self.key = key
        self.operation = operation
        self.sweep = sweep
        self.go = go
        self.walking = walking
        self.trials: list[Trial] = []
        self.offers: list[tuple[Key, list[Ready]]] = []
        self.tuner: RunStatus | None = None
        self.metric = sweep.goal.metric if sweep.goal is not None else ""

    def walk_all(self) -> bool:
        """Walk the trials that there are; whether nothing more is to begin."""
        depth, draft = len(self.key.place), self.draft
        draft.waits = [wait for wait in draft.waits if not self._is_below(wait.key, depth)]
        self.walking = self.outer.within(self.draft.run(self.key))
        self.trials, self.offers = [], []
        for place, suggestion in trials_of(self.draft, self.key):
            self._walk(place, suggestion)
        under_way = tuner_at_work(draft, self.key) if self.sweep.tuner is not None else None
        if under_way is not None and (self._has_begun(under_way) or not self._pending()):
            self._walk_tuner(under_way)
        return self.walking.top.closed

    def _is_below(self, key: Key, depth: int) -> bool:
        return key.top == self.key.top and key.place[:depth] == self.key.place and len(key.place) > depth

    def _walk(self, place: Key, suggestion: Suggestion) -> Trial:
        before = len(self.draft.ready)
        status = self.go(self.walking, place, self.sweep.trial, self.metric)
        self.walking.statuses[place.place] = status
        self.offers.append((place, self.draft.ready[before:]))
        del self.draft.ready[before:]
        found = score(self.draft, place, self.sweep, status)
        trial = Trial(len(self.trials), suggestion, found.state, found.value)
        self.trials.append(trial)
        return trial

    def stop(self, early: EarlyEnd) -> None:
        """End the sweep before all of its trials have."""
        draft, reason = self.draft, StopReason.EARLY_STOPPING
        draft.add(StopIntended(draft.name, self.key, reason, "", draft.now, early.status, early.reason))
        stop_tree(draft, self.key, reason)

    # More trials

    def open_more(self) -> str:
        """Open as many as there is room for; why the search cannot say which, or ""."""
        if not self.trials and self.outer.top.carry:
            earlier = adopted(self.draft, self.key, self.sweep)
            for suggestion in earlier or ():
                self._open(suggestion)
            if earlier is None:
                return ""
        if self.sweep.tuner is not None:
            return self._tuned()
        at_once = 0
        while at_once < _MOST_A_PLAN and (room := self._room()) > 0:
            points = more(self.draft, self.key, self.sweep, self.trials, room)
            if isinstance(points, Unsuggested):
                return points.reason
            if not points:
                return ""
            at_once += sum(self._open(point).state is not TrialState.PENDING for point in points)
        if at_once >= _MOST_A_PLAN:
            self.draft.wakes.append(self.draft.now)
        return ""

    def _tuned(self) -> str:
        """The same where a tuner makes the suggestions."""
        draft, operation = self.draft, self.sweep.tuner
        assert operation is not None
        found = tuned(draft, self.key, self.trials, self.sweep.iterations)
        if found.opens is not None:
            top, matrix = self.walking.top.record, self.operation.sections.get("matrix")
            fact = opened_under(draft, top, found.opens, operation.kind, top.because)
            draft.add(replace(fact, given=given(draft, found.opens, self.sweep, self.trials, matrix)))
            self._walk_tuner(found.opens)
            if self.tuner is not None and self.tuner.final:  # what it suggests is for the next plan
                draft.wakes.append(draft.now)
        for suggestion in found.suggestions[: max(self._room(), 0)]:
            self._open(suggestion)
        return found.trouble

    def _walk_tuner(self, place: Key) -> None:
        assert self.sweep.tuner is not None
        self.tuner = self.go(self.walking, place.node, self.sweep.tuner, "")

    def _has_begun(self, tuner: Key) -> bool:
        """Whether there are attempts of a tuner, which is to be told of trials that are over, and not before."""
        run = self.draft.run(tuner)
        return run is not None and bool(run.attempt_count)

    def _pending(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.state is TrialState.PENDING]

    def _room(self) -> int:
        pending = self._pending()
        statuses = self.walking.statuses
        waiting = AHEAD - sum(statuses[place.place] is RunStatus.CREATED for place, _ in self.offers)
        most = self.places
        return waiting if most is None else min(most - len(pending), waiting)

    @property
    def places(self) -> int | None:
        """Trials that may be at work at once; None for no limit."""
        if self.sweep.concurrency is not None:
            return self.sweep.concurrency
        return width(self.sweep.search, self.trials)

    def _open(self, suggestion: Suggestion) -> Trial:
        draft, top = self.draft, self.walking.top.record
        place = self.key.child(keys.trial(len(self.trials)))
        fact = opened_under(draft, top, place, self.sweep.trial.kind, top.because)
        draft.add(replace(fact, suggestion=suggestion, lineage=self.sweep.lineage))
        return self._walk(place, suggestion)

    # Which of them start

    def offer(self) -> None:
        """Let as many trials begin as may be at work at once: what was carried over takes a place as well."""
        draft, places = self.draft, self.sweep.concurrency
        begun = {place for place, _ in self.offers if self._is_at_work(place)}
        if places is not None and len(begun) > places:
            # Taken over by a generation, or run again: of those that could go on only as many do as there are places.
            alive = children_alive(draft, self.key)
            begun -= {place for place, ready in self.offers if ready and place.place[-1] not in alive}
        taken = len(begun)
        for place, ready in self.offers:
            if places is None or place in begun or taken < places:
                taken += bool(ready) and place not in begun
                draft.ready.extend(ready)
            else:
                reason = "a place in its sweep's concurrency"
                draft.waits.extend(Wait(item.key.run, reason, item.since) for item in ready)

    def _is_at_work(self, place: Key) -> bool:
        """Whether a trial has begun and is not over; of one that is a DAG, between two of its nodes too."""
        status = self.walking.statuses[place.place]
        return not status.final and status is not RunStatus.CREATED

    # How it ends

    def end(self, *, closed: bool, unsuggested: str) -> tuple[RunStatus, str]:
        """The status of the sweep, and why it has ended."""
        statuses = [self.walking.statuses[place.place] for place, _ in self.offers]
        if self.tuner is not None and not self.tuner.final:
            statuses.append(self.tuner)
        record = self.draft.run(self.key)
        stop = self.outer.top.stop or (record.stop if record is not None else None)
        if any(not status.final and (status is not RunStatus.CREATED or not closed) for status in statuses):
            return (RunStatus.STOPPING if closed else RunStatus.PROCESSING), ""
        if closed:
            if stop is not None and stop.ends is not None:
                return stop.ends, stop.words
            return RunStatus.STOPPED, stop_words(stop) if stop is not None else "superseded"
        if self._goes_on(statuses):
            return RunStatus.PROCESSING, ""
        if not statuses:
            return RunStatus.FAILED, unsuggested or "nothing was suggested"
        if unsuggested:
            return RunStatus.FAILED, f"{_words(statuses)}; {unsuggested}"
        return _best_of(statuses), _words(statuses)

    def _goes_on(self, statuses: Sequence[RunStatus]) -> bool:
        """Whether more is to come, though nothing is at work: something was asked, or left for the next plan."""
        draft = self.draft
        return bool(draft.missing) or draft.now in draft.wakes or (draft.view.alone and not statuses)


def _best_of(statuses: Sequence[RunStatus]) -> RunStatus:
    """How a sweep ends whose trials are over: one that has succeeded is enough."""
    for status in (RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.STOPPED):
        if status in statuses:
            return status
    return RunStatus.SKIPPED


def _words(statuses: Sequence[RunStatus]) -> str:
    good = sum(status is RunStatus.SUCCEEDED for status in statuses)
    return f"{good} of {len(statuses)} trials succeeded"
