"""How a run goes, as its commit says it: a state and a few words.

Reads records, and decides nothing but the words; which run speaks for a commit is for `planner.publish`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from planner.desire.nodes import effective, operation_of
from planner.desire.scoring import scored, stories
from planner.desire.trials import sweep_above
from planner.desire.view import Draft
from planner.findings import Tried, standing
from planner.fold.own import below
from planner.keys import Key
from planner.model.commits import StatusState
from planner.model.desired import Sweep
from planner.model.records import Report, RunRecord
from planner.model.search import Trial
from planner.model.status import RunStatus
from planner.search import most

__all__ = ["Said", "said_of"]


@dataclass(frozen=True, slots=True)
class Said:
    """State and description of a status."""

    state: StatusState
    description: str


def said_of(draft: Draft, waiting: Report, run: RunRecord) -> Said:
    """What a commit says that `run`, in its newest round, speaks for; `waiting` is the commit's report."""
    if run.kind == "service" and not run.status.final:
        return _of_service(draft, waiting, run)
    match run.status:
        case RunStatus.SUCCEEDED:
            cached = f", {run.reason}" if run.reason else ""
            return Said(StatusState.SUCCESS, f"succeeded{_took(run)}{cached}")
        case RunStatus.SKIPPED:
            return Said(StatusState.SUCCESS, f"skipped: {run.reason}")
        case RunStatus.FAILED | RunStatus.UPSTREAM_FAILED | RunStatus.STOPPED:
            words = run.reason if run.reason.startswith(str(run.status)) else f"{run.status}: {run.reason}"
            return Said(StatusState.FAILURE, words)
        case _:
            return Said(StatusState.PENDING, _progress(draft, run))


def _of_service(draft: Draft, waiting: Report, run: RunRecord) -> Said:
    last = run.last
    if last is not None and last.live and last.ready and last.stop is None:
        return Said(StatusState.SUCCESS, "ready")
    operation = draft.form(run.form)
    deadline = timedelta(seconds=operation.policy.progress_deadline if operation else 0)
    begun = _begun(draft, waiting, run)
    if begun is not None and draft.now >= begun + deadline:
        why = f": {last.message}" if last and last.message else ""
        return Said(StatusState.FAILURE, f"not ready within {deadline.total_seconds():g} s{why}")
    if begun is not None:
        draft.wake(begun + deadline)
    waits = _held(draft, run) or _waits(draft, run)
    begins = "starting" if run.attempt_count <= 1 else "started again, not ready yet"
    return Said(StatusState.PENDING, waits or f"{begins}{_trouble(run)}")


def _begun(draft: Draft, waiting: Report, run: RunRecord) -> datetime | None:
    """Since when a service should be getting ready: a commit that goes on with a running one counts from itself."""
    if not run.attempts:
        return None
    own = draft.run(waiting.key) if waiting.key is not None else None
    if own is None:
        newest_at = run.attempts[-1].intended_at
        return newest_at if waiting.at is None else max(newest_at, waiting.at)
    return max(run.started_at or run.attempts[0].intended_at, own.opened_at)


def _trouble(run: RunRecord) -> str:
    """What its backend says keeps it from starting, or from being ready."""
    return f": {run.last.trouble}" if run.last is not None and run.last.trouble else ""


def _waits(draft: Draft, run: RunRecord) -> str:
    reasons = [wait.reason for wait in draft.waits if wait.key.top == run.key.top and not wait.key.place]
    return f"waits for {reasons[0]}" if reasons and not run.alive else ""


def _held(draft: Draft, run: RunRecord) -> str:
    """The approval that a run waits for, its own before that of a node; "" for none."""
    holds = [held.hold for held in draft.state.record.held if held.key.top == run.key.top]
    return f"held: {holds[0].reason}; plumbline approve {holds[0].ident}" if holds else ""


def _progress(draft: Draft, run: RunRecord) -> str:
    held, waits = _held(draft, run), _waits(draft, run)
    if not run.is_parent:
        return held or waits or f"{run.status}{_trouble(run)}"
    if (sweep := _sweep(draft, run)) is not None:
        return held or (waits if not sweep[1] else "") or sweep[0]
    top = draft.run(run.key.top)
    found = below(draft.state.runs, run.key.top)
    keys = [key for key in found if key.round == (top.round_of(key.place) if top is not None else 0)]
    children = {key: effective(draft, draft.state.runs[key]) for key in keys}
    # Of a sweep inside, its own name: trials may be thousands.
    alive = sorted({_shown(draft, key)[-1] for key, child in children.items() if child.alive})
    if not alive and (held or waits):
        return held or waits
    ended = sum(child.status.final for key, child in children.items() if _shown(draft, key) == key.place)
    return f"running: {', '.join(alive) or 'between nodes'}; {ended} ended"


def _shown(draft: Draft, key: Key) -> tuple[str, ...]:
    """The place of a run below a DAG; of what is below a sweep that of the sweep."""
    above = sweep_above(draft.state, key)
    return above.place if above is not None else key.place


def _sweep(draft: Draft, run: RunRecord) -> tuple[str, bool] | None:
    """How a sweep stands, and whether it has trials; None for what is no sweep."""
    operation = operation_of(draft, run)
    if operation is None or not isinstance(operation.body, Sweep):
        return None
    sweep = operation.body
    found = [_tried(draft, sweep, story, one) for story, one in scored(draft, run.key.node, sweep)]
    total = most(sweep.search) if sweep.tuner is None else None
    return standing(found, total, sweep.goal), bool(found)


def _tried(draft: Draft, sweep: Sweep, story: RunRecord, one: Trial) -> Tried:
    status = story.status
    at_work = not status.final and status is not RunStatus.CREATED
    if story.is_parent and not status.final:  # its record knows only how it ended
        at_work = any(run.status is not RunStatus.CREATED for run in stories(draft, story.key.node, sweep.trial))
    return Tried(one.number, str(status), one.suggestion.params, one.value, over=status.final, running=at_work)


def _took(run: RunRecord) -> str:
    if run.started_at is None or run.finished_at is None:
        return ""
    seconds = max((run.finished_at - run.started_at).total_seconds(), 0)
    return f" in {seconds:.0f} s" if seconds < 120 else f" in {seconds / 60:.0f} min"
