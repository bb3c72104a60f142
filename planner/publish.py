"""What commits say (design: "Which commit says what").

A commit's statuses tell what the commit caused: one per root that it was the first planned one to change, and one
aggregate, pending until each is final. Superseded roots turn final. Later ticks say nothing on the commit.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from planner.desire.event import refs_of
from planner.desire.generation import is_owed
from planner.desire.nodes import effective, newest
from planner.desire.ticks import upcoming
from planner.desire.view import Draft
from planner.going import Said, said_of
from planner.keys import Key
from planner.model.commits import CommitRecord, StatusRecord, StatusState, What
from planner.model.desired import CompiledOperation, RunPolicy
from planner.model.facts import StatusChanged
from planner.model.records import Report, RunRecord
from planner.model.status import RunStatus

__all__ = ["DESCRIPTION_LIMIT", "Said", "aggregate", "context_of", "preview_context", "report"]

DESCRIPTION_LIMIT = 140
"""Characters that the strictest forge takes for a status."""


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
        return said_of(draft, waiting, run)
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
    return said_of(draft, waiting, run)


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


def _story(draft: Draft, key: Key | None) -> RunRecord | None:
    top = draft.run(key) if key is not None else None
    if top is None:
        return None
    return effective(draft, newest(draft, top))
