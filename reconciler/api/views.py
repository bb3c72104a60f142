"""What the API shows of records: JSON values with the same words everywhere. Pure; reads nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from planner.canon import Json, plain
from planner.desire.ticks import current, skip_suspended, upcoming
from planner.desire.view import Identity, Wait
from planner.model.artifacts import Artifacts, Copy
from planner.model.commits import CommitRecord, StatusRecord
from planner.model.desired import CompiledOperation, RunPolicy
from planner.model.people import Hold, Suspension
from planner.model.records import AttemptRecord, RootRecord, RunRecord
from planner.model.run import BoundRun
from planner.model.status import StopReason
from reconciler.api.stories import Story

__all__ = [
    "artifacts_view",
    "attempt_view",
    "bound_view",
    "commit_view",
    "copy_view",
    "digest_view",
    "down_view",
    "hold_view",
    "instant",
    "is_suspended",
    "next_ticks",
    "run_view",
    "sentence",
    "short_id",
    "state_word",
    "status_view",
    "suspension_view",
    "suspension_words",
    "wait_view",
]

View = dict[str, Json]


def instant(at: datetime | None) -> str | None:
    """An instant as text, in UTC, to the second."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if at is not None else None


def short_id(run: RunRecord, identity: Identity) -> str:
    """The id of a run for typing."""
    return run.key.short_id(identity.instance, identity.project)


def run_view(story: Story, identity: Identity) -> View:
    """One run in a list."""
    run, source = story.run, story.source
    last = source.last
    return {
        "key": str(run.key),
        "id": short_id(run, identity),
        "operation": run.root,
        "kind": run.kind,
        "status": str(story.status),
        "reason": run.reason or source.reason,
        "because": run.because,
        "commit": run.commit,
        "generation": run.generation,
        "openedAt": instant(run.opened_at),
        "startedAt": instant(source.started_at),
        # Of what was carried over the end is that of the run that did the work, as its start is.
        "finishedAt": instant(source.finished_at or run.finished_at),
        "attempts": source.attempt_count,
        "exitCode": last.exit_code if last else None,
        "ready": bool(last and last.live and last.ready),
        "carriedFrom": str(run.carried_from) if run.carried_from else None,
        "follows": str(run.follows) if run.follows else None,
        "cachedFrom": str(source.cached_from) if source.cached_from else None,
    }


def artifacts_view(left: Artifacts | None) -> View | None:
    """What a run left, in short."""
    if left is None:
        return None
    return {"names": list(left.names), "files": left.files, "size": left.size, "more": left.more}


def copy_view(copy: Copy | None) -> View | None:
    """The copy of it in the store; `storedAt` is null while it is still to be made."""
    if copy is None:
        return None
    made = {"files": copy.files, "size": copy.size, "left": copy.left}
    return {"store": copy.store, "storedAt": instant(copy.at), **made}


def attempt_view(attempt: AttemptRecord) -> View:
    """One attempt of a run."""
    return {
        "number": attempt.number,
        "intendedAt": instant(attempt.intended_at),
        "seenAt": instant(attempt.seen_at),
        "startedAt": instant(attempt.started_at),
        "readyAt": instant(attempt.ready_at),
        "endedAt": instant(attempt.ended_at),
        "exitCode": attempt.exit_code,
        "reason": str(attempt.reason) if attempt.reason else None,
        "message": attempt.message,
        "ports": list(attempt.leases.ports),
        "slots": {name: list(indexes) for name, indexes in attempt.leases.slots.items()},
        "images": dict(attempt.images),
        "drift": attempt.drift.words if attempt.drift else "",
        "stop": (
            {"reason": str(attempt.stop.reason), "by": attempt.stop.by, "at": instant(attempt.stop.at)}
            if attempt.stop
            else None
        ),
    }


def bound_view(bound: BoundRun) -> View:
    """What a run was started with."""
    return {
        "params": plain(bound.context.get("params", {})),
        "joins": [
            {"query": joined.query, "params": list(joined.names), "runs": [str(key) for key in joined.runs]}
            for joined in bound.joined
        ],
        "timeout": bound.timeout,
        "replicas": [
            {
                "role": replica.role,
                "count": replica.count,
                "image": replica.container.image,
                "command": [*replica.container.command, *replica.container.args],
                "resources": dict(replica.container.resources),
            }
            for replica in bound.gang.replicas
        ],
        "code": [{"source": tree.source, "id": tree.object_id, "target": tree.target} for tree in bound.gang.code],
    }


def hold_view(hold: Hold, roots: Iterable[str]) -> View:
    """Something that waits for a person."""
    return {
        "hold": hold.ident,
        "reason": hold.reason,
        "since": instant(hold.since),
        "operations": sorted(roots),
        "release": f"plumbline approve {hold.ident}",
    }


def suspension_view(suspension: Suspension | None) -> View | None:
    """A suspension, if there is one."""
    if suspension is None:
        return None
    return {"since": instant(suspension.since), "by": suspension.by, "until": instant(suspension.until)}


def wait_view(wait: Wait) -> View:
    """Why something does not start."""
    return {
        "run": str(wait.key),
        "reason": wait.reason,
        "since": instant(wait.since),
        "until": instant(wait.until),
        "release": wait.release,
        "text": sentence(wait),
    }


def sentence(wait: Wait) -> str:
    """The one form of every waiting message: waiting for X since T; do Y."""
    if wait.is_hold:
        return f"waiting for approval since {instant(wait.since)}: {wait.reason}; {wait.release}"
    until = f", until {instant(wait.until)}" if wait.until else ""
    release = f"; {wait.release}" if wait.release else ""
    return f"waiting for {wait.reason} since {instant(wait.since)}{until}{release}"


def commit_view(record: CommitRecord) -> View:
    """A planned commit."""
    return {
        "commit": record.ident,
        "branch": record.branch,
        "plannedAt": instant(record.at),
        "final": record.closed,
        "problems": record.problems,
        "firstProblem": record.first_problem,
        "changes": [{"operation": change.root, "what": str(change.what)} for change in record.changes],
    }


def status_view(status: StatusRecord) -> View:
    """One status of a commit."""
    return {
        "context": status.context,
        "operation": status.root,
        "state": str(status.state),
        "description": status.description,
        "at": instant(status.at),
        "posted": status.posted and not status.refused,
        "refused": status.refused or None,
    }


def down_view(record: RootRecord) -> View | None:
    """A service that somebody stopped, if it was: who, when, and what brings it back."""
    down = record.down
    if down is None:
        return None
    what = "deleted" if down.reason is StopReason.DELETED else "stopped"
    text = f"{what} by {down.by} since {instant(down.at)}; plumbline retry {record.name}"
    return {"by": down.by, "at": instant(down.at), "reason": str(down.reason), "text": text}


def suspension_words(suspension: Suspension, root: str) -> str:
    """Who suspended an operation, or the project when `root` is "", and what ends it."""
    until = f", until {instant(suspension.until)}" if suspension.until else ""
    what = "suspended" if root else "the whole project is suspended"
    release = f"plumbline unsuspend {root}".rstrip()
    return f"{what} by {suspension.by} since {instant(suspension.since)}{until}; {release}"


def next_ticks(
    record: RootRecord, operation: CompiledOperation | None, project: Suspension | None, now: datetime, count: int
) -> list[Json]:
    """The next instants at which the schedule in force fires: none that falls into its suspension or the project's."""
    if operation is None or operation.schedule is None:
        return []
    cursor, begin = record.cursor, now
    for suspension in (record.suspended, project):
        if suspension is None or not is_suspended(suspension, now):
            continue
        if suspension.until is None:
            return []
        begin = max(begin, suspension.until)
    if begin > now:
        # As it will be recorded when the suspension has ended, unless a person lifts it before.
        cursor = skip_suspended(operation.schedule, current(operation.schedule, cursor, now), begin)
    return [instant(at) for at in upcoming(operation.schedule, cursor, begin, count)]


def state_word(record: RootRecord, operation: CompiledOperation | None, last: Story | None, now: datetime) -> str:
    """One word on an operation: what a person wants to know first."""
    if word := _exceptional(record, operation, now):
        return word
    if last is not None and not last.run.status.final:
        return _live_word(last)
    if operation is not None and (operation.schedule is not None or operation.by_events):
        return _waiting_word(operation) if record.in_force else "pending"
    if last is not None:
        return str(last.status)
    if operation is not None and operation.policy.run is RunPolicy.MANUAL:
        return "manual"
    return "in force" if record.in_force else "pending"


def _waiting_word(operation: CompiledOperation) -> str:
    return "scheduled" if operation.schedule is not None else "listening"


def _exceptional(record: RootRecord, operation: CompiledOperation | None, now: datetime) -> str:
    planned = record.planned
    if planned is None:
        return "unknown"
    if planned.hold is not None:
        return "held"
    if planned.digest is None:
        return "removing" if record.open else "removed"
    if operation is not None and operation.refused:
        return "refused"
    if is_suspended(record.suspended, now):
        return "suspended"
    return "down" if record.down is not None else ""


def is_suspended(suspension: Suspension | None, now: datetime) -> bool:
    """Whether a suspension holds now."""
    return suspension is not None and (suspension.until is None or suspension.until > now)


def _live_word(story: Story) -> str:
    last = story.source.last
    if story.run.kind == "service" and last is not None and last.live and last.ready:
        return "ready"
    return str(story.status)


def digest_view(changes: Iterable[object]) -> list[Json]:
    """Fields that moved, as plain values."""
    return [plain(change) for change in changes]
