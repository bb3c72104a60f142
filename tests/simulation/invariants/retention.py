"""What retention takes is over, beyond what is kept, and needed by nothing that stays; and what is beyond goes in time.

Which runs may go is worked out here from docs/ledger.md, and not by the code that takes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from planner.keys import Key
from planner.model.facts import Approved, Fact, Renamed, TargetSet
from planner.model.records import RootRecord, RunRecord
from planner.model.retention import Retention
from planner.model.status import RunStatus
from tests.simulation.history import History, Removal

NAME = "retention"

_IN_TIME = timedelta(seconds=2000)
"""Retention looks every ten minutes, and a crash has it begin anew."""


def check(history: History) -> list[str]:
    found = [words for removal in history.removals for words in _taken(history, removal)]
    return found + (list(_left(history)) if history.settled and not history.wall_moved else [])


def _taken(history: History, removal: Removal) -> Iterator[str]:
    rule = _rule(history, removal.before)
    tops = [run for run in removal.had if run.key == run.key.top]
    gone = [run for run in removal.had if run.key.top in removal.taken]
    for run in gone:
        if not run.status.final or any(not item.cleaned for item in run.attempts):
            yield f"{run.key} was taken, and is {run.status}"
    for run in tops:
        if run.key not in removal.taken:
            continue
        if run.key in _named(removal.before):
            yield f"{run.key} was taken, and {removal.before.name} goes on with it"
        if not _is_beyond(rule, tops, run, removal.wall):
            yield f"{run.key} was taken, and what is kept is {rule.words if rule else 'all'}"
    last = next((run for run in reversed(tops) if run.status is RunStatus.SUCCEEDED), None)
    if last is not None and last.key in removal.taken:
        yield f"{last.key} was taken, and nothing newer has succeeded"
    for run in removal.had:
        sources = {key.top for key in (run.carried_from, run.cached_from) if key is not None}
        if run.key.top not in removal.taken and sources & removal.taken:
            yield f"{min(sources)} was taken, and {run.key} has its result"


def _left(history: History) -> Iterator[str]:
    """What should have been taken by now: beyond what is kept for a while already, as things were then."""
    assert history.now is not None
    then = history.now - _IN_TIME
    needed = {
        key.top
        for run in history.stored.runs.values()
        for key in (run.carried_from, run.cached_from)
        if key is not None and key.top != run.key.top
    }
    changed = {fact.root for fact in _lately(history) if isinstance(fact, TargetSet | Renamed | Approved)}
    for name, record in sorted(history.stored.roots.items()):
        rule, kept = _rule(history, record), needed | _named(record)
        tops = [run for run in history.stored.runs.values() if run.root == name and run.key == run.key.top]
        tops.sort(key=lambda run: history.stored.opened[run.key])
        old = [run for run in tops if run.opened_at < then]
        kept |= {run.key for run in [run for run in old if _is_good(run, then)][-1:]}
        kept |= {run.key for run in [run for run in old if run.follows is None][-1:]}  # the root's last one, then
        for run in old if name not in changed else ():
            over = run.finished_at is not None and run.finished_at < then and _is_over(history, run)
            if over and run.key not in kept and _is_beyond(rule, old, run, then):
                yield f"{run.key} is still there, and what is kept is {rule.words if rule else 'all'}"


def _is_good(run: RunRecord, then: datetime) -> bool:
    return run.status is RunStatus.SUCCEEDED and run.finished_at is not None and run.finished_at < then


def _lately(history: History) -> Iterator[Fact]:
    end = history.transactions[-1].at if history.transactions else 0.0
    for made in reversed(history.transactions):
        if made.at < end - _IN_TIME.total_seconds():
            return
        yield from made.facts


def _is_over(history: History, top: RunRecord) -> bool:
    below = (run for run in history.stored.runs.values() if run.key.top == top.key)
    return all(run.status.final and all(item.cleaned for item in run.attempts) for run in below)


def _rule(history: History, record: RootRecord) -> Retention | None:
    for place in (record.planned, record.applied):
        form = history.forms.get(place.form) if place is not None and place.form else None
        if form is not None:
            return form.policy.retention
    return None


def _named(record: RootRecord) -> set[Key]:
    """Runs that a root goes on with, or still has to say something of."""
    found = {*record.open, *(held.key.top for held in record.held)} | ({record.last} if record.last else set())
    found |= {report.key.top for report in record.reports if report.key is not None}
    applied = record.applied
    while applied is not None:
        found |= {applied.key} if applied.key is not None else set()
        applied = applied.before
    return found


def _is_beyond(rule: Retention | None, tops: list[RunRecord], run: RunRecord, now: datetime) -> bool:
    """Whether a run does not satisfy all that the rule says; tops are in order of opening."""
    if rule is None:
        return False
    if rule.count is not None and tops.index(run) < len(tops) - rule.count:
        return True
    return rule.age is not None and run.finished_at is not None and run.finished_at < now - timedelta(seconds=rule.age)
