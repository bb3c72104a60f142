"""The world as it is, for plans of what is in no planned commit: every root, and what planning asks about the past.

Reads the ledger, and records nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from planner.applied import World
from planner.desire.view import View
from planner.fold import RootState, fold_root
from planner.model.desired import CompiledOperation, DesiredState
from planner.model.facts import Renamed, TargetSet
from planner.model.questions import Answers
from planner.model.records import RootRecord
from planner.plan import plan_root, reads
from planner.target import Contact, plan_commit
from reconciler.core import Core
from reconciler.ports_rehearse import Rehearsing
from reconciler.suggesting import answered

__all__ = ["contact_of", "world_of"]

_MOST_ROUNDS = 64


def contact_of(core: Core, at: datetime | None, *, first: bool) -> Contact:
    """What surrounds a plan; `first` where nothing was ever planned, `at` None for now."""
    policy = core.policy
    return Contact(
        instance=policy.identity.instance,
        branch=policy.branch,
        now=at or core.clock.now(),
        budgets=policy.budgets,
        first=policy.hold_first and first,
    )


async def world_of(core: Core, desired: DesiredState, at: datetime | None) -> World:
    """What `desired` is compared with: everything that is known, with the answers that its plan asks for."""
    states = {name: await core.ledger.root(name) for name in await core.ledger.roots()}
    forms: dict[str, CompiledOperation] = {}
    for state in states.values():
        forms |= await core.forms(reads(state))
    project = await core.ledger.project()
    world = World(
        states=states,
        forms=forms,
        base=project.head,
        suspended=project.suspended,
        notes=core.policy.warnings,
        asked=project.asked_before(desired.commit),
        backend="kubernetes" if isinstance(core.backend, Rehearsing) else "local",
    )
    return replace(world, answers=await _answers(core, desired, world, at))


async def _answers(core: Core, desired: DesiredState, world: World, at: datetime | None) -> Answers:
    """What planning the changed operations asks for."""
    contact = contact_of(core, at, first=not world.states)
    records = {name: state.record for name, state in world.states.items()}
    targets: dict[str, RootState] = {}
    states = dict(world.states)
    for fact in plan_commit(desired, records, contact).facts:
        if isinstance(fact, Renamed) and fact.old in states:
            states[fact.root] = fold_root(states.pop(fact.old), fact)
        elif isinstance(fact, TargetSet):
            targets[fact.root] = fold_root(states.get(fact.root, _fresh(fact.root)), fact)
    forms = {**world.forms, **{operation.form: operation for operation in desired.roots.values()}}
    found: Answers = {}
    for state in targets.values():
        view = View(state, forms, contact.now, core.policy.identity, answers=found, suspended=world.suspended)
        found = await _answered(core, view)
    return found


async def _answered(core: Core, view: View) -> Answers:
    for _ in range(_MOST_ROUNDS):
        plan = plan_root(view)
        if not plan.missing:
            break
        view = replace(view, answers={**view.answers, **await answered(core.ledger, core.suggester, plan.missing)})
    return view.answers


def _fresh(name: str) -> RootState:
    return RootState(RootRecord(name))
