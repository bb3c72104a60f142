"""Which statuses a forge is told now: what is owed, within what that forge wants to hear.

A final state is always said. A pending one is not worth every request: not twice within a moment, not for ever, and
not for each of hundreds of operations of one commit, for which its aggregate speaks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from planner.model.commits import StatusRecord

__all__ = ["Budget", "Outbox", "sort_out"]


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a forge is told.

    Attributes:
        writes: of one context of a commit, before its final state; forges take a thousand in all, people read none.
        roots: operations that a commit may change for each to have a context of its own; beyond, the aggregate speaks.
        apart: least time between two pending states of one context.
    """

    writes: int = 20
    roots: int = 50
    apart: timedelta = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Outbox:
    """What becomes of statuses that are owed.

    Attributes:
        now: to be said, in this order.
        left_out: never to be said, as they stand.
        later: seconds until one that has to wait may be said; None where none waits.
    """

    now: tuple[StatusRecord, ...] = ()
    left_out: tuple[StatusRecord, ...] = ()
    later: float | None = None


def sort_out(owed: Sequence[StatusRecord], sizes: Mapping[str, int], now: datetime, budget: Budget | None) -> Outbox:
    """What of `owed` is said now.

    Args:
        owed: the newest of each context, oldest first.
        sizes: how many operations each commit changed; a commit that is not known is small.
        now: the current instant.
        budget: of the forge; None where it takes everything at once.
    """
    if budget is None:
        return Outbox(tuple(owed))
    said, left_out, waits = [], [], []
    for status in owed:
        if not status.writes and status.root and sizes.get(status.commit, 0) > budget.roots:
            left_out.append(status)
        elif status.state.final or not status.writes:
            said.append(status)
        elif status.writes >= budget.writes:
            left_out.append(status)
        elif (wait := _wait(status, now, budget)) > 0:
            waits.append(wait)
        else:
            said.append(status)
    # The aggregate first: it is what people wait for, and what merges wait for.
    said.sort(key=lambda status: (bool(status.writes) and not status.state.final, bool(status.root)))
    return Outbox(tuple(said), tuple(left_out), min(waits, default=None))


def _wait(status: StatusRecord, now: datetime, budget: Budget) -> float:
    """Seconds until it may be said again; a clock that was turned back waits once at most."""
    if status.told_at is None:
        return 0.0
    return min((status.told_at + budget.apart - now).total_seconds(), budget.apart.total_seconds())
