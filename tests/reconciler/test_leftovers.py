"""What belongs to no run goes once nothing needs it: rows of the ledger, what commits said, and caches."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import pytest

from planner import keys
from planner.details import name_of
from planner.keys import Key
from planner.model import facts as f
from planner.model.commits import Change, StatusState, What
from planner.model.events import OutsideEvent
from planner.model.gang import CodeTree
from planner.model.notices import Notice
from planner.model.people import Command
from planner.model.records import Planned
from planner.model.retention import Removed
from planner.model.status import RunStatus
from reconciler.backends import code
from reconciler.backends.machine.folders import trees_cache
from reconciler.backends.machine.trimming import TreesCache
from reconciler.errors import Transient
from reconciler.ledger.sqlite import open_sqlite
from reconciler.leftovers import Leftovers
from reconciler.ports import Ledger
from reconciler.ports_sweep import Bounds, Kept, Stage, Sweep, Trimmed
from tests.reconciler.api.support import World, job

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

T0 = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LATER = Bounds(events=T0 + 30 * DAY, history=T0 + 30 * DAY)


@pytest.fixture
def anyio_backend():
    return "asyncio"


def run(number: int = 1, cause: str = "", root: str = "train") -> list[f.Fact]:
    """A run that is over."""
    key = Key(root, cause) if cause else keys.generation(root, number)
    return [
        f.Opened(
            root=root, key=key, kind="job", commit="c", generation=number, form=f"form-{number}", because="", at=T0
        ),
        f.Bound(root, key, "digest", f"bound-{number}", T0),
        f.Settled(root, key, RunStatus.SUCCEEDED, "", T0),
    ]


def sent(ident: str, at: datetime = T0, about: str = "", ref: str = "people") -> f.Received:
    return f.Received(OutsideEvent(ident, "project_custom_event", ref, at, {"n": 1}, about), at)


def notice(ident: str, key: Key) -> f.Noticed:
    told = Notice(ident, "chat", key.root, key, "job", "done", "succeeded", "", "", "c", T0)
    return f.Noticed(key.root, told, T0)


async def swept(ledger: Ledger, bounds: Bounds = LATER, *, remove: bool = True) -> dict[str, int]:
    sweep = Sweep(remove=remove)
    while not sweep.done:
        await ledger.sweep(bounds, sweep)
    return dict(sweep.gone)


async def test_content_that_nothing_names_goes(ledger):
    planned = Planned("c1", "d", "l", "form-planned", "a.yaml")
    command = Command("q1", "retry", "train", {"form": "form-asked"}, "ada", T0)
    facts = [
        *run(),
        f.TargetSet("train", planned, None, T0),
        f.Asked("train", command, T0),
        f.Pinned("hub", "pin", "a", T0),
    ]
    used = ["form-1", "bound-1", "form-planned", "form-asked", "pin"]
    await ledger.record(facts, dict.fromkeys([*used, "form-0", "orphan"], "{}"))
    assert await swept(ledger, Bounds(T0, T0), remove=False) == {"content": 2}
    assert await swept(ledger, Bounds(T0, T0)) == {"content": 2}
    assert [await ledger.blob(name) for name in (*used, "form-0", "orphan")] == ["{}"] * 5 + [None] * 2
    assert await swept(ledger, Bounds(T0, T0)) == {}
    # The next target lets go of the one before it; an answer of what was asked for.
    await ledger.record(
        [f.TargetSet("train", replace(planned, form="form-1"), None, T0), f.Answered("train", "q1", True, "", T0)]
    )
    await ledger.record([f.Pinned("hub", "", "a", T0)])
    assert await swept(ledger, Bounds(T0, T0)) == {"content": 3}


async def test_what_a_commit_has_wrong_goes_with_it_and_where_that_is_something_else(ledger):
    first, third = (name_of(f"{number:040x}", f"d1:{number}") for number in (1, 2))
    other = name_of(f"{1:040x}", "d1:other")
    unknown = name_of(f"{9:040x}", "d1:9")
    planned = [replace(commit(number)[0], details=name) for number, name in ((1, first), (2, third))]
    await ledger.record(planned, dict.fromkeys([first, third, unknown], "{}"))
    assert await swept(ledger, Bounds(T0, T0)) == {"content": 1}
    # It is planned again, and has something else wrong; the forge was told of neither, or of one.
    await ledger.record([replace(planned[0], details=other)], {other: "{}"})
    assert await swept(ledger, Bounds(T0, T0)) == {"content": 1}
    told = [f.Detailed(f"{1:040x}", other, T0), *commit(1)[1:], *commit(2)[1:], *commit(3)]
    await ledger.record(told)
    assert await swept(ledger, Bounds(T0, T0)) == {}
    assert [await ledger.blob(name) for name in (first, other, third, unknown)] == [None, "{}", "{}", None]
    assert await ledger.remove_commits(2, await ledger.old_commits(2, 10)) == 1
    assert await swept(ledger, Bounds(T0, T0)) == {"content": 1}
    assert [await ledger.blob(name) for name in (other, third)] == [None, "{}"]


async def test_what_comes_into_use_while_a_sweep_goes_on_stays(tmp_path):
    """Of the ledger on disk: names were looked for, and then a commit plans what nothing named before."""
    ledger = await open_sqlite(tmp_path / "ledger.db", "test", "p")
    await ledger.record([], {"form-1": "{}", "form-2": "{}", "form-3": "{}"})
    sweep = Sweep()
    await ledger.sweep(LATER, sweep)
    assert sweep.stage is Stage.CONTENT
    await ledger.record(
        [f.TargetSet("train", Planned("c1", "d", "l", "form-2", "a.yaml"), None, T0), *run(3)], {"form-2": "{}"}
    )
    await ledger.sweep(LATER, sweep)
    assert sweep.gone == {"content": 1}
    assert [await ledger.blob(f"form-{number}") for number in (1, 2, 3)] == [None, "{}", "{}"]
    await ledger.close()


KEPT_EVENTS = {
    "young": [sent("e1", T0 + 31 * DAY)],
    "its-run-is-known": [sent("e1"), *run(cause="ev-e1")],
    "of-a-run-that-is-known": [sent("e1", about="train@g1", ref="runs.train"), *run()],
    "undecided": [sent("e1"), f.Happened("train", sent("e1").event, T0)],
}


@pytest.mark.parametrize("facts", [pytest.param(facts, id=name) for name, facts in KEPT_EVENTS.items()])
async def test_events_that_stay(ledger, facts):
    await ledger.record([*facts, sent("e2"), sent("e3", about="train@g9", ref="runs.train")])
    assert (await swept(ledger)).get("events") == 2
    assert [await ledger.event(ident) is not None for ident in ("e1", "e2", "e3")] == [True, False, False]


async def test_an_event_of_a_run_goes_after_the_run(ledger):
    await ledger.record([sent("e1"), *run(cause="ev-e1"), *run(2)])
    assert "events" not in await swept(ledger)
    assert await ledger.forget("train", [Key("train", "ev-e1")], Removed(T0, "", 0, T0)) == 1
    assert (await swept(ledger))["events"] == 1


async def test_notices_go_once_they_were_sent_and_their_run_went(ledger):
    gone, kept = keys.generation("train", 8), keys.generation("train", 1)
    await ledger.record([*run(), notice("n1", gone), notice("n2", gone), notice("n3", kept)])
    await ledger.record([f.Delivered("n1", T0), f.Delivered("n3", T0)])
    assert (await swept(ledger, Bounds(T0, T0)))["notices"] == 1
    assert [await ledger.notice(ident) is not None for ident in ("n1", "n2", "n3")] == [False, True, True]
    assert [one.ident for one in await ledger.unsent(10)] == ["n2"]


async def test_old_facts_and_answers_go_and_nothing_that_is_decided_changes(ledger):
    command = Command("q1", "stop", "train", {}, "ada", T0)
    await ledger.record([*run(), f.Asked("train", command, T0), f.Answered("train", "q1", True, "done", T0)])
    await ledger.record([f.Answered("", "q2", True, "young", T0 + 31 * DAY), *run(2, root="other")])
    before = (await ledger.root("train"), await ledger.project(), await ledger.sequence())
    assert await swept(ledger) == {"answers": 1, "facts": 2}
    assert (await ledger.answer("q1"), (await ledger.answer("q2")).message) == (None, "young")
    kinds = [type(fact).__name__ for _, fact in await ledger.facts()]
    assert kinds == ["Opened", "Bound", "Settled", "Answered", "Opened", "Bound", "Settled"]
    assert (await ledger.root("train"), await ledger.project(), await ledger.sequence()) == before
    assert await ledger.record(run(3)) == before[2] + 3


async def test_facts_that_a_rename_has_left_under_another_name_go_after_their_run(ledger):
    await ledger.record([*run(1, root="old"), *run(2, root="old"), f.Renamed("new", "old", T0)])
    assert await ledger.forget("new", [keys.generation("old", 1)], Removed(T0, "", 0, T0)) == 1
    await swept(ledger)
    left = {str(fact.key) for _, fact in await ledger.facts() if isinstance(fact, f.Opened)}
    assert left == {"old@g2"}


# Commits


def commit(number: int, state: StatusState = StatusState.SUCCESS, *, posted: bool = True) -> list[f.Fact]:
    """A planned commit, what it says, and that the forge was told."""
    ident, at = f"{number:040x}", T0 + timedelta(minutes=number)
    planned = f.CommitPlanned(
        commit=ident,
        tree="t",
        branch="main",
        at=at,
        changes=(Change("train", What.CHANGED),),
        problems=0,
        first_problem="",
    )
    said = [
        f.StatusChanged("train", ident, "plumbline/test/train", state, "", at),
        f.StatusChanged("", ident, "plumbline/test", state, "", at),
    ]
    told = [f.Posted(ident, one.context, one.at, at) for one in said] if posted else []
    return [planned, *said, *told]


async def commits_of(ledger: Ledger) -> list[int]:
    return sorted(int(one.ident, 16) for one in await ledger.commits(100_000))


async def test_commits_beyond_the_newest_go_with_what_they_said(ledger):
    for number in range(1, 8):
        await ledger.record(
            commit(number, StatusState.PENDING if number == 2 else StatusState.SUCCESS, posted=number != 3)
        )
    await ledger.record([f.TargetSet("train", Planned(f"{4:040x}", "d", "l", "form", "a.yaml"), None, T0)])
    old = await ledger.old_commits(2, 100)
    assert [int(one, 16) for one in old] == [1, 5]  # 2 is open, 3 was not told, 4 is what is wanted of a root
    assert await ledger.old_commits(2, 1) == [old[0]]
    assert [*await ledger.old_commits(7, 100), *await ledger.old_commits(100, 100)] == []
    assert await ledger.remove_commits(2, [*old, f"{4:040x}", f"{7:040x}"]) == 2
    assert await commits_of(ledger) == [2, 3, 4, 6, 7]
    assert await ledger.statuses(old[0]) == []
    assert len(await ledger.statuses(f"{4:040x}")) == 2
    assert await ledger.remove_commits(2, old) == 0


# In a daemon


class Forge:
    """Takes notes back, unless told not to."""

    def __init__(self, inner: object) -> None:
        self.inner, self.erased, self.fails = inner, [], False

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)

    async def erase(self, commits: Sequence[str]) -> None:
        if self.fails:
            raise Transient("the forge is away")
        self.erased += commits


class Box:
    """A cache that counts."""

    name = "box"

    def __init__(self) -> None:
        self.trimmed = 0

    async def trim(self, before: datetime, *, remove: bool) -> Trimmed:
        self.trimmed += remove
        return Trimmed(2, 100)


async def worked_off(leftovers: Leftovers, world: World) -> int:
    """Steps until there is no more to do."""
    for steps in range(100_000):
        await leftovers.step()
        if leftovers.resting:
            return steps
    raise AssertionError("it does not end")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    made.core.policy = replace(made.core.policy, kept=Kept(commits=500))
    made.core.forge = Forge(made.core.forge)
    yield made
    await made.backend.close()


async def test_what_commits_said_goes_from_the_forge_before_it_goes_from_the_ledger(world):
    for number in range(1, 702):
        await world.ledger.record(commit(number))
    box = Box()
    leftovers = Leftovers(world.core, (box,))
    facts = Trimmed(701 * 5)
    assert await leftovers.all() == {"commits": Trimmed(201), "facts": facts, "box": Trimmed(2, 100)}
    world.core.forge.fails = True
    with pytest.raises(Transient):
        await leftovers.step()
    assert len(await commits_of(world.ledger)) == 701
    world.core.forge.fails = False
    await worked_off(leftovers, world)
    assert sorted(int(one, 16) for one in world.core.forge.erased) == list(range(1, 202))
    assert await commits_of(world.ledger) == list(range(202, 702))
    assert box.trimmed == 1


async def test_a_daemon_that_died_between_the_two_says_it_once_more(world):
    for number in range(1, 502):
        await world.ledger.record(commit(number))
    leftovers = Leftovers(world.core, ())
    dies = world.ledger.remove_commits

    async def die(*_: object) -> int:
        raise Transient("the disk is full")

    world.ledger.remove_commits = die
    with pytest.raises(Transient):
        await leftovers.step()
    world.ledger.remove_commits = dies
    await worked_off(Leftovers(world.core, ()), world)
    assert world.core.forge.erased == [f"{1:040x}"] * 2
    assert len(await commits_of(world.ledger)) == 500


async def test_ten_thousand_go_in_small_steps(tmp_path):
    """No step removes more than a page of rows, and the daemon records in between."""
    ledger = await open_sqlite(tmp_path / "ledger.db", "test", "p", alone=True)
    count = 2_500
    facts: list[f.Fact] = []
    for number in range(count):
        facts += [sent(f"e{number:05}"), notice(f"n{number:05}", keys.generation("train", number + 2))]
        facts += [f.Delivered(f"n{number:05}", T0), f.Answered("train", f"q{number:05}", True, "", T0)]
    await ledger.record([*run(), *facts], {f"form-{number:05}": "{}" for number in range(count)})
    for number in range(600):
        await ledger.record(commit(number))
    sweep, most, steps = Sweep(), 0, 0
    while not sweep.done:
        had = sweep.gone.total()
        await ledger.sweep(LATER, sweep)
        most, steps = max(most, sweep.gone.total() - had), steps + 1
        if steps % 10 == 0:
            await ledger.record([f.Answered("", f"young-{steps}", True, "", T0 + 60 * DAY)])
    assert most <= 1000
    wanted = {"content": count, "events": count, "notices": count, "answers": count}
    assert {name: sweep.gone[name] for name in wanted} == wanted
    assert sweep.gone["facts"] == 4 * count + 600 * 5
    assert len(await ledger.facts()) == 3 + steps // 10
    await ledger.close()


async def test_a_person_sees_it_before_it_goes():
    world = World()
    world.push({"a.yaml": job("train")})
    async with world.running() as api:
        await api.until("train", "succeeded")
        await world.ledger.record([], {"orphan": "{}"})
        found = await api.get("/v1/gc")
        assert found["leftovers"] == {"content": {"count": 1, "bytes": 0}}
        assert (await api.client.post("/v1/gc")).status_code == 202
        for _ in range(1000):
            if not (await api.get("/v1/gc"))["leftovers"]:
                break
            await anyio.sleep(0.01)
        assert await world.ledger.blob("orphan") is None


# Exported trees


class Repository:
    """Exports a file."""

    def __init__(self) -> None:
        self.exports = 0

    async def export(self, tree: CodeTree, dest: Path) -> None:
        self.exports += 1
        shutil.copytree(Path(__file__).parent / "stores", dest)


async def test_exported_trees_go_when_nothing_used_them(tmp_path):
    cache, trees = trees_cache(tmp_path), Repository()
    cache.mkdir()
    first, second = CodeTree("a", "1" * 40, ""), CodeTree("b", "2" * 40, "")
    await code.fetch(trees, [first, second], cache)
    (cache / ".cut-off.ab12").mkdir()
    for entry in cache.iterdir():
        os.utime(entry, (0, 0))
    (used,) = await code.fetch(trees, [first], cache)  # it is used again
    now = datetime.now(UTC)
    trimmer = TreesCache(tmp_path)
    found = await trimmer.trim(now - DAY, remove=False)
    assert (found.count, found.size > 0) == (2, True)
    assert (await trimmer.trim(now - DAY, remove=True)).count == 2
    assert list(cache.iterdir()) == [used.parent]
    assert list(used.iterdir())
    assert (await trimmer.trim(now - DAY, remove=True)) == Trimmed()
    await code.fetch(trees, [second], cache)
    assert trees.exports == 3
    assert await TreesCache(tmp_path / "none").trim(now, remove=True) == Trimmed()
