"""What a plan is compared with: the world as a ledger knows it, or one in which a commit was applied and has succeeded.

The second is made up from the commit alone, so it knows no output: what reads one runs again, as far as it can tell. It
never looks at the commit that is planned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from planner import keys
from planner.desire.view import Identity, View
from planner.fold import RootState
from planner.model.desired import Asked, CompiledOperation, Dag, DesiredState, RunPolicy
from planner.model.people import Suspension
from planner.model.questions import Answers, Reusable
from planner.model.records import Applied, AttemptRecord, RootRecord, RunRecord
from planner.model.status import RunStatus
from planner.plan import plan_alone
from planner.pretended import trials_as_run
from planner.target import target_of

__all__ = ["World", "as_applied"]


@dataclass(frozen=True, slots=True)
class World:
    """What the plan is compared with.

    Attributes:
        states: every known root with its runs, by name.
        forms: stored compiled operations by form digest.
        base: the commit that these come from, "" for none.
        answers: what was asked about runs that `states` does not have.
        suspended: the project's suspension.
        notes: what a reader must know of this machine.
        backend: where runs go.
        asked: the budgets that hold before the commit.
        touched: paths that differ between `base` and what is planned, where that is known.
    """

    states: Mapping[str, RootState] = field(default_factory=dict)
    forms: Mapping[str, CompiledOperation] = field(default_factory=dict)
    base: str = ""
    answers: Answers = field(default_factory=dict)
    suspended: Suspension | None = None
    notes: tuple[str, ...] = ()
    backend: str = "local"
    asked: Asked = Asked()
    touched: tuple[str, ...] = ()


def as_applied(desired: DesiredState, at: datetime, identity: Identity, new: DesiredState | None = None) -> World:
    """The world in which everything that `desired` asks for was applied, and what runs by itself has succeeded.

    Of sweeps only those have trials that `new` changes: each costs as much as it has trials.
    """
    operations = desired.roots.values()
    states = {name: _as_applied(name, operation, desired.commit, at) for name, operation in desired.roots.items()}
    swept: dict[str, tuple[RunRecord, ...]] = {}
    for name, operation in desired.roots.items():
        later = new.roots.get(name) if new is not None else None
        if later is not None and later.digest != operation.digest and _runs_by_itself(operation):
            swept[name] = tuple(trials_as_run(operation, desired.commit, at, identity))
            states[name] = RootState(states[name].record, {run.key: run for run in swept[name]})
    return World(
        states=states,
        forms={operation.form: operation for operation in operations},
        base=desired.commit,
        answers={
            Reusable(name, run.digest): (run,)
            for name, operation in desired.roots.items()
            for run in (*_results(operation, desired.commit, at, identity), *swept.get(name, ()))
            if run.digest
        },
        asked=desired.budgets,
    )


def _as_applied(name: str, operation: CompiledOperation, commit: str, at: datetime) -> RootState:
    ran = not operation.refused and not operation.by_events and operation.policy.run is not RunPolicy.MANUAL
    top = keys.generation(name, 1) if ran else None
    applied = Applied(1, operation.digest, commit, operation.form, top, at, started=ran)
    target, listens = target_of(operation, commit), operation.listens
    record = RootRecord(name, planned=target, applied=applied, highest=1, last=top, listens=listens)
    return RootState(record)


def _runs_by_itself(operation: CompiledOperation) -> bool:
    return not operation.refused and operation.schedule is None and not operation.by_events


def _results(operation: CompiledOperation, commit: str, at: datetime, identity: Identity) -> Iterator[RunRecord]:
    """The nodes of a DAG whose digest is known without an output: what a new generation would carry over.

    They are shown as running, for what they gave is not known, and so not what would read it.
    """
    if not isinstance(operation.body, Dag) or not _runs_by_itself(operation):
        return
    fresh = RootState(RootRecord(operation.name, planned=target_of(operation, commit)))
    plan = plan_alone(View(fresh, {operation.form: operation}, at, identity))
    for run in plan.state.runs.values():
        if run.digest and run.key.place:
            attempt = AttemptRecord(1, at, seen_at=at, started_at=at)
            yield replace(run, status=RunStatus.RUNNING, started_at=at, attempts=(attempt,), attempt_count=1)
