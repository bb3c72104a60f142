"""Noting which roots rest, a little after their plans and many together: nobody waits for it.

What was not noted when the daemon ended is planned when it starts, so nothing depends on it but the length of a start.
Whether a root rests is planned (`planner.desire.resting`); this module decides nothing.
"""

from __future__ import annotations

from planner.plan import RootPlan
from reconciler.core import Core
from reconciler.ports import Rest

__all__ = ["keep", "note"]

_TOGETHER = 2.0
"""Seconds in which what rests becomes one transaction."""
_MOST = 500
"""Roots that one transaction notes, so that others have their turn."""


def note(core: Core, plan: RootPlan) -> None:
    """Take down whether the root of a plan that was recorded just now rests."""
    name = plan.state.record.name
    if not plan.rests or not core.edition:
        core.rests.pop(name, None)
        return
    core.rests[name] = Rest(plan.state.record, plan.wake_at)
    core.queue.add("rests", _TOGETHER)


async def keep(core: Core) -> None:
    """Have the ledger know what was taken down.

    Raises:
        Transient: it cannot be recorded now; it is kept in mind.
    """
    while core.rests:
        names = list(core.rests)[:_MOST]
        found = {name: core.rests.pop(name) for name in names}
        try:
            await core.ledger.rest(tuple(found.values()), core.edition)
        except BaseException:
            core.rests = {**found, **core.rests}
            raise
