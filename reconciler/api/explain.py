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
from planner.model.desired import CompiledOperation, RunPolicy
from planner.model.people import ProjectRecord, Suspension
from planner.model.records import Applied, RootRecord
from reconciler.api import find, views
from reconciler.api.stories import Story, one
from reconciler.core import Core
from reconciler.ports import RunQuery

__all__ = ["explain"]

_TICKS = 5
_HISTORY = 1000


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


async def explain(core: Core, name: str, *, digest: bool = False) -> dict[str, Json]:
    """Why operation `name` will or will not run; with `digest` also which fields moved.

    Raises:
        ApiError: there is no such operation.
    """
    record = await find.operation(core, name)
    case = await _case(core, record)
    reasons = list(_reasons(case))
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
        "nextTicks": views.next_ticks(record, case.force, case.now, _TICKS),
        "target": _generation(planned.commit, planned.digest) if planned else None,
        "applied": {**_generation(applied.commit, applied.digest), "generation": applied.number} if applied else None,
        "last": views.run_view(case.last, core.policy.identity) if case.last else None,
    }
    if digest:
        shown["digest"] = await _digest(core, record)
    return shown


async def _case(core: Core, record: RootRecord) -> _Case:
    planned, applied = record.planned, record.applied
    return _Case(
        record=record,
        project=await core.ledger.project(),
        target=await core.form(planned.form) if planned and planned.form else None,
        force=await core.form(applied.form) if applied and applied.form else None,
        last=await one(core, record.last) if record.last else None,
        waits=core.waits.get(record.name, ()),
        now=core.clock.now(),
    )


def _generation(commit: str, digest: str | None) -> dict[str, Json]:
    return {"commit": commit, "digest": digest}


def _reasons(case: _Case) -> Iterator[str]:
    yield from _blocking(case)
    yield from (f"{wait.key.run}: {views.sentence(wait)}" for wait in case.waits)
    yield from _resting(case)


def _blocking(case: _Case) -> Iterator[str]:
    record, planned = case.record, case.record.planned
    name = record.name
    if planned is None or planned.digest is None:
        yield "it is not in the repository any more" if planned else "no commit was planned for it yet"
    elif planned.hold is not None:
        since = views.instant(planned.hold.since)
        yield f"held since {since}: {planned.hold.reason}; plumbline approve {planned.hold.ident}"
    if planned is not None and planned.kept:
        yield f"it stays as it is: {planned.kept}"
    if case.target is not None and case.target.refused:
        yield f"refused: {case.target.refused}"
    yield from _suspensions(case, name)
    if record.down is not None:
        at = views.instant(record.down.at)
        yield f"down since {at}, {record.down.reason} by {record.down.by}; plumbline retry {name}, or commit a change"


def _suspensions(case: _Case, name: str) -> Iterator[str]:
    pairs: tuple[tuple[Suspension | None, str, str], ...] = (
        (case.record.suspended, "suspended", f"plumbline unsuspend {name}"),
        (case.project.suspended, "the whole project is suspended", "plumbline unsuspend"),
    )
    for suspension, words, release in pairs:
        if suspension is not None and views.is_suspended(suspension, case.now):
            until = f", until {views.instant(suspension.until)}" if suspension.until else ""
            yield f"{words} by {suspension.by} since {views.instant(suspension.since)}{until}; {release}"


def _resting(case: _Case) -> Iterator[str]:
    """What holds when nothing keeps it: it runs, it waits for its time, or it has done what was asked."""
    record, last = case.record, case.last
    if last is not None and not last.run.status.final and not case.waits:
        yield f"it runs: {last.run.key} is {last.status}"
    operation = case.force or case.target
    if operation is None or (record.planned is not None and record.planned.digest is None):
        return
    if operation.schedule is not None:
        ticks = views.next_ticks(record, operation, case.now, 1)
        yield f"it runs by its schedule, next at {ticks[0]}" if ticks else "its schedule has no tick left"
    elif operation.policy.run is RunPolicy.MANUAL:
        yield f"it runs when asked: plumbline run {record.name}"
    elif last is not None and last.run.status.final:
        yield _has_run(record, last)


def _has_run(record: RootRecord, last: Story) -> str:
    planned, applied = record.planned, record.applied
    if planned is not None and applied is not None and planned.digest == applied.digest:
        words = f"{last.run.key} {last.status}"
        again = f"plumbline run {record.name} runs it again"
        return f"it has run for what is in the repository ({words}); a change of its spec runs it again, or {again}"
    return f"its newest commit is to be applied; the last run was {last.run.key} ({last.status})"


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
