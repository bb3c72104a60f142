"""A plan as a value, for people: what planning a commit would do to every root, without doing it.

The same functions plan here as in the daemon, on the same records; nothing is predicted by a second set of rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from planner.applied import World
from planner.changes import field_changes
from planner.decided import said_of
from planner.desire.leaf import stop_words
from planner.desire.view import Identity, View
from planner.errors import Place
from planner.fold import RootState, fold_root
from planner.happenings import woken
from planner.model.commits import What
from planner.model.desired import CompiledOperation, DesiredState
from planner.model.facts import Advanced, Renamed, StopIntended, TargetSet
from planner.model.people import Hold
from planner.model.plan import Action, Held, Plan, Rehearsed, Verb
from planner.model.records import RootRecord, Stop
from planner.model.run import BoundRun
from planner.phrases import deferred, effects
from planner.plan import RootPlan, plan_alone
from planner.scale import Scale, scale_of
from planner.swept import effects_of
from planner.target import CommitPlan, Contact, plan_commit

__all__ = ["Previewed", "preview", "previewed"]

_BACKENDS: Mapping[str, str] = {
    "local": "runs are processes of the daemon's machine and see its files; an image names an environment there",
    "engine": "runs are containers of the daemon's machine",
}
"""What a reader must know of where runs go."""
_RUNNING = frozenset({Verb.START, Verb.UPDATE, Verb.SCHEDULE, Verb.WAIT})


@dataclass(frozen=True, slots=True)
class Previewed:
    """A plan, with what it would start.

    Attributes:
        plan: it.
        starts: by operation, the runs that would start now or as soon as something makes room for them.
        scale: how much that is, with what comes after it.
    """

    plan: Plan
    starts: Mapping[str, Sequence[BoundRun]]
    scale: Scale

    def with_rehearsed(self, found: Mapping[str, Sequence[Rehearsed]]) -> Plan:
        """The plan with what the cluster says of its starts, by operation."""
        told = (replace(action, rehearsed=tuple(found.get(action.root, ()))) for action in self.plan.actions)
        return replace(self.plan, actions=tuple(told))


def preview(desired: DesiredState, world: World, contact: Contact, identity: Identity) -> Plan:
    """The plan of `desired` against `world`."""
    return previewed(desired, world, contact, identity).plan


def previewed(desired: DesiredState, world: World, contact: Contact, identity: Identity) -> Previewed:
    """The same, with what would start."""
    records = {name: state.record for name, state in world.states.items()}
    commit = plan_commit(desired, records, replace(contact, asked=world.asked))
    forms = {**world.forms, **{operation.form: operation for operation in desired.roots.values()}}
    states = _targets(world, commit)
    whats = {fact.root: fact.what for fact in commit.facts if isinstance(fact, TargetSet)}
    actions: list[Action] = []
    unchanged: list[str] = []
    wakes: list[datetime] = []
    starts: dict[str, Sequence[BoundRun]] = {}
    scale = Scale()
    for name in sorted({*states, *desired.roots}):
        state = states.get(name, RootState(RootRecord(name)))
        root = _plan(state, forms, world, contact, identity)
        if root.wake_at is not None:
            wakes.append(root.wake_at)
        before = world.states.get(name) or world.states.get(_old_name(commit, name))
        action = _action(whats.get(name), before, forms, root, contact.now)
        if action is not None:
            actions.append(action)
            starts[name] = _starts(root)
            scale += scale_of(root, desired.roots.get(name))
        elif name in desired.roots:
            unchanged.append(name)
    plan = Plan(
        commit=desired.commit,
        base=world.base,
        at=contact.now,
        actions=tuple(sorted(actions, key=lambda action: (list(Verb).index(action.verb), action.root))),
        unchanged=tuple(unchanged),
        kept=tuple(sorted(commit.kept.items())),
        held=_held(commit.holds),
        deferred=tuple(deferred(desired, [action.root for action in actions])),
        notes=(*_where(world, actions), *_stopped(states), *_woken(world), *world.notes),
        problems=desired.problems,
        wake_at=min(wakes, default=None),
        complete=not desired.bad_files,
    )
    return Previewed(plan, starts, scale)


def _starts(root: RootPlan) -> Sequence[BoundRun]:
    """What is bound and not over: of what was carried over or found in the cache nothing starts."""
    records = ((run, root.state.runs.get(run.key)) for run in root.bound.values())
    found = [run for run, record in records if record is not None and not record.status.final and not record.alive]
    return sorted((run for run in found if root.state.runs[run.key].carried_from is None), key=lambda run: run.key)


def _where(world: World, actions: list[Action]) -> Iterator[str]:
    if world.backend in _BACKENDS and any(action.verb in _RUNNING for action in actions):
        yield _BACKENDS[world.backend]


def _woken(world: World) -> Iterator[str]:
    """Whom the commit itself is an event for: those who listen before it."""
    return woken({name: state.record.listens for name, state in world.states.items()}, world.touched)


def _stopped(states: Mapping[str, RootState]) -> Iterator[str]:
    """What a person stopped stays down through the commit, unless it is a new generation: who, and what to do."""
    for name, state in sorted(states.items()):
        planned, applied, down = state.record.planned, state.record.applied, state.record.down
        if down is None or planned is None or applied is None or planned.digest != applied.digest:
            continue
        who = stop_words(Stop(down.reason, down.by, down.at))
        yield f"{name} stays down: {who} at {down.at:%Y-%m-%d %H:%M} UTC; plumbline retry {name}"


def _targets(world: World, commit: CommitPlan) -> dict[str, RootState]:
    states = dict(world.states)
    for fact in commit.facts:
        if isinstance(fact, Renamed):
            states[fact.root] = fold_root(states.pop(fact.old), fact)
        elif isinstance(fact, TargetSet):
            state = states.get(fact.root, RootState(RootRecord(fact.root)))
            states[fact.root] = fold_root(state, fact)
    return states


def _plan(
    state: RootState, forms: Mapping[str, CompiledOperation], world: World, contact: Contact, identity: Identity
) -> RootPlan:
    view = View(
        state=state,
        forms=forms,
        now=contact.now,
        identity=identity,
        answers=world.answers,
        suspended=world.suspended,
    )
    return plan_alone(view)


def _action(
    what: What | None,
    before: RootState | None,
    forms: Mapping[str, CompiledOperation],
    root: RootPlan,
    now: datetime,
) -> Action | None:
    if what is None or what is What.INVALID:
        return None
    record = root.state.record
    planned = record.planned
    operation = forms.get(planned.form) if planned else None
    old_planned = before.record.planned if before else None
    old = forms.get(old_planned.form) if old_planned else None
    shown = operation or old
    was = before.record.name if before is not None and before.record.name != record.name else ""
    advanced = any(isinstance(fact, Advanced) for fact in root.facts)
    verb, because = said_of(what, operation, was, advanced=advanced)
    sweeps = effects_of(root, operation, old) if operation is not None and not operation.refused else ()
    return Action(
        verb=verb,
        root=record.name,
        kind=operation.kind if operation else "",
        because=because,
        effects=tuple(effects(root, operation, sweeps, now)),
        # What is gone is gone as a whole: its fields would only hide that.
        changes=field_changes(old, operation) if old is not None and operation is not None else (),
        place=shown.place if shown else Place(planned.path if planned else ""),
        sweeps=sweeps,
        stops=sum(isinstance(fact, StopIntended) and bool(fact.key.attempt) for fact in root.facts),
    )


def _held(holds: Mapping[str, Hold]) -> tuple[Held, ...]:
    by_ident: dict[str, list[str]] = {}
    for name, hold in holds.items():
        by_ident.setdefault(hold.ident, []).append(name)
    first = {hold.ident: hold for hold in holds.values()}
    return tuple(Held(first[ident], tuple(sorted(names))) for ident, names in sorted(by_ident.items()))


def _old_name(commit: CommitPlan, name: str) -> str:
    return next((fact.old for fact in commit.facts if isinstance(fact, Renamed) and fact.root == name), name)
