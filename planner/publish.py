"""What commits say (design: "Which commit says what").

A commit's statuses tell what the commit caused: one per root that it was the first planned one to change, and one
aggregate, pending until each is final. Superseded roots turn final. Later ticks say nothing on the commit.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from planner.desire.event import refs_of
from planner.desire.generation import is_owed
from planner.desire.nodes import effective, newest
from planner.desire.ticks import upcoming
from planner.desire.view import Draft
from planner.fold.own import below
from planner.keys import Key
from planner.model.commits import CommitRecord, StatusRecord, StatusState, What
from planner.model.desired import CompiledOperation, RunPolicy
from planner.model.facts import StatusChanged
from planner.model.records import Report, RunRecord
from planner.model.status import RunStatus

__all__ = ["DESCRIPTION_LIMIT", "Said", "aggregate", "context_of", "preview_context", "report"]

DESCRIPTION_LIMIT = 140
"""Characters that the strictest forge takes for a status."""


@dataclass(frozen=True, slots=True)
class Said:
    """State and description of a status."""

    state: StatusState
    description: str


def context_of(instance: str, root: str = "") -> str:
    """The context of a root's status, or of the aggregate."""
    return f"plumbline/{instance}/{root}" if root else f"plumbline/{instance}"


def preview_context(instance: str) -> str:
    """The context of what merging a pull request would do, on its head."""
    return f"plumbline-plan/{instance}"


def report(draft: Draft) -> None:
    """Record what this root makes each waiting commit say, where that is new."""
    context = context_of(draft.view.identity.instance, draft.name)
    for waiting in draft.state.record.reports:
        said = _said(draft, waiting)
        description = shorten(said.description)
        if f"{said.state}: {description}" != waiting.said:
            draft.add(StatusChanged(draft.name, waiting.commit, context, said.state, description, draft.now))


def aggregate(
    commit: CommitRecord,
    statuses: Sequence[StatusRecord],
    instance: str,
    now: datetime,
    waits: Collection[str] = (),
) -> StatusChanged:
    """What the commit as a whole says, from its roots' statuses.

    Args:
        commit: the planned commit.
        statuses: all statuses of the commit that are known; the aggregate's own is passed over.
        instance: whose contexts they are.
        now: instant of the fact.
        waits: of a commit that is planned again, the roots that it changed again and waits for: what they said is of
            the time before.
    """
    roots = {status.root: status for status in statuses if status.root}
    expected = {change.root for change in commit.changes}
    done = [roots[name] for name in expected.difference(waits) if name in roots and roots[name].state.final]
    failed = sorted(status.root for status in done if status.state in {StatusState.FAILURE, StatusState.ERROR})
    pending = len(expected) - len(done)
    state, text = _aggregate(commit, failed, pending, len(expected))
    return StatusChanged("", commit.ident, context_of(instance), state, shorten(text), now)


def _aggregate(commit: CommitRecord, failed: list[str], pending: int, total: int) -> tuple[StatusState, str]:
    problems = ""
    if commit.problems:
        count = f"{commit.problems} problem{'s' if commit.problems > 1 else ''}"
        problems = f"{count}: {commit.first_problem}"
    if pending:
        words = [f"{total - pending} of {total} done"]
        if failed:
            words.append(f"failed: {', '.join(failed)}")
        if problems:
            words.append(problems)
        return StatusState.PENDING, "; ".join(words)
    if problems or failed:
        words = [f"failed: {', '.join(failed)}"] if failed else []
        return StatusState.FAILURE, "; ".join([problems, *words] if problems else words)
    if not total:
        return StatusState.SUCCESS, "nothing changed"
    return StatusState.SUCCESS, f"{total} operation{'s' if total > 1 else ''} done"


def shorten(text: str) -> str:
    """`text` within `DESCRIPTION_LIMIT` characters, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= DESCRIPTION_LIMIT else line[: DESCRIPTION_LIMIT - 1] + "…"


def _said(draft: Draft, waiting: Report) -> Said:
    planned = draft.state.record.planned
    # A live change is done as it is planned; one that had to wait is a run that it owes.
    owes = waiting.what is not What.LIVE or bool(waiting.said)
    if planned is not None and planned.commit != waiting.commit and owes:
        return _superseded(draft, waiting, planned.commit)
    match waiting.what:
        case What.REMOVED:
            return _removed(draft)
        case What.LIVE:
            return _live(draft, waiting)
        case What.RENAMED:
            return Said(StatusState.SUCCESS, "renamed; everything carried over")
        case What.INVALID:
            return Said(StatusState.FAILURE, "its file has problems; the last good form stays in force")
        case What.ADDED | What.CHANGED:
            return _changed(draft, waiting)


def _superseded(draft: Draft, waiting: Report, by: str) -> Said:
    run = _story(draft, waiting.key)
    if run is not None and run.status in {RunStatus.SUCCEEDED, RunStatus.FAILED}:
        return _of_run(draft, waiting, run)
    if run is not None and not run.status.final and run.alive and run.kind != "service":
        word = "stopping" if run.status is RunStatus.STOPPING else "finishes"
        return Said(StatusState.PENDING, f"{word}; superseded by {by[:10]}")
    return Said(StatusState.SUPERSEDED, f"superseded by {by[:10]}")


def _live(draft: Draft, waiting: Report) -> Said:
    if (held := _held_back(draft)) is not None:
        return held
    if waiting.key is not None or is_owed(draft):
        # Only live fields changed, and with them that it runs by itself.
        return _changed(draft, waiting)
    operation = draft.in_force()
    if operation is not None and operation.refused:
        return Said(StatusState.FAILURE, f"refused: {operation.refused}")
    if operation is not None and operation.schedule is not None:
        return _scheduled(draft, operation)
    return Said(StatusState.SUCCESS, "applied to what lives; no new run")


def _held_back(draft: Draft) -> Said | None:
    """That the target waits for a person; None where it does not."""
    hold = draft.state.record.planned.hold if draft.state.record.planned is not None else None
    if hold is None:
        return None
    return Said(StatusState.PENDING, f"held: {hold.reason}; plumbline approve {hold.ident}")


def _removed(draft: Draft) -> Said:
    record = draft.state.record
    applied = record.applied
    if (held := _held_back(draft)) is not None:
        return held
    alive = sum(run.alive for run in draft.state.runs.values())
    if alive or (applied is not None and applied.digest is not None):
        return Said(StatusState.PENDING, f"removed; {alive} still stopping" if alive else "being removed")
    return Said(StatusState.SUCCESS, "removed; nothing of it is running")


def _changed(draft: Draft, waiting: Report) -> Said:
    record = draft.state.record
    planned, applied = record.planned, record.applied
    if (held := _held_back(draft)) is not None:
        return held
    if planned is None or applied is None or applied.digest != planned.digest or is_owed(draft):
        wait = next((wait for wait in draft.waits), None)
        return Said(StatusState.PENDING, f"waits for {wait.reason}" if wait else "planned")
    operation = draft.form(planned.form)
    if operation is None:
        return Said(StatusState.PENDING, "planned")
    if operation.refused:
        return Said(StatusState.FAILURE, f"refused: {operation.refused}")
    if operation.schedule is not None:
        return _scheduled(draft, operation)
    if operation.by_events:
        return Said(StatusState.SUCCESS, f"waits for events of {', '.join(refs_of(operation)) or 'nobody'}")
    if operation.policy.run is RunPolicy.MANUAL:
        return Said(StatusState.SUCCESS, f"waits for plumbline run {draft.name}")
    # A commit that reverts to what is in force has no run of its own, one that is a baseline none at all.
    run = _story(draft, waiting.key or _serving(draft, operation) or applied.key)
    if run is None or (waiting.key is None and run.status is RunStatus.SUCCEEDED):
        return Said(StatusState.SUCCESS, "in force already")
    return _of_run(draft, waiting, run)


def _serving(draft: Draft, operation: CompiledOperation) -> Key | None:
    """The top that serves now, which a person may have asked for: it speaks for a commit without a run of its own."""
    return draft.state.record.open[-1] if operation.kind == "service" and draft.state.record.open else None


def _scheduled(draft: Draft, operation: CompiledOperation) -> Said:
    cursor = draft.state.record.cursor
    if operation.schedule is None or cursor is None:
        return Said(StatusState.PENDING, "planned")
    following = upcoming(operation.schedule, cursor, draft.now, 1)
    if not following:
        return Said(StatusState.SUCCESS, "scheduled, no tick is left")
    return Said(StatusState.SUCCESS, f"scheduled, next {following[0]:%Y-%m-%d %H:%M} UTC")


def _of_run(draft: Draft, waiting: Report, run: RunRecord) -> Said:
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
    top = draft.run(run.key.top)
    found = below(draft.state.runs, run.key.top)
    keys = [key for key in found if key.round == (top.round_of(key.place) if top is not None else 0)]
    children = [draft.state.runs[key] for key in keys]
    alive = sorted(child.key.place[-1] for child in children if effective(draft, child).alive)
    if not alive and (held or waits):
        return held or waits
    ended = sum(effective(draft, child).status.final for child in children)
    return f"running: {', '.join(alive) or 'between nodes'}; {ended} ended"


def _story(draft: Draft, key: Key | None) -> RunRecord | None:
    top = draft.run(key) if key is not None else None
    if top is None:
        return None
    return effective(draft, newest(draft, top))


def _took(run: RunRecord) -> str:
    if run.started_at is None or run.finished_at is None:
        return ""
    seconds = max((run.finished_at - run.started_at).total_seconds(), 0)
    return f" in {seconds:.0f} s" if seconds < 120 else f" in {seconds / 60:.0f} min"
