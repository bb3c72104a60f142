"""I4: in time after the last fault, everything wanted is alive or done, nothing else is alive, and nothing is stuck."""

from __future__ import annotations

from datetime import datetime, timedelta

from planner.keys import Key
from planner.model.attempts import AttemptRecord
from planner.model.desired import RunPolicy
from planner.model.records import RootRecord, RunRecord
from planner.model.status import RunStatus, StopReason
from reconciler.ledger.state import MemoryState
from tests.simulation.history import History

NAME = "I4"

_A_TICK_TAKES = timedelta(seconds=1500)
"""A run of a tick, or of an event (of a tick's run, it may be), may still be on its way if it is younger."""

_A_CLEAN_TAKES = timedelta(seconds=10)


def check(history: History) -> list[str]:
    found = []
    for name, record in sorted(history.state.roots.items()):
        if record.planned is not None:
            found += [f"{name}: {words}" for words in _root(history, record)]
    return found + _objects(history) + _runs(history) + _words(history)


def _root(history: History, record: RootRecord) -> list[str]:
    planned, applied = record.planned, record.applied
    assert planned is not None
    if record.commands:
        return [f"{record.commands[0].verb} was never answered"]
    if planned.hold is not None:
        return [f"is held though it was approved: {planned.hold.reason}"]
    if (applied.digest if applied else None) != planned.digest:
        return [f"{planned.commit[:10]} was never applied"]
    if planned.digest is None or applied is None or applied.key is None:
        return []
    form = history.forms[planned.form]
    if form.schedule is not None or form.by_events or form.policy.run is RunPolicy.MANUAL or form.refused:
        return []
    run = _story(history.state, applied.key)
    if run is None:
        return [f"{applied.key} is wanted and has no record"]
    if form.kind != "service":
        return [] if run.status.final else [f"{run.key} is {run.status}"]
    return _service(history, record, run, heals=form.policy.self_heal)


def _backs_off(story: RunRecord, now: datetime | None) -> bool:
    """Whether a service ended so lately that it is not due again: 1 s, doubled with each failure, 5 minutes at most."""
    last = story.last
    if last is None or last.ended_at is None or now is None:
        return False
    return now <= last.ended_at + timedelta(seconds=min(2.0 ** (story.failures - 1), 300.0))


def _service(history: History, record: RootRecord, run: RunRecord, *, heals: bool) -> list[str]:
    """A service is up, as its generation or at a person's request, unless a person stopped it."""
    stories = [story for key in record.open if (story := _story(history.state, key)) and not story.status.final]
    if not stories and _sleeps(history.state, record):
        return []
    if not stories:
        return [] if record.down is not None or run.stop is not None else [f"{run.key} is {run.status}: {run.reason}"]
    if not heals and all(story.last is not None and not story.last.live for story in stories):
        return []
    up = {key.run for key in history.alive}
    fine = any(story.key in up or _backs_off(story, history.now) for story in stories)
    return [] if fine else [f"the service {run.key} is not up"]


def _sleeps(state: MemoryState, record: RootRecord) -> bool:
    """Whether the newest run of a service was stopped as idle."""
    story = _story(state, record.last) if record.last is not None else None
    return story is not None and story.stop is not None and story.stop.reason is StopReason.CULLED


def _story(state: MemoryState, top: Key) -> RunRecord | None:
    record = state.runs.get(top)
    if record is None:
        return None
    run = state.runs.get(top.at_round(record.rounds.get("", 0)), record)
    while run is not None and run.carried_from is not None:
        run = state.runs.get(run.carried_from)
    return run


def _objects(history: History) -> list[str]:
    """Live objects and live attempts stand for each other."""
    recorded = {
        run.key.at_attempt(attempt.number): (run, attempt)
        for run in history.state.runs.values()
        for attempt in run.attempts
    }
    found = []
    for key in sorted(history.alive):
        run, attempt = recorded.get(key, (None, None))
        if run is None or attempt is None or run.status.final or not attempt.live:
            found.append(f"{key} is alive and its record is {run.status if run else 'missing'}")
        elif history.state.roots[run.root].planned is None:
            found.append(f"{key} is alive and its root {run.root} is unknown")
        elif not _wanted(history, run):
            found.append(f"{key} is alive and {run.root} is not wanted")
    for key, (run, attempt) in recorded.items():
        if attempt.live and key not in history.alive and not _young(history, run):
            found.append(f"{key} is recorded as alive and is not")
        if not attempt.live and not attempt.cleaned and not _is_kept(history, attempt) and not _young(history, run):
            found.append(f"{key} was never cleaned")
    return found


def _is_kept(history: History, attempt: AttemptRecord) -> bool:
    """Whether what has ended is not due to be cleaned: it ended a moment ago, or a ttl kept it until then."""
    assert history.now is not None
    due = max((moment for moment in (attempt.ended_at, attempt.kept_until) if moment is not None), default=None)
    return due is not None and due + _A_CLEAN_TAKES >= history.now


def _wanted(history: History, run: RunRecord) -> bool:
    planned = history.state.roots[run.root].planned
    return planned is not None and planned.digest is not None


def _runs(history: History) -> list[str]:
    found = []
    for run in history.state.runs.values():
        if run.status.final or _young(history, run):
            continue
        top = history.state.runs.get(run.key.top)
        service = run.kind == "service" and run.carried_from is None
        if not service and not _carried_service(history, run):
            found.append(f"{run.key} is stuck: {run.status}")
        elif top is not None and top.key not in history.state.roots[run.root].open:
            found.append(f"{run.key} is {run.status}, and its root does not know it as open")
    return found


def _carried_service(history: History, run: RunRecord) -> bool:
    return run.kind == "service" and run.status is not RunStatus.STOPPING


def _young(history: History, run: RunRecord) -> bool:
    assert history.now is not None
    by_itself = run.key.recurs
    return by_itself and history.now - run.opened_at < _A_TICK_TAKES


def _words(history: History) -> list[str]:
    """Every commit has had its last word."""
    open_commits = [commit for commit in history.state.commits.values() if not commit.closed]
    found = []
    for commit in open_commits:
        pending = [
            f"{status.root or 'aggregate'}: {status.description}"
            for (ident, _), status in history.state.statuses.items()
            if ident == commit.ident and not status.state.final
        ]
        found.append(f"commit {commit.ident[:10]} is still pending ({'; '.join(pending)})")
    return found
