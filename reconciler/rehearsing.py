"""Asking the backend what would become of what a plan would start. Nothing is recorded and nothing is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import anyio

from planner.compile.bind import BindError, finish_run
from planner.model.plan import Rehearsed
from planner.model.run import BoundRun, Leases, Stamp
from reconciler.core import Core
from reconciler.errors import Refused, Transient
from reconciler.ports import Order
from reconciler.ports_rehearse import Rehearsal, Rehearsing
from reconciler.producers import with_folders

__all__ = ["rehearsed"]

MOST = 50
"""Runs of a plan that are asked for; of more it is only said that they were not."""
AT_ONCE = 4


async def rehearsed(core: Core, starts: Mapping[str, Sequence[BoundRun]]) -> dict[str, Sequence[Rehearsed]]:
    """What the backend says of each run that would start, by operation.

    Raises:
        Refused: there is nothing that could be asked.
    """
    backend = core.backend
    if not isinstance(backend, Rehearsing):
        raise Refused("runs of this daemon are processes of its machine: there is no cluster that could be asked")
    identity = core.policy.identity
    stamp = Stamp(core.ledger.ident, await core.ledger.sequence(), identity.instance, identity.project)
    listed = [(name, run) for name, runs in sorted(starts.items()) for run in runs]
    found: dict[tuple[str, str], Rehearsed] = {}
    room = anyio.CapacityLimiter(AT_ONCE)

    async def ask(name: str, run: BoundRun) -> None:
        async with room:
            found[name, str(run.key)] = await _one(core, backend.rehearsal, run, stamp)

    async with anyio.create_task_group() as group:
        for name, run in listed[:MOST]:
            group.start_soon(ask, name, run)
    for name, run in listed[MOST:]:
        words = f"only the first {MOST} runs of a plan are asked for"
        found[name, str(run.key)] = Rehearsed(str(run.key), "", unknown=(words,))
    return {name: [found[name, str(run.key)] for run in runs] for name, runs in starts.items()}


async def _one(core: Core, rehearsal: Rehearsal, run: BoundRun, stamp: Stamp) -> Rehearsed:
    order = Order(run.key.at_attempt(1), replace(run, grace=core.policy.grace), Leases(), stamp)
    try:
        order = replace(order, run=finish_run(order.run, core.backend.knows(order)))
        return await rehearsal.of(replace(order, run=await with_folders(core, order.run)))
    except (Refused, BindError) as error:
        return Rehearsed(str(run.key), "", refused=(str(error),))
    except Transient as error:
        return Rehearsed(str(run.key), "", unknown=(error.message,))
