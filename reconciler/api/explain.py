"""Why an operation will or will not run: the reasons in force, most binding first, and what moved its digest.

It reads what planning decided and never plans itself, so it cannot say anything else than what happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from planner import keys
from planner.canon import Json
from planner.changes import field_changes
from planner.desire.view import Wait
from planner.keys import Key
from planner.model.desired import CompiledOperation, RunPolicy
from planner.model.people import ProjectRecord
from planner.model.records import Applied, RootRecord
from planner.model.run import BoundRun
from planner.model.status import RunStatus
from reconciler.admission import waits_of
from reconciler.api import find, listeners, problems, views
from reconciler.api.explain_run import explain_run, joined_words, node_words, stored_words
from reconciler.api.sleeping import asleep, sleep_words
from reconciler.api.stories import ALL, Story, nodes_of, one, with_begun
from reconciler.core import Core
from reconciler.ports import RunQuery

__all__ = ["explain"]

_TICKS = 5
_HISTORY = 1000
_BAD = frozenset({RunStatus.FAILED, RunStatus.UPSTREAM_FAILED, RunStatus.STOPPED})


@dataclass(frozen=True, slots=True)
class _Case:
    """Everything that the reasons are drawn from."""

    record: RootRecord
    project: ProjectRecord
    target: CompiledOperation | None
    force: CompiledOperation | None
    last: Story | None
    waits: tuple[Wait, ...]
    now: datetime
    bound: BoundRun | None = None
    nodes: tuple[Story, ...] = ()
    listens: tuple[str, ...] = ()


async def explain(core: Core, name: str, *, digest: bool = False, window: slice = ALL) -> dict[str, Json]:
    """Why operation `name` will or will not run, or why a run is as it is; with `digest` also which fields moved.

    Of the nodes of its last run those in `window` are looked at.

    Raises:
        ApiError: there is no such operation or run; or `digest` is asked for of a run.
    """
    if name not in await core.ledger.roots() and find.is_run(name):
        if digest:
            raise problems.bad("`digest` is asked of an operation, not of a run")
        return await explain_run(core, name)
    record = await find.operation(core, name)
    case = await _case(core, record, window)
    reasons = [*_reasons(case), *stored_words(core, case.last)]
    policy = case.target.policy if case.target else None
    planned, applied = record.planned, record.applied
    shown: dict[str, Json] = {
        "operation": name,
        "kind": case.target.kind if case.target else None,
        "path": planned.path if planned else None,
        "state": views.state_word(record, case.target, case.last, case.now),
        "answer": reasons[0] if reasons else "nothing keeps it from running",
        "reasons": reasons,
        "waits": [views.wait_view(wait) for wait in case.waits],
        "hold": views.hold_view(planned.hold, [name]) if planned and planned.hold else None,
        "kept": planned.kept if planned else "",
        "suspended": views.suspension_view(record.suspended),
        "projectSuspended": views.suspension_view(case.project.suspended),
        "policy": {"run": str(policy.run), "onChange": str(policy.on_change)} if policy else None,
        "nextTicks": views.next_ticks(record, case.force, case.project.suspended, case.now, _TICKS),
        "target": _generation(planned.commit, planned.digest) if planned else None,
        "applied": {**_generation(applied.commit, applied.digest), "generation": applied.number} if applied else None,
        "last": views.run_view(case.last, core.policy.identity) if case.last else None,
    }
    if digest:
        shown["digest"] = await _digest(core, record)
    return shown


async def _case(core: Core, record: RootRecord, window: slice) -> _Case:
    planned, applied = record.planned, record.applied
    last = await one(core, record.last) if record.last else None
    last = await with_begun(core, last) if last is not None else None
    bound = await core.bound(last.source.bound) if last is not None and last.source.bound else None
    target = await core.form(planned.form) if planned and planned.form else None
    force = await core.form(applied.form) if applied and applied.form else None
    shown = force or target
    by_events = shown is not None and shown.by_events
    return _Case(
        record=record,
        project=await core.ledger.project(),
        target=target,
        force=force,
        listens=tuple(listeners.words_of(shown, await core.ledger.roots())) if shown is not None and by_events else (),
        last=last,
        waits=waits_of(core, record.name),
        now=core.clock.now(),
        bound=bound,
        nodes=tuple((await nodes_of(core, last.node, window)).values()) if last is not None else (),
    )


def _generation(commit: str, digest: str | None) -> dict[str, Json]:
    return {"commit": commit, "digest": digest}


def _reasons(case: _Case) -> Iterator[str]:
    yield from _blocking(case)
    # A hold is said with what blocks.
    yield from (f"{wait.key.run}: {views.sentence(wait)}" for wait in case.waits if not wait.is_hold)
    yield from _failed(case)
    yield from _resting(case)
    yield from node_words(case.nodes)
    if case.last is not None and case.bound is not None:
        yield from joined_words(case.last.run, case.bound)


def _blocking(case: _Case) -> Iterator[str]:
    record, planned = case.record, case.record.planned
    name = record.name
    if planned is None or planned.digest is None:
        yield "it is not in the repository any more" if planned else "no commit was planned for it yet"
    elif planned.hold is not None:
        since = views.instant(planned.hold.since)
        yield f"held since {since}: {planned.hold.reason}; plumbline approve {planned.hold.ident}"
    for run in record.held:
        yield f"held since {views.instant(run.hold.since)}: {run.hold.reason}; plumbline approve {run.hold.ident}"
    if planned is not None and planned.kept:
        yield f"it stays as it is: {planned.kept}"
    if case.target is not None and case.target.refused:
        yield f"refused: {case.target.refused}"
    yield from _suspensions(case, name)
    if down := views.down_view(record):
        yield f"{down['text']}, or commit a change"


def _suspensions(case: _Case, name: str) -> Iterator[str]:
    for suspension, root in ((case.record.suspended, name), (case.project.suspended, "")):
        if suspension is not None and views.is_suspended(suspension, case.now):
            yield views.suspension_words(suspension, root)


def _failed(case: _Case) -> Iterator[str]:
    """What became of the last run, when it did not do what it was for: why, and what a person can do about it."""
    last, name = case.last, case.record.name
    if last is None or last.status not in _BAD or case.record.down is not None:
        return
    if case.target is not None and case.target.refused:
        return
    if asleep(case.record, last):
        yield f"it {sleep_words(case.record, last)}"
        return
    words = _words(last)
    if last.status is RunStatus.STOPPED:
        yield f"{words}; plumbline retry {name} starts it once more"
    else:
        yield f"{words}; plumbline logs {_culprit(case, last)} shows why, plumbline retry {name} starts it once more"


def _culprit(case: _Case, last: Story) -> Key:
    """The run whose log says why: what builds for one that never started."""
    if last.run.is_parent or last.source.attempts:
        return last.run.key
    return next((node.run.key for node in case.nodes if node.status in _BAD), last.run.key)


def _words(story: Story) -> str:
    """A run and how it went, such as `train@g1 failed: exit code 3`."""
    reason = story.run.reason or story.source.reason
    # Some reasons begin with the status, such as `failed: train` of a DAG.
    said = reason if reason.startswith(f"{story.status}") else f"{story.status}: {reason}".removesuffix(": ")
    return f"{story.run.key} {said}"


def _resting(case: _Case) -> Iterator[str]:
    """What holds when nothing keeps it: it runs, it waits for its time, or it has done what was asked."""
    record, last = case.record, case.last
    if last is not None and not last.run.status.final and not case.waits:
        trouble = f": {last.trouble}" if last.trouble else ""
        yield f"it runs: {last.run.key} is {last.status}{trouble}"
    operation = case.force or case.target
    if operation is None or (record.planned is not None and record.planned.digest is None):
        return
    if operation.schedule is not None:
        yield _by_schedule(case, operation)
    yield from case.listens
    if operation.schedule is not None or case.listens:
        return
    if operation.policy.run is RunPolicy.MANUAL:
        yield f"it runs when asked: plumbline run {record.name}"
    elif _is_baseline(record):
        at = views.instant(record.applied.at) if record.applied else ""
        yield f"it counts as done since {at} (approve --baseline); {_again(record)}"
    elif last is not None and last.run.status.final and record.down is None and not asleep(record, last):
        yield _has_run(record, last)


def _by_schedule(case: _Case, operation: CompiledOperation) -> str:
    ticks = views.next_ticks(case.record, operation, case.project.suspended, case.now, 1)
    if ticks:
        return f"it runs by its schedule, next at {ticks[0]}"
    if any(_suspensions(case, case.record.name)):
        return "it runs by its schedule, and does not while it is suspended"
    return "its schedule has no tick left"


def _is_baseline(record: RootRecord) -> bool:
    """Whether a person said that what is in force is done already: it has no run of its own."""
    planned, applied = record.planned, record.applied
    if planned is None or applied is None or applied.digest is None or applied.digest != planned.digest:
        return False
    return applied.started and applied.key is None


def _has_run(record: RootRecord, last: Story) -> str:
    planned, applied = record.planned, record.applied
    if planned is not None and applied is not None and planned.digest == applied.digest:
        what = "what is in force" if planned.kept else "what is in the repository"
        return f"it has run for {what} ({_words(last)}); {_again(record)}"
    return f"its newest commit is to be applied; the last run was {last.run.key} ({last.status})"


def _again(record: RootRecord) -> str:
    return f"a change of its spec runs it again, or plumbline run {record.name}"


async def _digest(core: Core, record: RootRecord) -> dict[str, Json]:
    """Which fields moved: from what is in force to the target where they differ, else since the generation before."""
    planned, applied = record.planned, record.applied
    if planned is not None and (applied is None or planned.digest != applied.digest):
        before, after = (applied.form if applied else ""), planned.form
        words = "what is in force to what the newest commit wants"
    else:
        before, after = await _form_before(core, record, applied), applied.form if applied else ""
        words = "the generation before to the one in force"
    old = await core.form(before) if before else None
    new = await core.form(after) if after else None
    return {
        "compared": words,
        "known": old is not None,
        "changes": views.digest_view(field_changes(old, new)) if old is not None else [],
    }


async def _form_before(core: Core, record: RootRecord, applied: Applied | None) -> str:
    """The form of the generation before `applied`, as far as a record of it is near; "" for none."""
    if applied is None or applied.number == 1:
        return ""
    if applied.before is not None:
        return applied.before.form
    key = keys.generation(record.name, applied.number - 1)
    found = await core.ledger.runs(RunQuery(keys=(key,), limit=1))
    if found:
        return found[0].form
    recent = await core.ledger.runs(RunQuery(root=record.name, limit=_HISTORY))
    return next((run.form for run in recent if 0 < run.generation < applied.number and not run.key.place), "")
