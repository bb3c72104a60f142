"""The simulated world: one repository, one backend, one forge, one ledger, and a daemon that lives, dies and returns.

Everything in it is drawn from the seed and runs in virtual time, so that a seed is a history. The daemon is the real
one: `reconciler.loop.Loop` on `reconciler.core.Core`; only its ports are simulated.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import trio

from planner.admit import Limits, grant
from planner.desire.view import Identity, View
from planner.effects import Clean, Effect, effects
from planner.keys import Key
from planner.line import QueueLimits
from planner.model.desired import CompiledOperation
from planner.model.events import OutsideEvent, ident_of
from planner.model.facts import Asked, Fact, Observed
from planner.model.people import Command
from planner.model.records import RootRecord, RunRecord
from planner.plan import plan_root, reads
from reconciler.backends.memory import MemoryBackend, Program
from reconciler.core import Core, Policy, Ports
from reconciler.errors import Transient
from reconciler.ledger.state import MemoryState
from reconciler.loop import Loop, LoopSettings
from reconciler.ports import Order
from reconciler.suggesting import at_once
from tests.simulation.clock import VirtualClock
from tests.simulation.draw import SMOKE, Style
from tests.simulation.forge import SPARING, FailingForge, Outside
from tests.simulation.history import History, Removal, Start, Transaction
from tests.simulation.invariants import i18_reads, liveness
from tests.simulation.ledger import SimLedger
from tests.simulation.lies import Liar, LyingBackend, Rates
from tests.simulation.life import Life, mortal
from tests.simulation.programs import program
from tests.simulation.repository import Remote, SimCompiler, SimSource

__all__ = ["Plan", "Play", "World", "simulate"]

Play = Callable[["World"], Awaitable[None]]

INSTANCE, PROJECT = "sim", "project"
LIMITS = Limits(runs=12, slots={"gpu": 2}, queues={"narrow": QueueLimits(runs=1), "urgent": QueueLimits(priority=1)})
PATIENCE = 2700.0
"""Seconds within which everything must come to rest once nothing fails any more."""

_MOST_AWAITS = 80_000
"""Of the ports, in one history of hours: more is a loop that feeds itself."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What kind of history a seed is.

    Attributes:
        seed: of every choice.
        paced: moves come at set times and everything rests between them, so that it can have a twin.
        faults: whether anything lies, fails or dies.
        moves: how many there are.
        turns_clock: whether the wall clock jumps.
        crowded: whether many services are up, so that a burning machine takes much with it.
        days: how long it takes at least: people leave the daemon alone for hours then; 0 for a storm of minutes.
        sweeps: whether people write sweeps.
        programs: what programs do; by the seed and their key where it is left out.
        ledger: what a life of the daemon keeps its ledger in; the world's own where it is left out.
    """

    seed: int
    paced: bool = False
    faults: bool = True
    moves: int = 14
    turns_clock: bool = False
    crowded: bool = False
    days: int = 0
    sweeps: bool = False
    programs: Callable[[Order], Program] | None = None
    ledger: Callable[[SimLedger], object] | None = None

    @property
    def style(self) -> Style:
        """What its authors write."""
        return Style(paced=self.paced, slow=self.days > 0, sweeps=self.sweeps)

    @property
    def resync(self) -> float:
        """Seconds between two looks of the daemon at everything."""
        return 600.0 if self.days else 120.0

    @property
    def poll(self) -> float:
        """Seconds between two looks at the repository."""
        return 600.0 if self.days else 45.0

    @property
    def most_awaits(self) -> int:
        """Of ports, in the whole history."""
        return _MOST_AWAITS * (1 + self.days)


@dataclass(slots=True)
class Chances:
    """A source of numbers for each concern, so that one more lie does not change what people do."""

    moves: random.Random
    lies: random.Random
    deaths: random.Random
    forge: random.Random
    daemon: random.Random

    @classmethod
    def of(cls, seed: int) -> Chances:
        return cls(*(random.Random(f"{seed}:{name}") for name in ("moves", "lies", "deaths", "forge", "daemon")))


@dataclass(slots=True)
class World:
    """Everything outside of the daemon, and the daemon."""

    plan: Plan
    nursery: trio.Nursery
    history: History
    chances: Chances
    clock: VirtualClock
    remote: Remote
    source: SimSource
    ledger: SimLedger
    forge: Outside
    truth: MemoryBackend
    liar: Liar
    life: Life | None = None
    core: Core | None = None
    loop: Loop | None = None
    lives: int = 0
    commands: int = 0
    quiet: bool = False
    made: trio.Event = field(default_factory=trio.Event)
    up: trio.Event = field(default_factory=trio.Event)

    def say(self, text: str) -> None:
        """Put a line into the history."""
        self.history.lines.append((trio.current_time(), text))

    # ---- the daemon

    def start(self) -> None:
        """Start a daemon, unless one lives."""
        if self.life is None:
            self.lives += 1
            self.life = Life(
                self.lives,
                0 if self.quiet else self._fate(),
                self.say,
                0.0 if self.quiet or not self.plan.faults else 0.02,
                self.chances.deaths,
                self.plan.most_awaits - self.history.counts["awaits"],
                self.give_up,
            )
            self.say(f"life {self.lives} begins")
            self.nursery.start_soon(self._live, self.life)

    def _fate(self) -> int:
        if not self.plan.faults or self.chances.deaths.random() < 0.35:
            return 0
        return int(self.chances.deaths.choice([1, 4, 20, 100, 400, 1500]) * (1 + 3 * self.chances.deaths.random()))

    async def _live(self, life: Life) -> None:
        core = self._core(life)
        jitter = random.Random(self.chances.daemon.random())
        measure = 2.0 if self.plan.sweeps else 0
        loop = Loop(core, LoopSettings(workers=4, jitter=jitter, together=2, measure=measure))
        self.core, self.loop = core, loop
        self.up.set()
        try:
            with life.scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._poll, core)
                    nursery.start_soon(loop.run)
        except* Exception as group:  # noqa: BLE001 -- the process ends; whoever runs it starts it again
            if not life.dead:
                self.history.counts["daemon-gave-up"] += 1
                self.say(f"life {life.number} gave up: {group.exceptions}")
        finally:
            self.history.counts["awaits"] += life.awaits
            life.dead = True
        if self.life is life:
            self.life = self.core = self.loop = None
            self.up = trio.Event()
            self.nursery.start_soon(self._rise)

    async def _rise(self) -> None:
        delay = self.chances.deaths.choice([0.0, 0.0, 1.0, 5.0, 30.0, 100.0] + ([] if self.plan.paced else [400.0]))
        await trio.sleep(1.0 if self.quiet else delay)
        self.start()

    def _core(self, life: Life) -> Core:
        backend = LyingBackend(self.truth, self.liar, self.clock, self.say)
        ports = Ports(
            ledger=mortal(life, self.plan.ledger(self.ledger) if self.plan.ledger else self.ledger, "ledger"),
            backend=mortal(life, backend, "backend"),
            source=mortal(life, self.source, "source"),
            compiler=mortal(life, SimCompiler(self.remote, PROJECT), "compiler"),
            forge=mortal(life, FailingForge(self.forge), "forge"),
            clock=self.clock,
        )
        policy = Policy(Identity(INSTANCE, PROJECT), "main", limits=LIMITS, resync=self.plan.resync)
        core = Core(ports, policy, edition="simulated")
        core.suggester = at_once
        return core

    async def _poll(self, core: Core) -> None:
        while True:
            core.queue.add("source")
            await trio.sleep(self.plan.poll)

    async def ask(self, verb: str, root: str, **args: object) -> None:
        """A person asks for something, through the daemon that lives."""
        core, life = self.core, self.life
        if core is None or life is None:
            return
        self.commands += 1
        now = self.clock.now()
        command = Command(f"c{self.commands}", verb, root, args, "ada", now)  # type: ignore[arg-type]
        self.say(f"ada: {verb} {root or 'project'} {args or ''}")
        await self.ledger.record([Asked(root, command, now)])
        core.queue.add(f"root:{root}" if root else "project")

    async def smoke(self) -> None:
        """Somebody sends events for as long as faults last, now and then one of before; only where somebody listens."""
        chance = random.Random(f"{self.plan.seed}:smoke")
        number = 0
        while not self.quiet:
            await trio.sleep(chance.choice([5.0, 60.0, 300.0]) * (100 if self.plan.days else 1))
            roots = self.ledger.snapshot().roots.values()
            listened = any(one.ref == SMOKE for record in roots for one in record.listens)
            if not listened or self.loop is None or self.life is None or self.life.dead or self.quiet:
                continue
            number += 1
            ident = f"{chance.randrange(number)}" if chance.random() < 0.3 else f"{number}"
            self.history.counts["smoke"] += 1
            self.say(f"smoke {ident}")
            await self._send(self.loop, self.life, ident)

    async def _send(self, loop: Loop, life: Life, ident: str) -> None:
        event = OutsideEvent(ident_of("sent", SMOKE, ident), "alert_warning", SMOKE, self.clock.now(), about=ident)
        with trio.move_on_after(60.0), contextlib.suppress(Transient):
            await loop.events.receive(event)
        if life.dead:
            self.say("nobody heard whether it was taken")

    # ---- the rest of the world

    async def pump(self) -> None:
        """Have programs end when their time has come."""
        while True:
            self.made = trio.Event()
            following = self.truth.refresh()
            wait = (following - self.clock.now()).total_seconds() if following else 60.0
            with trio.move_on_after(min(max(wait, 0.001), 60.0)):
                await self.made.wait()

    def give_up(self) -> None:
        """End a history that goes round and round, perhaps without time passing."""
        self.history.counts["given-up"] += 1
        self.nursery.cancel_scope.cancel()

    async def recorded(self, facts: Sequence[Fact]) -> None:
        """Remember a transaction, as it became durable."""
        at = trio.current_time()
        number = self.life.number if self.life else 0
        self.history.transactions.append(Transaction(at, number, self.clock.now(), tuple(facts)))
        self.history.lines.extend((at, fact) for fact in facts)
        self.liar.seen.update(fact.observation.key for fact in facts if isinstance(fact, Observed))

    def removed(self, wall: datetime, record: RootRecord, had: tuple[RunRecord, ...], taken: frozenset[Key]) -> None:
        """Remember what retention takes."""
        history = self.history
        history.counts["removed"] += len(taken)
        self.say(f"retention takes {', '.join(map(str, sorted(taken)))}")
        history.removals.append(Removal(wall, len(history.transactions), record, had, taken))

    def script(self, order: Order) -> Program:
        """Called when a program really starts."""
        beside = self.truth.alive()
        runs = (self.plan.programs or self._program)(order)
        readable = self.source.has(order.run.commit)
        start = Start(trio.current_time(), order.key, order.leases, order.stamp.ledger, beside, readable, runs)
        self.history.starts.append(start)
        self.say(f"started {order.key}")
        self.made.set()
        return runs

    def _program(self, order: Order) -> Program:
        return program(self.plan.seed, order, paced=self.plan.paced)

    # ---- the end

    async def settle(self) -> None:
        """Stop every fault, and wait until everything that is wanted is there."""
        self.quiet = True
        self.say("no more faults")
        self.liar.honest = self.forge.honest = True
        self.remote.reachable, self.remote.torn = True, 0
        if self.life is not None:
            self.life.dies_at, self.life.ledger_fails = 0, 0.0
        self.start()
        deadline = trio.current_time() + PATIENCE
        while trio.current_time() < deadline:
            await trio.sleep(30.0)
            await self._lift_everything()
            self.capture()
            if not liveness.check(self.history) and not i18_reads.check(self.history):
                self.history.settled = True
                break
        await trio.sleep(2 * self.plan.resync + 10)
        for _ in range(3):
            # What ends at this very instant is not seen yet.
            await self._plan_again()
            if not self.history.leftovers:
                break
            await trio.sleep(3.0)
        self.capture()

    async def _lift_everything(self) -> None:
        """People release what waits for them."""
        state = self.ledger.snapshot()
        if state.project.suspended is not None:
            await self.ask("unsuspend", "")
        if self.loop is not None and self.loop.observer.lost:
            await self.ask("approve", "")
        for name, record in sorted(state.roots.items()):
            if record.commands:
                continue
            if record.suspended is not None:
                await self.ask("unsuspend", name)
            for hold in record.holds:
                await self.ask("approve", name, hold=hold.ident)

    def capture(self) -> None:
        """Bring the history up to date with the world."""
        history = self.history
        history.commits, history.head = dict(self.remote.commits), self.remote.head
        history.forms |= self.forms()
        history.alive = self.truth.alive()
        history.stored = self.ledger.snapshot()
        # What retention took is as it was when it went: how it came to its end is looked at all the same.
        history.state = replace(history.stored, runs={**history.taken(), **history.stored.runs})
        history.said = dict(self.forge.said)
        history.now = self.clock.now()

    def forms(self) -> dict[str, CompiledOperation]:
        """Every form that was pushed so far, by its digest."""
        return {made.form: made for pushed in self.remote.commits.values() for made in pushed.operations().values()}

    async def _plan_again(self) -> None:
        """What another reconcile of every root would still do, at the instant of the last one."""
        self.history.leftovers.clear()
        for name in await self.ledger.roots():
            state = await self.ledger.root(name)
            project = await self.ledger.project()
            keys = frozenset(
                run.key.at_attempt(item.number)
                for run in state.runs.values()
                for item in run.attempts
                if item.live or not item.cleaned
            )
            now = self.clock.now() - timedelta(milliseconds=1)
            view = View(
                state=state,
                forms={form: self.history.forms[form] for form in reads(state) if form in self.history.forms},
                now=now,
                identity=Identity(INSTANCE, PROJECT),
                snapshot=await self.truth.observe(keys),
                suspended=project.suspended,
            )
            plan = plan_root(view)
            left = [repr(fact) for fact in plan.facts]
            left += [f"ready: {ready.key}" for ready in plan.ready if self._may_start(name, ready.key)]
            left += [f"effect: {effect!r}"[:200] for effect in effects(state, now) if not self._is_due(name, effect)]
            if left:
                self.history.leftovers[name] = left

    def _may_start(self, name: str, key: Key) -> bool:
        """Whether something that is ready is not where it belongs: in the line, which has no place for it."""
        core, state = self.core, self.ledger.snapshot()
        if core is None or all(item.key != key for item in core.line.of(name)):
            return True
        granted = grant(core.line, list(state.claims.values()), LIMITS, self.clock.now())
        return key in {intent.key for intent in granted.intents}

    def _is_due(self, name: str, effect: Effect) -> bool:
        """Whether the queue has it, since what has ended is cleaned together."""
        return isinstance(effect, Clean) and self.core is not None and f"clean:{name}" in self.core.queue._later


async def simulate(plan: Plan, history: History, play: Play) -> None:
    """Run the history of `plan` into `history`; `play` is what happens before everything is left to settle."""
    clock = VirtualClock()
    chances = Chances.of(plan.seed)
    remote = Remote()
    state = MemoryState(instance=INSTANCE)
    ledger = SimLedger(state, through_codec=plan.seed % 10 == 0)
    async with trio.open_nursery() as nursery:
        gone = 0.0 if plan.paced else 0.06
        liar = Liar(chances.lies, Rates(gone=gone), nursery, history.counts, honest=not plan.faults)
        forge = Outside(
            chances.forge,
            0.15 if plan.faults else 0.0,
            history.counts,
            lambda text: world.say(text),  # noqa: PLW0108 -- not made yet
            budget=SPARING if plan.seed % 3 == 1 else None,
        )
        history.budget = forge.budget
        world = World(
            plan,
            nursery,
            history,
            chances,
            clock,
            remote,
            SimSource(remote),
            ledger,
            forge,
            MemoryBackend(clock, lambda order: world.script(order)),  # noqa: PLW0108 -- not made yet
            liar,
        )
        ledger.after, ledger.removed = world.recorded, world.removed
        nursery.start_soon(world.pump)
        if not plan.paced:
            nursery.start_soon(world.smoke)
        world.start()
        await play(world)
        await world.settle()
        nursery.cancel_scope.cancel()
    for stream in world.truth._hints:
        stream.close()
    if history.counts["given-up"]:
        raise RuntimeError(f"more than {plan.most_awaits} awaits of ports: something wakes itself without end")
