"""The state of everything, of a commit and of runs, as values for people and programs. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from planner.canon import Json
from planner.keys import Key
from planner.model.desired import CompiledOperation
from planner.model.people import Suspension
from planner.model.records import RootRecord, RunRecord
from planner.model.status import RunStatus
from reconciler.admission import waits_of
from reconciler.api import backfills, find, listeners, problems, sweeps, views
from reconciler.api.health import unwritable
from reconciler.api.sleeping import asleep, sleep_words
from reconciler.api.stories import ALL, Story, breadth, node_keys, one, recorded, story_of, tell, with_begun
from reconciler.api.version import version
from reconciler.core import Core
from reconciler.elected import election_view
from reconciler.loop import Loop
from reconciler.ports import RunQuery

__all__ = ["commit_status", "newest_commits", "project_status", "run_detail"]


async def project_status(core: Core, loop: Loop, url: str) -> dict[str, Json]:
    """The project, its repository, and every operation that is or is being removed."""
    now = core.clock.now()
    project = await core.ledger.project()
    records = await core.ledger.roots()
    head = await core.ledger.commit(project.head) if project.head else None
    tops = {key for record in records.values() for key in (*record.open, record.last) if key is not None}
    told = {key: await with_begun(core, story) for key, story in (await tell(core, tops)).items()}
    shown = [await _root(core, record, told, project.suspended) for record in records.values() if not _is_gone(record)]
    return {
        "version": version(),
        "project": core.policy.identity.project,
        "instance": core.policy.identity.instance,
        "repository": url,
        "branch": core.policy.branch,
        "head": project.head,
        "problems": head.problems if head else 0,
        "firstProblem": head.first_problem if head else "",
        "source": source_view(loop, now),
        "ledger": {"failing": await unwritable(core)},
        "election": election_view(core.election) if core.election is not None else None,
        "draining": core.draining,
        "suspended": views.suspension_view(project.suspended),
        "holds": _holds(records, loop.observer.lost),
        "warnings": [*core.policy.warnings, *loop.stuck],
        "operations": shown,
    }


def source_view(loop: Loop, now: datetime) -> dict[str, Json]:
    """How fresh what is known of the repository is: since when what is planned is its head, and what fails if not.

    Also when a webhook came last, and from which kind of forge.
    """
    commits = loop.commits
    age = (now - commits.seen_at).total_seconds() if commits.seen_at else None
    return {
        "seenAt": views.instant(commits.seen_at),
        "ageSeconds": round(age, 1) if age is not None else None,
        "answeredAt": views.instant(commits.answered_at),
        "answers": commits.answers,
        "failing": commits.failing,
        "webhookAt": views.instant(loop.hints.heard_at),
        "webhookOf": loop.hints.heard_of,
    }


def _is_gone(record: RootRecord) -> bool:
    planned = record.planned
    return planned is None or (planned.digest is None and planned.hold is None and not record.open)


def _holds(records: Mapping[str, RootRecord], lost: str) -> list[Json]:
    by_ident: dict[str, list[str]] = {}
    holds = {}
    for name, record in records.items():
        for hold in record.holds:
            by_ident.setdefault(hold.ident, []).append(name)
            holds[hold.ident] = hold
    found: list[Json] = [views.hold_view(hold, by_ident[ident]) for ident, hold in sorted(holds.items())]
    if lost:
        found.append(
            {"hold": "lost", "reason": lost, "since": None, "operations": [], "release": "plumbline approve lost"}
        )
    return found


async def _root(
    core: Core, record: RootRecord, told: Mapping[Key, Story], suspended: Suspension | None
) -> dict[str, Json]:
    planned, applied, now = record.planned, record.applied, core.clock.now()
    target = await core.form(planned.form) if planned and planned.form else None
    force = await _in_force(core, record, target)
    last = told.get(record.last) if record.last else None
    identity = core.policy.identity
    sleeps, word = asleep(record, last), views.state_word(record, target, last, now)
    why = _why(core, record, target) or (sleep_words(record, last) if last is not None and sleeps else "")
    why = why or (last.trouble if last is not None else "")
    why = why or (await sweeps.standing_of(core, last.run) if last is not None else "")
    return {
        "operation": record.name,
        "kind": target.kind if target else (last.run.kind if last else ""),
        "state": "asleep" if sleeps and word == str(RunStatus.STOPPED) else word,
        "path": planned.path if planned else "",
        "commit": planned.commit if planned else "",
        "inForce": bool(applied and planned and applied.digest == planned.digest),
        "kept": planned.kept if planned else "",
        "refused": target.refused if target else "",
        "generation": applied.number if applied else 0,
        "appliedCommit": applied.commit if applied else "",
        "hold": planned.hold.ident if planned and planned.hold else None,
        "down": views.down_view(record),
        "suspended": views.suspension_view(record.suspended),
        "nextTick": next(iter(views.next_ticks(record, force, suspended, now, 1)), None),
        "waits": [views.wait_view(wait) for wait in waits_of(core, record.name)],
        "why": why,
        "open": [views.run_view(told[key], identity) for key in record.open if key in told],
        "last": views.run_view(last, identity) if last else None,
        "ports": dict(record.ports),
        "backfills": backfills.backfills_view(record, [told[key].node for key in record.open if key in told]),
    }


async def _in_force(core: Core, record: RootRecord, target: CompiledOperation | None) -> CompiledOperation | None:
    """The form in force: of the newest commit where its digest is applied, as its live fields count at once."""
    planned, applied = record.planned, record.applied
    if applied is None or applied.digest is None:
        return None
    if planned is not None and planned.digest == applied.digest:
        return target
    return await core.form(applied.form)


def _why(core: Core, record: RootRecord, target: CompiledOperation | None) -> str:
    """Why it does not do more than it does, in one sentence with who and what to do; "" when nothing keeps it."""
    if target is not None and target.refused:
        return f"refused: {target.refused}"
    if waits := waits_of(core, record.name):
        return views.sentence(waits[0])
    if record.suspended is not None and views.is_suspended(record.suspended, core.clock.now()):
        return views.suspension_words(record.suspended, record.name)
    if down := views.down_view(record):
        return str(down["text"])
    if stalled := next((words for key, words in core.stalled.items() if key.top in record.open), ""):
        return f"its start is tried again: {stalled}"
    return record.planned.kept if record.planned else ""


async def commit_status(core: Core, prefix: str) -> dict[str, Json]:
    """What a planned commit says, as a whole and for each operation that it was the first to change.

    Raises:
        ApiError: no such commit was planned.
    """
    ident = await find.commit(core, prefix)
    record = await core.ledger.commit(ident)
    if record is None:
        raise problems.missing(f"commit {ident[:10]} was not planned; only commits that were the branch's head are")
    statuses = await core.ledger.statuses(ident)
    whole = next((status for status in statuses if status.is_aggregate), None)
    return {
        **views.commit_view(record),
        "state": str(whole.state) if whole else "pending",
        "description": whole.description if whole else "",
        "statuses": [views.status_view(status) for status in statuses],
    }


async def newest_commits(core: Core, limit: int) -> dict[str, Json]:
    """The newest planned commits, each with what it says as a whole."""
    found: list[Json] = []
    for record in await core.ledger.commits(limit):
        whole = next((status for status in await core.ledger.statuses(record.ident) if status.is_aggregate), None)
        said = (str(whole.state), whole.description) if whole else ("pending", "")
        found.append({**views.commit_view(record), "state": said[0], "description": said[1]})
    return {"commits": found}


async def run_detail(core: Core, name: str, window: slice = ALL) -> dict[str, Json]:
    """Everything about one run; of its nodes those in `window`.

    Raises:
        ApiError: nothing fits `name`, or more than one run does.
    """
    found = await find.run(core, name)
    assert found.run is not None
    run, identity = found.run, core.policy.identity
    story = await story_of(core, run)
    bound = await core.bound(story.source.bound) if story.source.bound else None
    below = await node_keys(core, run)
    nodes = await recorded(core, below[window])
    return {
        **views.run_view(story, identity),
        "attemptList": [views.attempt_view(attempt) for attempt in story.source.attempts],
        "outputs": dict(story.source.outputs),
        "metrics": dict(story.source.newest_metrics),
        "artifacts": views.artifacts_view(story.source.artifacts),
        "copy": views.copy_view(story.source.copy),
        "trial": await _trial(core, run),
        "stop": {"by": run.stop.by, "reason": str(run.stop.reason)} if run.stop else None,
        "rounds": dict(run.rounds),
        "newestRound": str(newest.run.key) if (newest := await one(core, run.key)) else str(run.key),
        "waits": [views.wait_view(wait) for wait in waits_of(core, run.root) if wait.key.top == run.key.top],
        "bound": views.bound_view(bound) if bound else None,
        "event": listeners.event_view(run.event),
        "nodeCount": len(below),
        "breadth": await breadth(core, run),
        "nodes": [{"node": "/".join(key.place), **views.run_view(node, identity)} for key, node in nodes.items()],
    }


async def _trial(core: Core, run: RunRecord) -> Json:
    """What its sweep made a trial with, in whichever round; None for what is no trial."""
    found = run.suggestion
    if found is None and run.key.round:
        first = await core.ledger.runs(RunQuery(keys=(run.key.node,)))
        found = first[0].suggestion if first else None
    return None if found is None else {"params": dict(found.params), "from": found.origin}
