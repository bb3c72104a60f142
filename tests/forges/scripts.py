"""One random history of a daemon before a forge that fails, and what must be true after it."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import anyio
import structlog
import trio
import trio.testing

from planner.model.commits import Change, StatusState, What
from planner.model.facts import CommitPlanned, Fact, Posted, StatusChanged
from planner.outbox import Budget
from planner.publish import context_of
from reconciler.loop import Loop, LoopSettings
from tests.forges.faults import AFTER, draw
from tests.forges.forge import FakeForge
from tests.forges.kinds import KINDS
from tests.forges.parts import TOKEN, sha
from tests.forges.state import Shown
from tests.reconciler.api.support import World
from tests.simulation.clock import VirtualClock

__all__ = ["play"]

_REQUESTS = 30
_LONG = 200_000.0


class Script:
    """See the module.

    Attributes:
        owed: states that were recorded, by commit and context.
    """

    def __init__(self, seed: int, kind: str) -> None:
        self.chance = random.Random(seed)
        self.kind = KINDS[kind]
        self.fake = FakeForge(self.kind.spelling(), draw(self.chance, _REQUESTS, self.chance.choice([0.2, 0.5, 0.9])))
        self.world = World(clock=VirtualClock())
        self.budget = Budget(writes=4, roots=3, apart=timedelta(seconds=10))
        self.kills = 0
        self.stuck: set[str] = set()

    async def run(self) -> None:
        """Several lives of a daemon, then one that goes on until nothing is owed."""
        for _ in range(self.chance.randrange(4)):
            with trio.move_on_after(self.chance.choice([0.0, 1.0, 30.0, 300.0])):
                await self._live()
            self.kills += 1
        async with anyio.create_task_group() as group:
            group.start_soon(self._live)
            await self._push()
            with trio.fail_after(_LONG):
                while await self.world.ledger.unposted(1):  # noqa: ASYNC110 -- it is virtual time that passes
                    await trio.sleep(5.0)
            group.cancel_scope.cancel()
        await self.world.backend.close()

    async def _live(self) -> None:
        core = self.world.core
        forge = self.kind.adapter(self.fake, budget=self.budget)
        core.forge = forge
        loop = Loop(core, LoopSettings(jitter=self.chance))
        loop.publisher.parked.load(())
        core.queue._working.clear()
        core.queue.add("forge")
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(loop._work)
                group.start_soon(self._look, loop)
                if self.chance.random() < 0.5:
                    await self._push()
                await trio.sleep_forever()
        finally:
            self.stuck.update(loop.stuck)
            with trio.CancelScope(shield=True):
                await forge.close()

    async def _look(self, loop: Loop) -> None:
        while True:
            self.stuck.update(loop.stuck)
            await trio.sleep(20.0)

    async def _push(self) -> None:
        """A few commits whose operations go through their states, one after the other."""
        for _ in range(self.chance.randrange(1, 4)):
            await self._commit(self.chance.randrange(1, 10**9), self.chance.choice([0, 1, 2, 5]))

    async def _commit(self, number: int, operations: int) -> None:
        commit, names = sha(number), [f"op-{index}" for index in range(operations)]
        changes = tuple(Change(name, What.CHANGED) for name in names)
        await self._record(CommitPlanned(commit, "t", "main", self._now, changes, 0, ""))
        words = [*["planned", "running", "running: 3"] * self.chance.randrange(1, 3), ""]
        for text in words:
            for name in [*names, ""]:
                ends = [StatusState.SUCCESS, StatusState.FAILURE, StatusState.SUPERSEDED]
                state = StatusState.PENDING if text else self.chance.choice(ends)
                fact = StatusChanged(name, commit, context_of("test", name), state, text or "the end", self._now)
                await self._record(fact)
                await trio.sleep(self.chance.choice([0.0, 0.0, 0.5, 4.0]))
            await trio.sleep(self.chance.choice([0.0, 15.0]))

    @property
    def _now(self):
        return self.world.clock.now()

    async def _record(self, fact: Fact) -> None:
        await self.world.ledger.record([fact])
        self.world.core.queue.add("forge")

    async def check(self) -> None:
        """What must be true."""
        facts = [fact for _, fact in await self.world.ledger.facts(limit=100_000)]
        shown, history = self.fake.state.shown(), self.fake.state.statuses
        posted = [fact for fact in facts if isinstance(fact, Posted)]
        assert not [fact for fact in posted if fact.refused]
        sizes = {fact.commit: len(fact.changes) for fact in facts if isinstance(fact, CommitPlanned)}
        last = {(fact.commit, fact.context): fact for fact in facts if isinstance(fact, StatusChanged)}
        told = Counter((fact.commit, fact.context) for fact in posted if not fact.left_out)
        for name, fact in last.items():
            if fact.root and sizes[fact.commit] > self.budget.roots:
                assert name not in shown, "the aggregate speaks for it"
                continue
            if not fact.state.final and told[name] >= self.budget.writes:
                continue  # its last life ended before it did: the forge was told as often as it wants to hear
            wanted = Shown(self.kind.states[fact.state], fact.description)
            if self.kind.moves and not fact.state.final:
                wanted = Shown(wanted.state, shown[name].description)  # it stays with the first words of a pending one
            assert shown[name] == wanted, name
        unsure = sum(name in AFTER for name in self.fake.met)
        extra = sum(len(all_of) - told[name] for name, all_of in history.items())
        # GitLab takes no second pending: that one is told, and nothing more is written.
        assert extra >= 0 or self.kind.moves
        assert extra <= unsure + self.kills, (extra, unsure, self.kills)
        assert all(count <= self.budget.writes + 1 for count in told.values())
        final = {self.kind.states[state] for state in StatusState if state.final}
        for name, all_of in history.items():
            states = [one.state in final for one in all_of]
            assert states == sorted(states), f"{name} went back from its end"
        reads = [asked for asked in self.fake.state.asked if asked.method != "POST"]
        assert len(reads) <= (2 * len(self.fake.met) if self.kind.doubts else 0), "nothing is read before it is written"


def play(seed: int, kind: str = "github") -> Script:
    """Run one history before a forge of a kind, and check it; whatever is wrong names the seed."""
    script = Script(seed, kind)

    async def whole() -> None:
        await script.run()
        await script.check()

    with structlog.testing.capture_logs() as lines:
        try:
            trio.run(whole, clock=trio.testing.MockClock(autojump_threshold=0))
        except BaseException as error:
            error.add_note(f"{kind}, seed {seed}")
            raise
    said = "\n".join(map(str, [*lines, *script.stuck]))
    assert TOKEN not in said, f"seed {seed}: the token is in a log"
    assert "Traceback" not in said, f"seed {seed}"
    assert not any(line["event"] == "reconcile crashed" for line in lines), f"seed {seed}: {lines}"
    return script
