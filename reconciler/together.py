"""Many roots that begin nothing are planned together, and recorded in one transaction.

A commit with ten thousand schedules is ten thousand plans that each only bring a generation into force and say so:
reading, locking and syncing for each of them costs far more than to plan it. Whatever begins, ends, asks or waits is
planned alone, as ever (`reconciler.roots`), and so is everything after a failure: it keeps to its name. This module
must never act on the backend, nor record a plan that does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import anyio
import anyio.lowlevel

from planner.desire.generation import runs_by_change
from planner.desire.view import View
from planner.fold import RootState
from planner.model.desired import CompiledOperation
from planner.model.facts import Advanced, CursorMoved, Listened, StatusChanged
from planner.model.people import ProjectRecord
from planner.plan import RootPlan, plan_root, reads
from reconciler import codec
from reconciler.core import Core
from reconciler.errors import Unusable
from reconciler.roots import Roots
from reconciler.telemetry import log
from reconciler.telling import Telling

__all__ = ["Together"]

_ROOT = "root:"
_MOST = 100
"""Roots of one transaction: others have their turn in between."""
_QUIET = (Advanced, CursorMoved, Listened, StatusChanged)
"""Facts that tell nobody else of anything, and after which nothing is to be done."""


@dataclass(frozen=True, slots=True)
class _Planned:
    """A plan that begins nothing."""

    name: str
    plan: RootPlan


class Together:
    """Plans names of the queue together.

    Args:
        core: its queue gives out the names.
        roots: plans one, and knows what follows a plan.
        telling: is told what was recorded.
        least: how many names must be waiting.
    """

    def __init__(self, core: Core, roots: Roots, telling: Telling, least: int) -> None:
        self._core = core
        self._roots = roots
        self._telling = telling
        self._least = least
        # What could not be planned together comes again, for itself.
        self._alone: set[str] = set()

    def with_others(self, name: str, failing: Collection[str]) -> Sequence[str]:
        """`name` and those that wait behind it to be planned with it; all are to be given back to the queue."""
        core = self._core

        def fits(other: str) -> bool:
            return other.startswith(_ROOT) and other not in self._alone and other not in failing

        if core.queue.depth >= self._least and fits(name):
            return (name, *core.queue.more(fits, _MOST - 1))
        self._alone.discard(name)
        return (name,)

    async def plan(self, names: Sequence[str]) -> None:
        """Plan what begins nothing; the rest comes again, each alone.

        Raises:
            Unusable: the ledger is gone for good.
        """
        left = set(names)
        try:
            for one in await self._record([name.removeprefix(_ROOT) for name in names]):
                left.discard(_ROOT + one.name)
        except Unusable:
            raise
        except Exception as error:  # noqa: BLE001 -- alone it is found out whose fault it is, and he backs off
            log.info("roots are planned one by one", count=len(names), reason=str(error))
        finally:
            self._alone |= left
            for name in left:
                self._core.queue.add(name)

    async def _record(self, names: Sequence[str]) -> Sequence[_Planned]:
        core, roots = self._core, self._roots
        renames = core.renames
        project, states = await core.ledger.project(), await core.ledger.states(names)
        planned = [one for name in names if (one := await self._plan(states[name], project)) is not None]
        async with core.recording:
            if renames != core.renames:
                return ()
            facts = [fact for one in planned for fact in one.plan.facts]
            if facts:
                kept = {digest: form for one in planned for digest, form in one.plan.forms.items()}
                await core.ledger.record(facts, {digest: codec.encode(form) for digest, form in kept.items()})
                self._telling.recorded(facts)
        moved = False
        for one in planned:
            core.waits[one.name] = one.plan.waits
            moved |= core.line.put(one.name, one.plan.ready)
            await roots.go_on(one.name, one.plan, one.plan.facts)
        if moved:
            await roots.door.call()
        return planned

    async def _plan(self, state: RootState, project: ProjectRecord) -> _Planned | None:
        """The plan of a root; None where it is better planned alone."""
        core = self._core
        await anyio.lowlevel.checkpoint()  # others have their turn
        if state.record.open or any(not attempt.cleaned for run in state.runs.values() for attempt in run.attempts):
            return None
        forms = await core.forms(reads(state))
        if _will_run(state, forms):
            return None
        plan = plan_root(View(state, forms, core.clock.now(), core.policy.identity, suspended=project.suspended))
        if plan.missing or plan.ready or plan.watched or not all(isinstance(fact, _QUIET) for fact in plan.facts):
            return None
        return _Planned(state.record.name, plan)


def _will_run(state: RootState, forms: Mapping[str, CompiledOperation]) -> bool:
    """Whether bringing the target into force makes a run: told before planning, which would be for nothing."""
    planned = state.record.planned
    operation = forms.get(planned.form) if planned is not None else None
    if planned is None or operation is None or not runs_by_change(operation):
        return False
    return not state.record.in_force
