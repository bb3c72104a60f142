"""What people are told of runs: from two states of a root to the notices that are owed. Pure.

The shell asks within the transaction that records a status: a notice is owed exactly when the status is durable.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime

from planner.fold import RootState
from planner.happenings import came_to
from planner.keys import Key
from planner.model.desired import CompiledOperation, Dag
from planner.model.events import ident_of
from planner.model.notices import Notice, Notification, notifications
from planner.model.records import RunRecord

__all__ = ["Told", "notices", "told_of"]

Told = Mapping[tuple[str, ...], tuple[Notification, ...]]
"""The notifications of an operation and of its nodes, by place; places without one are left out."""


def told_of(operation: CompiledOperation) -> Told:
    """Who is told of what below an operation."""
    return dict(_told(operation, ()))


def _told(
    operation: CompiledOperation, place: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], tuple[Notification, ...]]]:
    said = notifications(operation.sections.get("plugins"))
    if said:
        yield place, said
    if isinstance(operation.body, Dag):
        for node in operation.body.nodes:
            yield from _told(node.operation, (*place, node.operation.name))


def notices(
    before: RootState, after: RootState, keys: Collection[Key], told: Callable[[RunRecord], Told], now: datetime
) -> Iterator[Notice]:
    """The notices that are owed for what runs have come to between two states.

    Args:
        before: the root.
        after: it, once something is recorded.
        keys: runs that may have changed.
        told: who is told of a run's operation and its nodes.
        now: when that is.
    """
    for key in sorted(keys):
        run, had = after.runs.get(key), before.runs.get(key)
        if run is None or run.carried_from is not None:
            continue
        wanted = told(run).get(key.place, ())
        if not wanted:
            continue
        new = came_to(run, after, had, before)
        for one in wanted:
            if one.trigger in new:
                yield from (_notice(after.record.name, run, one.trigger, name, now) for name in one.connections)


def _notice(root: str, run: RunRecord, trigger: str, connection: str, now: datetime) -> Notice:
    rounds = max(run.rounds.values(), default=0)
    return Notice(
        ident=ident_of("notice", str(run.key), str(rounds), trigger, connection),
        connection=connection,
        root=root,
        key=run.key,
        kind=run.kind,
        trigger=trigger,
        status=str(run.status),
        reason=run.reason,
        because=run.because,
        commit=run.commit,
        at=now,
    )
