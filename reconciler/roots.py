"""Reconciling one root: read, look, plan, record, act. Once; the queue brings the next time.

The order is the law of the design: what was decided is durable before anything is done, and effects follow from
the records alone. Cancelling this at any await leaves a state that the next reconcile completes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace

from planner.desire.view import View
from planner.effects import Clean, Effect, effects
from planner.fold import RootState, fold_all
from planner.keys import Key
from planner.model.facts import Fact, Observed, Settled, StatusChanged, Vanished
from planner.model.run import Phase, Snapshot
from planner.plan import RootPlan, plan_root, reads
from reconciler import codec, resting
from reconciler.admission import Door
from reconciler.apply import apply
from reconciler.compiling import calmly
from reconciler.core import Core
from reconciler.errors import Transient
from reconciler.observe import Observer
from reconciler.ports import RunQuery
from reconciler.publish import Publisher
from reconciler.suggesting import answered
from reconciler.telling import Telling

__all__ = ["Roots"]

_TOGETHER = 1.0
"""Seconds in which what has ended is left for one cleaning."""
_MOST_ROUNDS = 64
"""Rounds of questions: each binds one more layer of a DAG."""


class Roots:
    """Reconciles roots by name."""

    def __init__(self, core: Core, observer: Observer, publisher: Publisher, telling: Telling) -> None:
        self._core = core
        self._observer = observer
        self._publisher = publisher
        self._telling = telling
        self.door = Door(core)

    async def reconcile(self, name: str) -> None:
        """Bring root `name` one step nearer to what is wanted.

        Raises:
            Transient: something outside must be tried again.
        """
        core = self._core
        try:
            plan, facts, snapshot = await self._decide(name)
        except Exception:
            await self.door.step_aside(name)
            raise
        finally:
            await self.door.planned(name)
        after = plan.state
        await self.go_on(name, plan, facts)
        await self._watch(name, plan.watched)
        wanted = effects(after, core.clock.now())
        urgent = [effect for effect in wanted if not isinstance(effect, Clean)]
        if len(urgent) < len(wanted):
            core.queue.add(f"clean:{name}", _TOGETHER)
        await self._act(name, after, urgent)
        self._observer.in_line(after, snapshot)

    async def go_on(self, name: str, plan: RootPlan, facts: Sequence[Fact]) -> None:
        """See to what follows from a plan that was recorded with `facts`, but for its effects."""
        core, after = self._core, plan.state
        for key in core.renamed.keys() & after.runs.keys():
            del core.renamed[key]  # it may have its own name again
        core.renamed.update({key: name for key in after.runs if key.root != name})
        resting.note(core, plan)
        if facts:
            self._publisher.changed(facts)
        self._wake(name, plan, facts)
        if _freed(facts):
            await self.door.call()

    async def clean(self, name: str) -> None:
        """Have the backend forget what of root `name` has ended, everything together: nobody waits for it.

        Raises:
            Transient: something outside must be tried again.
        """
        state = await self._core.ledger.root(name)
        wanted = effects(state, self._core.clock.now())
        await self._act(name, state, [effect for effect in wanted if isinstance(effect, Clean)])

    async def _act(self, name: str, state: RootState, wanted: Sequence[Effect]) -> None:
        """Do what the records of `state` ask for, and record what came of it."""
        core = self._core
        done = await apply(core, name, wanted)
        if done.facts:
            await self._write(state, done.facts, {}, core.renames)
            if any(isinstance(fact, Observed) for fact in done.facts):
                core.queue.add(f"root:{name}")
        if done.failed:
            raise Transient(done.failed, done.after)

    async def _decide(self, name: str) -> tuple[RootPlan, Sequence[Fact], Snapshot | None]:
        core = self._core
        renames = core.renames
        state = await core.ledger.root(name)
        snapshot = await self._observer.look(state)
        plan = await self._plan(state, snapshot)
        return *await self._record(state, plan, snapshot, renames), snapshot

    async def _plan(self, state: RootState, snapshot: Snapshot | None) -> RootPlan:
        """Plan, and answer its questions as often as it has some.

        What is recorded meanwhile (a command, a newer target) has put the root's name into the queue again.
        """
        core, name = self._core, state.record.name
        project = await core.ledger.project()
        forms = await core.forms(reads(state))
        view = View(
            state=state,
            forms=forms,
            now=core.clock.now(),  # one instant: a question of a run that this plan opens has it
            identity=core.policy.identity,
            snapshot=snapshot,
            written=core.written,
            suspended=project.suspended,
        )
        for _ in range(_MOST_ROUNDS):
            plan = calmly(plan_root, view)
            if not plan.missing:
                return plan
            answers = {**view.answers, **await answered(core.ledger, core.suggester, plan.missing)}
            view = replace(view, answers=answers, bindings=plan.bindings)
        raise Transient(f"{name}: it keeps asking for other runs")

    async def _record(
        self, before: RootState, plan: RootPlan, snapshot: Snapshot | None, renames: int
    ) -> tuple[RootPlan, Sequence[Fact]]:
        """Record the plan, with the intents that admission grants, in one transaction."""
        core, name = self._core, before.record.name
        kept: dict[str, object] = {**plan.bound, **plan.forms}
        blobs = {digest: codec.encode(value) for digest, value in kept.items()}
        core.remember(kept)
        async with core.admission if plan.ready else nullcontext():
            admission = await self.door.ask(name, plan, snapshot)
            facts = (*plan.facts, *admission.intents)
            await self._write(before, facts, blobs, renames)
            self.door.let_in(name, plan, admission)
        core.waits[name] = (*plan.waits, *admission.waits)
        if admission.moved:
            await self.door.call()
        return replace(plan, state=fold_all(plan.state, admission.intents)), facts

    async def _write(self, before: RootState, facts: Sequence[Fact], blobs: Mapping[str, str], renames: int) -> None:
        """Record facts about a root whose state was `before`, with what they tell others."""
        core = self._core
        async with core.recording:
            if renames != core.renames:
                raise Transient("operations were renamed while this one was planned")
            if facts:
                # What is told comes first: it goes by who listened before.
                facts = (*await self._telling.of_runs(before, facts), *facts, *self._telling.owed(before, facts))
                await core.ledger.record(facts, blobs)
                self._telling.recorded(facts)

    async def _watch(self, name: str, runs: frozenset[Key]) -> None:
        """Have `name` planned again when one of `runs` ends; an end that was recorded meanwhile counts at once."""
        if not runs:
            return
        core = self._core
        for key in runs:
            core.watching.setdefault(key, set()).add(name)
        if any(run.status.final for run in await core.ledger.runs(RunQuery(keys=tuple(runs), limit=len(runs)))):
            core.queue.add(f"root:{name}")

    def _wake(self, name: str, plan: RootPlan, facts: Sequence[Fact]) -> None:
        core = self._core
        if plan.wake_at is not None:
            core.queue.add(f"root:{name}", max((plan.wake_at - core.clock.now()).total_seconds(), 0.001))
        for fact in facts:
            for other in core.watching.pop(fact.key, ()) if isinstance(fact, Settled) else ():
                core.queue.add(f"root:{other}")
        if any(isinstance(fact, StatusChanged) for fact in facts):
            core.queue.add("forge")


def _freed(facts: Sequence[Fact]) -> bool:
    return any(
        isinstance(fact, Vanished | Settled) or (isinstance(fact, Observed) and fact.observation.phase is Phase.ENDED)
        for fact in facts
    )
