"""What happened, and who listens: from facts and the roots' subscriptions to the facts that tell them.

Pure. The shell asks within the transaction that records what happened, so that an event is told exactly when it
became one. Ids are made of what happened, so that it is the same event whoever finds it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime

from planner import canon
from planner.canon import Json
from planner.desire.nodes import entered
from planner.fold import RootState
from planner.model.events import REPOSITORY, RUNS, OutsideEvent, Subscription, ident_of
from planner.model.facts import Fact, Happened, Received
from planner.model.records import RunRecord
from planner.model.status import RunStatus
from planner.spec import globs

__all__ = ["LARGEST_DATA", "Listeners", "came_to", "of_commit", "of_runs", "reached", "told", "woken"]

LARGEST_DATA = 64 * 1024
"""Bytes of an event's data as JSON: outputs beyond are left out, as the run has them."""

_KIND = "run_status_"
_COMMIT = "connection_git_commit"
_MOST_PATHS = 100
"""Paths that the event of a commit names."""

Listeners = Mapping[str, tuple[Subscription, ...]]
"""What each root listens to, by name."""


def told(event: OutsideEvent, listeners: Listeners, paths: Collection[str] | None = None) -> Iterator[Fact]:
    """The facts that tell `event` to everybody who listens; none where nobody does.

    Args:
        event: it.
        listeners: who listens to what.
        paths: of a commit, what it touches.
    """
    roots = [
        name for name, subscriptions in listeners.items() if any(_hears(one, event, paths) for one in subscriptions)
    ]
    if roots:
        yield Received(event, event.at)
        yield from (Happened(root, event, event.at) for root in sorted(roots))


def _hears(subscription: Subscription, event: OutsideEvent, paths: Collection[str] | None) -> bool:
    if subscription.ref != event.ref or event.kind not in subscription.kinds:
        return False
    return paths is None or not subscription.paths or any(_fits(subscription, path) for path in paths)


def woken(listeners: Listeners, paths: Collection[str]) -> Iterator[str]:
    """Whom a commit that touches `paths` wakes, for people: a sentence each."""
    for name, subscriptions in sorted(listeners.items()):
        for one in subscriptions:
            if one.ref != REPOSITORY or _COMMIT not in one.kinds:
                continue
            found = sorted(path for path in paths if _fits(one, path))
            if found:
                more = f" and {len(found) - 1:,} more" if len(found) > 1 else ""
                listens = f"{', '.join(one.paths)}; it touches" if one.paths else "every commit; it touches"
                yield f"wakes {name}: its event listens to {listens} {found[0]}{more}"
                break


def _fits(subscription: Subscription, path: str) -> bool:
    return not subscription.paths or any(globs.matches(glob, path) for glob in subscription.paths)


# Runs


def of_runs(before: RootState, after: RootState, kinds: Collection[str], now: datetime) -> Iterator[OutsideEvent]:
    """The statuses that tops of a root have come to between two states of it.

    Args:
        before: its state.
        after: its state once something is recorded.
        kinds: those that somebody listens to: of others nothing is made.
        now: when that is.
    """
    name = after.record.name
    for key, run in after.runs.items():
        had = before.runs.get(key)
        # A hook is no run of the operation, and what is carried over was told when it happened.
        if key.place or run.follows is not None or run.carried_from is not None:
            continue
        if run.event is not None and run.event.is_circle(name):  # it was skipped, and its end would go on with it
            continue
        if had is run and not run.is_parent:  # of a DAG it may be a node that went on
            continue
        for status in sorted(came_to(run, after, had, before)):
            if _KIND + status in kinds:
                yield _of_run(name, run, status, now)


def reached(run: RunRecord, state: RootState) -> frozenset[str]:
    """Statuses that a top has been in; `done` is any end."""
    been = entered(run)
    if run.is_parent and any(other.attempts and other.key.top == run.key.top for other in state.runs.values()):
        been |= {str(RunStatus.PROCESSING)}
    return been | {"done"} if run.status.final else been


def came_to(run: RunRecord, after: RootState, had: RunRecord | None, before: RootState) -> frozenset[str]:
    """Statuses that a run has been in since another state, in which it was `had`.

    A DAG may leave its end by a round and come to the same end at once: that is another one. A round of anything else
    is a record of its own.
    """
    if had is None:
        return reached(run, after)
    been = reached(had, before)
    if run.is_parent and had.status.final and had.rounds != run.rounds:
        been -= {str(had.status), "done"}
    return reached(run, after) - been


def _of_run(name: str, run: RunRecord, status: str, now: datetime) -> OutsideEvent:
    # A DAG leaves its end by a recorded round, and may come to it again.
    rounds = max(run.rounds.values(), default=0)
    data: dict[str, Json] = {
        "run": str(run.key),
        "operation": name,
        "status": str(run.status),
        "reason": run.reason,
        "commit": run.commit,
        "outputs": dict(run.outputs),
    }
    if len(canon.dumps(data)) > LARGEST_DATA:
        data["outputs"] = {}
    return OutsideEvent(
        ident=ident_of("run", str(run.key), str(rounds), status),
        kind=_KIND + status,
        ref=RUNS + name,
        at=now,
        data=data,
        about=str(run.key),
        chain=(*(run.event.chain if run.event is not None else ()), name),
    )


# Commits


def of_commit(commit: str, before: str, touched: Iterable[str], now: datetime) -> OutsideEvent:
    """The event of a commit that came after `before` on the branch that is followed."""
    paths = sorted(touched)
    return OutsideEvent(
        ident=ident_of("commit", commit),
        kind=_COMMIT,
        ref=REPOSITORY,
        at=now,
        data={"commit": commit, "before": before, "paths": paths[:_MOST_PATHS], "touched": len(paths)},
        about=f"commit {commit[:10]}",
    )
