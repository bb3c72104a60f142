"""Queues as values: what each may hold, who holds it, and who waits in which order. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from planner.canon import Json
from planner.compile.amounts import plain
from planner.desire.view import Wait
from planner.line import DEFAULT, queue_name
from planner.model.records import Claim
from planner.room import Limits, amounts_of_claim, used_of
from reconciler.admission import Door
from reconciler.api import problems, views
from reconciler.core import Core

__all__ = ["all_queues", "one_queue"]

_LONGEST = 100
"""How many of those who wait `all_queues` lists of each queue; `one_queue` lists all of them."""


async def all_queues(core: Core, door: Door) -> dict[str, Json]:
    """Every queue that is configured, or that something is in, with the first of those who wait."""
    shown = await _shown(core, door)
    return {"queues": [{**queue, "waiting": queue["waiting"][:_LONGEST]} for queue in shown.values()]}  # type: ignore[index]


async def one_queue(core: Core, door: Door, name: str) -> dict[str, Json]:
    """One queue with everybody who waits in it.

    Raises:
        ApiError: there is no such queue.
    """
    shown = await _shown(core, door)
    if name not in shown:
        raise problems.missing(f"there is no queue `{name[:80]}`; there is {', '.join(sorted(shown))}")
    return shown[name]


async def _shown(core: Core, door: Door) -> dict[str, dict[str, Json]]:
    limits, granted = core.policy.limits, await door.granted()
    claims: dict[str, list[Claim]] = {}
    for claim in await core.ledger.claims():
        claims.setdefault(queue_name(claim.queue), []).append(claim)
    names = sorted({DEFAULT, *limits.queues, *core.line.queues, *claims})
    found: dict[str, dict[str, Json]] = {}
    for name in sorted(names, key=lambda name: (-limits.of(name).priority, name)):
        waits = granted.waits(core.line.waiting(name))
        held = claims.get(name, [])
        # Whose turn it is now is looked at in a moment, and waits until then.
        found[name] = _view(name, limits, held, [_waiting(at, wait) for at, wait in enumerate(waits, 1)])
    return found


def _view(name: str, limits: Limits, held: list[Claim], waiting: list[Json]) -> dict[str, Json]:
    limit = limits.of(name)
    used = used_of(held, limit)
    return {
        "queue": name,
        "configured": name in limits.queues,
        "priority": limit.priority,
        "runs": {"limit": limit.runs, "used": len(held)},
        "resources": {
            resource: {"limit": plain(most), "used": plain(used[resource])}
            for resource, most in sorted(limit.resources.items())
        },
        "held": [_held(claim) for claim in held],
        "waitingCount": len(waiting),
        "waiting": waiting,
    }


def _held(claim: Claim) -> dict[str, Json]:
    slots: Mapping[str, tuple[int, ...]] = claim.leases.slots
    return {
        "run": str(claim.key.run),
        "attempt": claim.key.attempt,
        "operation": claim.root,
        "amounts": {name: plain(one) for name, one in amounts_of_claim(claim).items() if one != Decimal(0)},
        "slots": {name: list(indexes) for name, indexes in slots.items() if indexes},
    }


def _waiting(position: int, wait: Wait) -> dict[str, Json]:
    return {
        "position": position,
        "run": str(wait.key),
        "reason": wait.reason,
        "since": views.instant(wait.since),
    }
