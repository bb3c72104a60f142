"""Retention: what is over and beyond what is kept goes, and nothing that somebody still needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import anyio
import pytest

from planner import keys
from planner.keys import Key
from planner.model import facts as f
from planner.model.people import Command
from planner.model.retention import Removed
from planner.model.retention import Retention as Rule
from planner.model.run import Leases, Observation, Phase, Stamp
from planner.model.schedule import Cursor
from planner.model.status import RunStatus
from reconciler.errors import Transient
from reconciler.ports import Expired, Ledger, RunQuery
from tests.reconciler.api.support import Answer, Api, World, job, policy

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

T0 = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
RULE = "the newest 2"


@pytest.fixture
def anyio_backend():
    return "asyncio"


def key(number: int, root: str = "train") -> Key:
    return keys.generation(root, number)


def history(number: int, status: RunStatus = RunStatus.SUCCEEDED, root: str = "train") -> list[f.Fact]:
    """A run that was opened, ran and ended on its day."""
    run, at = key(number, root), T0 + number * DAY
    attempt = run.at_attempt(1)
    stamp = Stamp("l", 1, "test", "p")
    ended = Observation(attempt, Phase.ENDED, started_at=at, ended_at=at, exit_code=0, stamp=stamp)
    return [
        f.Opened(
            root=root, key=run, kind="job", commit="c", generation=number, form=f"form-{number}", because="", at=at
        ),
        f.Bound(root, run, f"digest-{number}", f"bound-{root}-{number}", at),
        f.Intended(root, attempt, Leases(), at),
        f.Observed(root, ended, at),
        f.Settled(root, run, status, "", at),
        f.Cleaned(root, attempt, at),
    ]


async def filled(ledger: Ledger, count: int = 6, root: str = "train") -> None:
    for number in range(1, count + 1):
        await ledger.record(history(number, root=root), {f"bound-{root}-{number}": "{}"})


def expired(count: int | None = 2, before: datetime | None = None, limit: int = 100) -> Expired:
    return Expired(count, before, limit)


async def going(ledger: Ledger, wanted: Expired, root: str = "train") -> list[str]:
    return [str(runs[0].key) for runs in await ledger.expired(root, wanted)]


async def left(ledger: Ledger, root: str = "train") -> list[str]:
    return sorted(str(run.key) for run in await ledger.runs(RunQuery(root=root, limit=100)))


async def forget(ledger: Ledger, *numbers: int) -> int:
    return await ledger.forget("train", [key(number) for number in numbers], Removed(T0, RULE, 0, T0))


@pytest.mark.parametrize(
    ("wanted", "gone"),
    [
        pytest.param(expired(2), [1, 2, 3, 4], id="count"),
        pytest.param(expired(0), [1, 2, 3, 4, 5], id="the-last-stays-whatever-the-rule"),
        pytest.param(expired(100), [], id="there-are-fewer"),
        pytest.param(expired(None, T0 + 4 * DAY), [1, 2, 3], id="age"),
        pytest.param(expired(5, T0 + 3 * DAY), [1, 2], id="both-must-hold-to-be-kept"),
        pytest.param(expired(2, limit=2), [1, 2], id="no-more-than-asked-for-oldest-first"),
        pytest.param(expired(None), [], id="no-rule"),
    ],
)
async def test_what_is_beyond_the_rule(ledger, wanted, gone):
    await filled(ledger)
    await filled(ledger, root="other")
    assert await going(ledger, wanted) == [str(key(number)) for number in gone]


async def test_what_is_removed_is_gone_with_its_facts_and_what_it_was_bound_to(ledger):
    await filled(ledger)
    await filled(ledger, root="other")
    sequence = await ledger.sequence()
    assert await forget(ledger, 1, 2) == 2
    assert await left(ledger) == [str(key(number)) for number in (3, 4, 5, 6)]
    assert len(await left(ledger, "other")) == 6
    facts = [fact for _, fact in await ledger.facts("train")]
    assert {str(fact.key.run) for fact in facts if isinstance(fact, f.Settled)} == set(await left(ledger))
    assert (await ledger.blob("bound-train-1"), await ledger.blob("bound-train-3")) == (None, "{}")
    assert await ledger.blob("bound-other-1") == "{}"
    removed = (await ledger.root("train")).record.removed
    assert removed == Removed(T0, RULE, 2, T0 + 2 * DAY)
    # The sequence goes on, and a second time changes nothing.
    assert await forget(ledger, 1, 2) == 0
    assert await ledger.sequence() == sequence
    assert await ledger.record(history(7)) == sequence + 6
    assert await forget(ledger, 3) == 1
    assert (await ledger.root("train")).record.removed == Removed(T0, RULE, 3, T0 + 3 * DAY)


async def test_moves_of_the_cursor_go_with_the_ticks_that_they_made(ledger):
    for number in range(1, 5):
        moved = f.CursorMoved("train", Cursor("anchor", T0, T0 + number * DAY), T0)
        await ledger.record([moved, *history(number)])
    await forget(ledger, 1, 2)
    moves = [fact for _, fact in await ledger.facts("train") if isinstance(fact, f.CursorMoved)]
    assert [fact.cursor for fact in moves][-2:] == [Cursor("anchor", T0, T0 + n * DAY) for n in (3, 4)]
    assert len(moves) == 2
    assert (await ledger.root("train")).record.cursor == moves[-1].cursor


NEEDED = {
    "named-by-a-command": [
        f.Asked("train", Command("c1", "retry", "train", {"key": str(key(1))}, "ada", T0), T0),
    ],
    "carried-by-one-that-stays": [
        f.Opened(root="train", key=key(7), kind="job", commit="c", generation=7, form="f", because="", at=T0 + 7 * DAY),
        f.Carried("train", key(7), key(1), T0),
    ],
    "cached-by-another-operation": [
        f.Opened(root="other", key=key(1, "other"), kind="job", commit="c", generation=1, form="f", because="", at=T0),
        f.CacheHit("other", key(1, "other"), key(1), {}, T0),
    ],
}


@pytest.mark.parametrize("facts", [pytest.param(facts, id=name) for name, facts in NEEDED.items()])
async def test_what_is_needed_stays(ledger, facts):
    await filled(ledger)
    await ledger.record(facts)
    assert str(key(1)) not in await going(ledger, expired(2))
    assert str(key(2)) in await going(ledger, expired(2))
    # Asked for between the look and the removal: it stays too.
    assert await forget(ledger, 1) == 0
    assert str(key(1)) in await left(ledger)


async def test_the_newest_success_stays_for_the_cache(ledger):
    await ledger.record(history(1))
    for number in range(2, 6):
        await ledger.record(history(number, RunStatus.FAILED))
    assert await going(ledger, expired(1)) == [str(key(number)) for number in (2, 3, 4)]


async def test_what_is_not_over_or_not_cleaned_stays(ledger):
    await ledger.record(history(1)[:3])
    await ledger.record(history(2)[:5])
    for number in range(3, 6):
        await ledger.record(history(number))
    assert await going(ledger, expired(0)) == [str(key(number)) for number in (3, 4)]


# In a daemon


async def removed_down_to(world: World, count: int) -> None:
    with anyio.fail_after(60):
        while len(await left(world.ledger)) > count:
            world.loop.retention.begin()
            await anyio.sleep(0.01)


async def removable(api: Api) -> Answer:
    """What `plumbline gc --dry-run` is told: what has ended is cleaned a little later."""
    for _ in range(1000):
        found = await api.get("/v1/gc")
        if found["removable"]:
            break
        await anyio.sleep(0.01)
    return found


async def test_a_daemon_removes_and_says_so():
    world = World()
    rules = policy("policies: [{match: 'a.yaml', retention: {count: 2}}]")
    world.push({"a.yaml": job("train"), "b.yaml": job("other"), **rules})
    async with world.running() as api:
        await api.until("train", "succeeded")
        for _ in range(4):
            await api.ask("run", "train")
            await api.ask("run", "other")
        await api.until("train", "succeeded")
        found = await removable(api)
        assert [one["operation"] for one in found["removable"]] == ["train"] * found["count"]
        assert {one["kept"] for one in found["removable"]} == {"the newest 2"}
        assert found["bytes"] == found["count"] > 0
        assert not found["more"]
        first = str(key(1))
        assert (await api.get("/v1/run", run=first))["status"] == "succeeded"
        await removed_down_to(world, 3)  # the generation in force is named by its record
        assert len(await left(world.ledger, "other")) == 5
        record = (await world.ledger.root("train")).record
        assert record.removed is not None
        answer = await api.get("/v1/run", 404, run="train@req-gone")
        assert "if there was, it was removed by retention, on 20" in str(answer)
        assert "(kept are the newest 2)" in str(answer)


async def test_files_that_cannot_be_removed_keep_their_row():
    world = World()
    world.core.policy = world.core.policy.__class__(world.identity, "main", retention=Rule(count=0))
    await filled(world.ledger)

    async def forget(run: Key, attempts: int, sequence: int) -> None:
        if run == key(2):
            raise Transient("it cannot be removed")

    world.backend.forget = forget
    with pytest.raises(Transient):
        await world.loop.retention.step()
    assert await left(world.ledger) == [str(key(number)) for number in (2, 3, 4, 5, 6)]
    await world.backend.close()
