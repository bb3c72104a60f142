"""What a run left goes from this machine some time after its end, once the store has all of it and nobody reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import anyio
import pytest

from planner import keys
from planner.keys import Key
from planner.model import facts as f
from planner.model.artifacts import Artifacts, Earlier
from planner.model.run import Leases, Observation, Phase, Stamp
from planner.model.status import RunStatus
from reconciler.local_copies import LocalCopies
from reconciler.ports_sweep import Kept, Trimmed
from tests.reconciler.api.support import Backend, World
from tests.reconciler.stores.support import MemoryStore

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

T0 = datetime(2026, 1, 1, tzinfo=UTC)
STORE = "memory://kept"


@pytest.fixture
def anyio_backend():
    return "asyncio"


class Dropping(Backend):
    """A backend with a folder of ten bytes for each run."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.gone: list[str] = []

    async def let_go(self, run: Key, *, remove: bool) -> int:
        if str(run) in self.gone:
            return 0
        self.gone += [str(run)] if remove else []
        return 10


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World(store=MemoryStore())
    await made.backend.close()
    made.core.backend = made.backend = Dropping(made.clock, made._program)
    made.core.policy = replace(made.core.policy, kept=Kept(local=timedelta(days=14)))
    yield made
    await made.backend.close()


def ended(number: int, at: datetime = T0, root: str = "train") -> list[f.Fact]:
    """A run that left something and is over."""
    run = keys.generation(root, number)
    attempt, stamp = run.at_attempt(1), Stamp("l", 1, "test", "p")
    left = Artifacts(f"/runs/{root}-{number}/artifacts", names=("model",), files=1)
    seen = Observation(attempt, Phase.ENDED, started_at=at, ended_at=at, exit_code=0, artifacts=left, stamp=stamp)
    return [
        f.Opened(root=root, key=run, kind="job", commit="c", generation=number, form="form", because="", at=at),
        f.Bound(root, run, "digest", f"bound-{root}-{number}", at),
        f.Intended(root, attempt, Leases(), at),
        f.Observed(root, seen, at),
        f.Settled(root, run, RunStatus.SUCCEEDED, "", at),
        f.StoreIntended(root, run, STORE, at),
        f.Stored(root, run, STORE, at, 1, 10),
        f.Cleaned(root, attempt, at),
    ]


TRAIN = keys.generation("train", 1)
YOUNG = datetime.now(UTC) - timedelta(days=13)


def without(*kinds: type) -> Callable[[], list[f.Fact]]:
    return lambda: [fact for fact in ended(1) if not isinstance(fact, kinds)]


def changed(**changes: object) -> Callable[[], list[f.Fact]]:
    return lambda: [replace(fact, **changes) if isinstance(fact, f.Stored) else fact for fact in ended(1)]


def reading(text: str) -> list[f.Fact]:
    run = keys.generation("report", 1)
    return [
        f.Opened(root="report", key=run, kind="job", commit="c", generation=1, form="form", because="", at=T0),
        f.Bound("report", run, "digest", text, T0),
        f.Intended("report", run.at_attempt(1), Leases(), T0),
    ]


NAME = TRAIN.dns_name("test", "project")
STAY = {
    "young": lambda: ended(1, YOUNG),
    "its-copy-is-owed": without(f.Stored),
    "its-copy-lacks-something": changed(left=1),
    "another-store-has-it": lambda: [
        replace(fact, store="memory://old") if isinstance(fact, f.Stored | f.StoreIntended) else fact
        for fact in ended(1)
    ],
    "it-is-not-cleaned": without(f.Cleaned),
    "somebody-reads-it": lambda: [*ended(1), *reading(f"/runs/{NAME}/artifacts/outputs")],
    "somebody-reads-it-by-key": lambda: [*ended(1), *reading("train@g1")],
    "a-round-goes-on-in-it": lambda: [
        *ended(1),
        f.Retried("train", TRAIN, 1, ("",), "ada", T0, earlier={"": Earlier(TRAIN, copy=False)}),
    ],
}


@pytest.mark.parametrize("facts", [pytest.param(facts, id=name) for name, facts in STAY.items()])
async def test_what_stays(world, facts):
    found = facts()
    texts = {fact.bound: f'"{fact.bound}"' for fact in found if isinstance(fact, f.Bound)}
    await world.ledger.record([*found, *ended(1, root="other")], texts)
    assert await LocalCopies(world.core).trim(T0, remove=True) == Trimmed(1, 10)
    assert world.backend.gone == ["other@g1"]


async def test_what_would_go_is_told_before(world):
    await world.ledger.record([fact for number in range(1, 4) for fact in ended(number)])
    copies = LocalCopies(world.core)
    assert await copies.trim(T0, remove=False) == Trimmed(3, 30)
    assert world.backend.gone == []
    assert await copies.trim(T0, remove=True) == Trimmed(3, 30)
    assert await copies.trim(T0, remove=True) == Trimmed()


async def test_nothing_goes_where_nobody_wants_that(world):
    await world.ledger.record(ended(1))
    world.core.policy = replace(world.core.policy, kept=Kept())
    assert await LocalCopies(world.core).trim(T0, remove=True) == Trimmed()


async def test_no_intent_is_recorded_between_the_look_and_the_removal(world):
    await world.ledger.record(ended(1))
    done: list[Trimmed] = []

    async def trim() -> None:
        done.append(await LocalCopies(world.core).trim(T0, remove=True))

    async with anyio.create_task_group() as group, world.core.recording:
        group.start_soon(trim)
        await anyio.wait_all_tasks_blocked()
        await world.ledger.record(reading("x"), {"x": f'"/runs/{NAME}/artifacts"'})
    assert done == [Trimmed()]


async def test_pages_of_what_has_ended(ledger):
    for number in range(1, 8):
        await ledger.record(ended(number, T0 + timedelta(days=number)))
    found, after = [], 0
    while True:
        page = await ledger.ended(T0 + timedelta(days=6), after, 2)
        assert len(page.tops) <= 2
        found += [str(runs[0].key) for runs in page.tops]
        if page.after is None:
            break
        after = page.after
    assert found == [f"train@g{number}" for number in range(1, 6)]
