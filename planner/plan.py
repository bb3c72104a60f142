"""Planning one root: from its records, its target and an instant to facts, starts and waits.

Left to right once is one reconcile; nothing loops inside. The order of the steps is the order of knowledge: what
happened, what people asked for, what should be in force, which ticks are due, what every wanted run does next, what
becomes of old generations where nothing in force goes on with them, and what commits say about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from planner.desire import backfill, event, schedule
from planner.desire.cache import undecided
from planner.desire.commands import answer
from planner.desire.generation import advance, is_superseded, lane_of, supersede
from planner.desire.hooks import follow
from planner.desire.nodes import form_of
from planner.desire.resting import rests
from planner.desire.settle import settle
from planner.desire.view import Bindings, Draft, Ready, View, Wait
from planner.desire.walk import Top, walk
from planner.fold import RootState
from planner.keys import Key
from planner.model.desired import CompiledOperation, Leaf
from planner.model.facts import Fact
from planner.model.gang import Update
from planner.model.questions import Question, Recorded
from planner.model.records import RunRecord
from planner.model.run import BoundRun
from planner.publish import report

__all__ = ["RootPlan", "plan_alone", "plan_root", "reads"]


@dataclass(frozen=True, slots=True)
class RootPlan:
    """What planning a root decided.

    Attributes:
        facts: to be recorded in this order, in one transaction, before any effect.
        state: the root as it is once they are recorded.
        ready: leaves that start as soon as admission lets them.
        waits: why the others do not start.
        bound: bound runs to be stored with the facts, by reference.
        forms: compiled operations to be stored with them, by form digest.
        missing: questions that must be answered first; when there are any, nothing else counts but `bindings`.
        bindings: for the view of the next round, where there are questions.
        watched: runs whose end this root waits for.
        wake_at: when planning must happen again at the latest, without any news.
        rests: whether planning has nothing to say before `wake_at`, unless the root's record changes.
    """

    facts: tuple[Fact, ...]
    state: RootState
    ready: tuple[Ready, ...] = ()
    waits: tuple[Wait, ...] = ()
    bound: Mapping[str, BoundRun] = field(default_factory=dict)
    forms: Mapping[str, CompiledOperation] = field(default_factory=dict)
    missing: frozenset[Question] = frozenset()
    bindings: Bindings = field(default_factory=dict)
    watched: frozenset[Key] = frozenset()
    wake_at: datetime | None = None
    rests: bool = False


def reads(state: RootState) -> frozenset[str]:
    """Form digests that a view of `state` must hold."""
    record = state.record
    forms = {run.form for run in state.runs.values() if not run.key.place and run.form}
    forms |= {str(command.args["form"]) for command in record.commands if command.args.get("form")}
    if record.planned is not None:
        forms.add(record.planned.form)
    applied = record.applied
    while applied is not None:
        forms.add(applied.form)
        applied = applied.before
    return frozenset(forms - {""})


def plan_root(view: View) -> RootPlan:
    """Plan one root. Pure: the same view gives the same plan, and a plan made of its result's state is empty."""
    draft = Draft(view)
    settle(draft)
    event.pass_over(draft)
    answer(draft)
    advance(draft)
    event.listen(draft)
    event.decide(draft)
    _go_on(draft)
    supersede(draft)
    _look_again(draft)
    _walk_current(draft, only=follow(draft))
    report(draft)
    if draft.missing:
        return RootPlan((), view.state, missing=frozenset(draft.missing), bindings=draft.bindings)
    return RootPlan(
        facts=tuple(draft.facts),
        state=draft.state.shared() if draft.facts else view.state,
        ready=tuple(draft.ready),
        waits=tuple(draft.waits),
        bound=dict(draft.bound),
        forms=dict(draft.forms),
        watched=frozenset(draft.watched),
        wake_at=min(draft.wakes, default=None),
        rests=rests(draft),
    )


def plan_alone(view: View) -> RootPlan:
    """Plan one root where nobody answers: what is not in `view` is not there, or not known (`View.alone`)."""
    view = replace(view, alone=True)
    plan = plan_root(view)
    while plan.missing:
        answers = {**view.answers, **{question: _unasked(view, question) for question in plan.missing}}
        view = replace(view, answers=answers, bindings=plan.bindings)
        plan = plan_root(view)
    return plan


def _unasked(view: View, question: Question) -> tuple[RunRecord, ...]:
    """What is known without asking: of records those that the root itself has."""
    runs = view.state.runs
    return tuple(runs[key] for key in question.keys if key in runs) if isinstance(question, Recorded) else ()


def _go_on(draft: Draft) -> None:
    """Decide ticks and walk open runs; the end of one may let the next due tick start (dependsOnPast)."""
    walked: set[Key] = set()
    left = backfill.MOST_A_PLAN
    while True:
        wait = schedule.tick(draft)
        left -= backfill.go_on(draft, left)
        walked |= _walk_current(draft, frozenset(draft.state.record.open) - walked)
        waits = wait is None or bool(schedule.active(draft))
        if waits and (left <= 0 or draft.missing or not backfill.has_room(draft)):
            draft.waits.extend(backfill.wait_for(draft) if wait is None else (wait, *backfill.wait_for(draft)))
            return


def _look_again(draft: Draft) -> None:
    """Walk anew what waited for the work of a run that ended, or was told to, after it was looked at."""
    while tops := undecided(draft):
        draft.ready = [item for item in draft.ready if item.key.top not in tops]
        draft.waits = [wait for wait in draft.waits if wait.key.top not in tops]
        _walk_current(draft, only=tops)


def _walk_current(draft: Draft, only: frozenset[Key]) -> frozenset[Key]:
    """Walk those of the open runs `only` that something in force wants; returns their keys."""
    walked: set[Key] = set()
    for key in draft.state.record.open if only else ():
        run = draft.run(key)
        operation = form_of(draft, run) if run else None
        if key not in only or run is None or operation is None or is_superseded(draft, run):
            continue
        walked.add(key)
        walk(
            draft,
            Top(
                record=run,
                operation=operation,
                carry=key.generation is not None and key.generation > 1,
                lane=lane_of(operation, run),
                blocked=_blocked(draft, run, operation),
            ),
        )
    return frozenset(walked)


def _blocked(draft: Draft, run: RunRecord, operation: CompiledOperation) -> str:
    """A service that is recreated waits until every process of its earlier generations has ended."""
    body = operation.body
    if operation.kind != "service" or not isinstance(body, Leaf) or body.gang.update is not Update.RECREATE:
        return ""
    others: list[Key] = [
        other.key
        for other in draft.state.runs.values()
        if other.kind == "service" and other.alive and other.key.top != run.key.top
    ]
    return f"the end of {min(others)}" if others else ""
