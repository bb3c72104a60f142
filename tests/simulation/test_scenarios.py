"""Histories in which the simulation found the daemon wrong, each as short as it gets, told without a seed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from datetime import timedelta

import pytest
import trio

from planner.keys import Key
from planner.model.gang import Update
from planner.model.run import Snapshot
from planner.model.schedule import IntervalSchedule
from planner.model.status import RunStatus
from reconciler.backends.scripted import Program
from reconciler.ports import Order
from tests.simulation.clock import EPOCH
from tests.simulation.history import History
from tests.simulation.run import history_of, violations
from tests.simulation.specs import Part, Spec
from tests.simulation.world import Plan, Play, World

pytestmark = pytest.mark.simulation

FOREVER = Program(seconds=None)


async def push(world: World, *specs: Spec) -> None:
    """Push exactly these operations, and give the daemon a little time."""
    world.remote.push({"README.md": None, **{f"{spec.name}.yaml": (spec,) for spec in specs}})
    await world.up.wait()
    assert world.core is not None
    world.core.queue.add("source")
    await trio.sleep(5.0)


async def ask(world: World, verb: str, root: str, **args: object) -> None:
    await world.ask(verb, root, **args)
    await trio.sleep(5.0)


def history(script: Play, programs: dict[str, Program] | None = None) -> History:
    """The history of `script` without faults; programs by the key of their attempt, others end well at once."""

    def program(order: Order) -> Program:
        always = order.run.gang.lifetime.value == "always"
        return (programs or {}).get(str(order.key), FOREVER if always else Program(seconds=1.0))

    made = history_of(Plan(0, faults=False, programs=program), script)
    assert violations(made) == {}
    return made


def status(made: History, key: Key) -> RunStatus:
    return made.state.runs[key].status


def test_what_a_commit_that_is_pushed_back_to_says_survives_a_crash() -> None:
    """What it said before is final, and not its last word: a daemon that starts again sums it up again."""

    async def script(world: World) -> None:
        await push(world, Spec("train", version=1))
        first = world.remote.head
        await push(world, Spec("train", version=2))
        world.remote.head = first
        assert world.core is not None
        assert world.life is not None
        world.core.queue.add("source")
        await trio.sleep(0.02)
        world.life.kill("between what the operation says and what the commit says")
        world.remote.push({"README.md": None, "train.yaml": (Spec("train", version=3),)})  # the head is planned anyway
        await trio.sleep(60.0)

    made = history(script, {"train@g3#1": Program(seconds=0.0, exit_code=1)})
    first = min(made.state.planned, key=made.state.planned.__getitem__)

    assert made.state.commits[first].closed
    assert made.state.statuses[first, "plumbline/sim"].description == "failed: train"


def test_a_retry_lifts_the_stop_that_it_follows() -> None:
    async def script(world: World) -> None:
        await push(world, Spec("serve", "service"))
        await ask(world, "stop", "serve")
        await ask(world, "retry", "serve")

    made = history(script)

    assert {str(key) for key in made.alive} == {"serve@g1~1#1"}


def test_a_retry_of_a_stopped_dag_goes_on_with_what_never_started() -> None:
    async def script(world: World) -> None:
        await push(world, Spec("train", "dag", parts=(Part("load"), Part("fit", after=("load",)))))
        await ask(world, "stop", "train")
        await ask(world, "retry", "train")

    made = history(script, {"train@g1/load#1": FOREVER})

    assert status(made, Key("train", "g1")) is RunStatus.SUCCEEDED
    assert status(made, Key("train", "g1", ("fit",), 1)) is RunStatus.SUCCEEDED


def test_a_service_that_is_up_is_not_started_a_second_time() -> None:
    async def script(world: World) -> None:
        await push(world, Spec("serve", "service"))
        await ask(world, "run", "serve")

    made = history(script, {"serve@g1#1": Program(seconds=60.0)})

    assert {str(key) for key in made.alive} == {"serve@g1#2"}
    assert not made.state.answers["c1"].ok


def test_a_stopped_service_that_a_person_runs_is_not_retried_beside_it() -> None:
    async def script(world: World) -> None:
        await push(world, Spec("serve", "service"))
        await ask(world, "stop", "serve")
        await ask(world, "run", "serve")
        await ask(world, "retry", "serve", key="serve@g1")

    made = history(script)

    assert {str(key) for key in made.alive} == {"serve@req-c2#1"}
    assert not made.state.answers["c3"].ok


def test_a_commit_that_is_pushed_back_to_says_what_comes_of_it_now() -> None:
    async def script(world: World) -> None:
        await push(world, Spec("train", version=1))
        first = world.remote.head
        await push(world, Spec("train", version=2))
        world.remote.head = first
        await trio.sleep(60.0)

    made = history(script, {"train@g1#1": Program(seconds=1.0, exit_code=1)})
    first = min(made.state.planned, key=made.state.planned.__getitem__)
    said = {context: status.state.value for (ident, context), status in made.said.items() if ident == first}

    assert said == {"plumbline/sim": "success", "plumbline/sim/train": "success"}


def rolling(version: int) -> Spec:
    return Spec("serve", "service", version=version, update=Update.ROLLING)


def test_an_old_service_that_is_being_replaced_is_not_called_back() -> None:
    async def script(world: World) -> None:
        await push(world, rolling(1))
        stop, world.truth.stop = world.truth.stop, late(world)  # type: ignore[method-assign]
        await push(world, rolling(2))
        world.truth.stop = stop  # type: ignore[method-assign]
        await trio.sleep(60.0)

    def late(world: World) -> Callable[[Key, float], Awaitable[None]]:
        """Stops take long, so that the new service dies before the old one is seen to end."""
        stop = world.truth.stop

        async def stopped(key: Key, grace: float) -> None:
            await trio.sleep(20.0)
            await stop(key, grace)

        return stopped

    made = history(script, {"serve@g2#1": Program(seconds=10.0)})

    assert {str(key) for key in made.alive} == {"serve@g2#2"}
    assert made.state.runs[Key("serve", "g1")].attempt_count == 1


def test_a_service_that_was_retried_stays_up_until_the_new_one_is_ready() -> None:
    async def script(world: World) -> None:
        await push(world, rolling(1))
        await ask(world, "stop", "serve")
        await ask(world, "retry", "serve")
        await push(world, rolling(2))

    made = history(script, {"serve@g2#1": Program(seconds=None, ready_after=None)})

    assert {str(key) for key in made.alive} == {"serve@g1~1#1", "serve@g2#1"}


def test_a_plan_that_a_rename_overtook_is_made_again_under_the_new_name() -> None:
    every = Spec("train", schedule=IntervalSchedule(frequency=timedelta(seconds=100)))

    async def script(world: World) -> None:
        await push(world, every)
        await trio.sleep(100.0)  # the first tick runs until it is stopped, so that every plan looks at it
        look = world.truth.observe

        async def slowly(keys: Collection[Key] | None = None) -> Snapshot:
            await trio.sleep(20.0)
            return await look(keys)

        world.truth.observe = slowly  # type: ignore[method-assign]
        await trio.sleep(100.0)  # the second tick is being planned
        await push(world, replace(every, name="tune"))
        world.truth.observe = look  # type: ignore[method-assign]

    made = history(script, {f"train@{EPOCH + timedelta(seconds=100):%Y-%m-%dT%H:%M:%SZ}#1": Program(seconds=150.0)})
    ticks = [key.tick for key in made.state.runs]

    assert len(ticks) == len(set(ticks))
    assert made.state.roots["train"].cursor is None


def test_what_is_renamed_there_and_back_is_told_at_once_of_the_end_of_its_run() -> None:
    seen: list[RunStatus] = []

    async def script(world: World) -> None:
        await push(world, Spec("train"))
        for name in ("tune", "train"):
            await trio.sleep(10.0)
            await push(world, Spec(name))
        await trio.sleep(31.0)  # the next survey is later
        seen.append(world.ledger.snapshot().runs[Key("train", "g1", ())].status)

    history(script, {"train@g1#1": Program(seconds=50.0)})

    assert seen == [RunStatus.SUCCEEDED]


def test_the_pin_of_a_commit_that_is_being_planned_stays() -> None:
    pinned: list[bool] = []

    async def script(world: World) -> None:
        pin = world.source.pin

        async def slowly(commit: str, name: str) -> None:
            await pin(commit, name)
            assert world.loop is not None
            world.nursery.start_soon(world.loop.commits.prune_pins)
            await trio.sleep(1.0)

        world.source.pin = slowly  # type: ignore[method-assign]
        for version in (1, 2):
            await push(world, Spec("train", version=version))
            pinned.append(world.remote.head in await world.source.pins())

    history(script)

    assert pinned == [True, True]


NESTED = (
    Part("load"),
    Part("inner", after=("load",), parts=(Part("split", retries=1), Part("fold", needs=("split",)))),
)


def test_a_superseded_dag_waits_for_what_runs_in_a_dag_inside_it() -> None:
    async def script(world: World) -> None:
        await push(world, Spec("train", "dag", parts=NESTED))
        await push(world, Spec("train", "dag", version=2, parts=(replace(NESTED[0], version=2), *NESTED[1:])))

    made = history(script, {"train@g1/inner/split#1": Program(seconds=90.0, outputs={"value": 1})})

    assert status(made, Key("train", "g1", ("inner", "split"))) is RunStatus.SUCCEEDED
    assert status(made, Key("train", "g2")) is RunStatus.SUCCEEDED


def test_a_dag_inside_a_dag_goes_on_when_what_it_waited_for_is_retried() -> None:
    async def script(world: World) -> None:
        nodes = (Part("try"), Part("mend", after=("try",), trigger="one_failed", parts=(Part("fix"),)))
        await push(world, Spec("train", "dag", parts=nodes))
        await ask(world, "retry", "train", key="train@g1/try")

    slow = Program(seconds=90.0)
    made = history(script, {"train@g1/try#1": Program(exit_code=1), "train@g1/mend/fix#1": slow})

    assert status(made, Key("train", "g1", ("mend", "fix"))) is RunStatus.SUCCEEDED
    assert status(made, Key("train", "g1")) is RunStatus.SUCCEEDED


def test_a_schedule_that_is_added_to_what_is_refused_ends_its_status() -> None:
    refused = Spec("train", refused="no such framework")

    async def script(world: World) -> None:
        await push(world, refused)
        await push(world, replace(refused, schedule=IntervalSchedule(frequency=timedelta(minutes=10))))

    made = history(script)

    assert {record.state.value for record in made.said.values()} == {"failure"}


def test_a_schedule_that_is_changed_in_a_suspension_begins_when_it_is_planned() -> None:
    def every(seconds: int) -> Spec:
        return Spec("train", schedule=IntervalSchedule(frequency=timedelta(seconds=seconds)))

    async def script(world: World) -> None:
        await push(world, every(1000))
        await ask(world, "suspend", "train")
        await trio.sleep(30.0)
        await push(world, every(600))
        await ask(world, "unsuspend", "train")
        await trio.sleep(700.0)

    made = history(script)

    assert [str(key) for key in made.state.runs] == ["train@2026-11-23T06:10:40Z"]


def test_a_wall_clock_that_is_turned_forward_does_not_wait_for_the_time_to_pass() -> None:
    async def script(world: World) -> None:
        await push(world, Spec("train", schedule=IntervalSchedule(frequency=timedelta(hours=10))))
        world.clock.offset += timedelta(hours=11)
        world.history.wall_moved = True
        await trio.sleep(300.0)

    made = history(script)

    assert [str(key) for key in made.state.runs] == ["train@2026-11-23T16:00Z"]


def test_a_daemon_that_starts_with_a_full_disk_lives() -> None:
    async def script(world: World) -> None:
        await push(world, Spec("train"))
        assert world.life is not None
        world.life.kill("to start again")
        await trio.sleep(0.5)
        await world.up.wait()
        assert world.life is not None
        world.life.ledger_fails = 1.0
        await trio.sleep(60.0)
        world.life.ledger_fails = 0.0

    made = history(script, {"train@g1#1": Program(seconds=20.0)})

    assert status(made, Key("train", "g1")) is RunStatus.SUCCEEDED
    assert made.counts["daemon-gave-up"] == 0


def test_a_live_change_stays_in_force_while_the_next_commit_is_held() -> None:
    def every(minutes: int) -> Spec:
        return Spec("train", schedule=IntervalSchedule(frequency=timedelta(minutes=minutes)))

    async def script(world: World) -> None:
        await push(world, every(600))
        await push(world, every(10))
        world.remote.push({"README.md": None})  # would remove everything: held until somebody approves
        await trio.sleep(1500.0)

    made = history(script)

    assert [key.tick.minute for key in made.state.runs if key.tick] == [10, 20]


def test_a_look_from_before_the_clock_was_turned_back_proves_no_absence() -> None:
    async def script(world: World) -> None:
        await push(world, Spec("ingest"))
        old = await world.truth.observe([Key("train", "g1", attempt=1)])
        world.clock.offset -= timedelta(seconds=300)
        world.history.wall_moved = True
        await push(world, Spec("ingest"), Spec("train"))
        look = world.truth.observe

        async def as_before(keys: Collection[Key] | None = None) -> Snapshot:
            return old if keys is not None else await look()

        world.truth.observe = as_before  # type: ignore[method-assign]
        assert world.core is not None
        world.core.backend.observe = as_before  # type: ignore[method-assign]
        world.core.queue.add("root:train")
        await trio.sleep(5.0)
        world.truth.observe = look  # type: ignore[method-assign]
        del world.core.backend.observe

    made = history(script, {"train@g1#1": Program(seconds=60.0)})

    assert status(made, Key("train", "g1")) is RunStatus.SUCCEEDED


def test_a_schedule_that_waited_for_a_suspension_begins_when_it_is_planned() -> None:
    every = Spec("train", schedule=IntervalSchedule(frequency=timedelta(seconds=600)))

    async def script(world: World) -> None:
        await push(world, every)
        await push(world, Spec("serve"))
        await ask(world, "suspend", "", **{"for": 60})
        await push(world, Spec("serve"), every)
        await trio.sleep(700.0)

    made = history(script)

    assert [str(key) for key in made.state.runs if key.tick] == ["train@2026-11-23T06:11:10Z"]


def test_a_service_that_was_changed_unheard_is_put_right_by_the_next_look_at_everything() -> None:
    seen = []

    async def script(world: World) -> None:
        await push(world, Spec("serve", "service"))
        (key,) = world.truth.alive()
        for _ in range(2):
            world.truth.change(key, "somebody else changed it")
            await trio.sleep(2 * world.plan.resync)
            seen.append((await world.truth.observe([key])).objects[key].drift)

    made = history(script)

    assert seen == ["", ""]
    (run,) = made.state.runs.values()
    assert (len(run.attempts), run.attempts[0].drift.words) == (1, "")


SERVICES = [Spec(name, "service") for name in ("a", "b", "c", "d", "e")]


async def burn(world: World) -> None:
    """Everything that runs is gone at once, and nobody knows why."""
    for key in sorted(world.truth.alive()):
        world.truth.vanish(key)
    await trio.sleep(400.0)


def test_a_cluster_that_seems_lost_is_not_started_again_by_itself() -> None:
    counts = []

    async def script(world: World) -> None:
        await push(world, *SERVICES)
        await burn(world)
        counts.append(len(world.history.starts))
        await push(world, *SERVICES, Spec("train"))
        counts.append(len(world.history.starts))

    made = history(script)  # in the end a person agrees

    assert counts == [5, 6], "what is new starts all the same"
    assert sorted(str(key) for key in made.alive) == [f"{name}@g1#2" for name in "abcde"]


def test_a_second_loss_is_not_believed_because_the_first_one_was() -> None:
    counts = []

    async def script(world: World) -> None:
        await push(world, *SERVICES)
        await burn(world)
        await ask(world, "approve", "")
        await trio.sleep(60.0)
        await burn(world)
        counts.append(len(world.history.starts))

    made = history(script)

    assert counts == [10]
    assert sorted(str(key) for key in made.alive) == [f"{name}@g1#3" for name in "abcde"]


def test_what_was_ended_for_a_generation_that_never_started_is_made_anew() -> None:
    async def script(world: World) -> None:
        await push(world, Spec("serve", "service"))
        await push(world, Spec("serve", schedule=IntervalSchedule(frequency=timedelta(hours=9))))
        await push(world, Spec("serve", "service"))

    made = history(script)

    assert {str(key) for key in made.alive} == {"serve@g3#1"}
