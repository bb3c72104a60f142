"""Short histories for planted bugs that seeds show late: by the name of the bug's patch, and without other faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import trio

from planner.model.facts import Fact, TargetSet
from reconciler.errors import Transient
from reconciler.ports import Ensured, Order
from tests.simulation.specs import Broken, Content, Spec
from tests.simulation.world import Play, World

__all__ = ["SHORTS"]

SERVE = Spec("serve", "service")


async def _late_create(world: World) -> None:
    """The create of a service comes long after its answer was lost, and a person stops the service in between."""
    ensure = world.truth.ensure

    async def later(order: Order) -> None:
        await trio.sleep(100.0)
        await ensure(order)

    async def late(order: Order) -> Ensured:
        world.truth.ensure = fails  # type: ignore[method-assign]
        world.nursery.start_soon(later, order)
        raise Transient("the answer was lost before the effect")

    async def fails(_: Order) -> Ensured:
        raise Transient("it could not be done now")

    world.truth.ensure = late  # type: ignore[method-assign]
    await _push(world, {"serve.yaml": (SERVE,)})
    await world.ask("stop", "serve")
    await trio.sleep(50.0)
    world.truth.ensure = ensure  # type: ignore[method-assign]
    await trio.sleep(100.0)


async def _death_after_an_intent(world: World) -> None:
    """The daemon dies between the record of an intent and its effect."""
    ensure = world.truth.ensure

    async def dies(order: Order) -> Ensured:
        world.truth.ensure = ensure  # type: ignore[method-assign]
        assert world.life is not None
        world.life.kill(f"before {order.key} is made")
        return await trio.sleep_forever()

    world.truth.ensure = dies  # type: ignore[method-assign]
    await _push(world, {"serve.yaml": (SERVE,)})


async def _death_after_a_commit(world: World) -> None:
    """The daemon dies when the plan of a commit is recorded, before what it changes is planned: that had rested."""
    await _push(world, {"train.yaml": (Spec("train"),)})
    await trio.sleep(100.0)
    listened = world.ledger.after

    async def dies(facts: Sequence[Fact]) -> None:
        if listened is not None:
            await listened(facts)
        if any(isinstance(fact, TargetSet) for fact in facts) and world.life is not None:
            world.ledger.after = listened
            world.life.kill("before what a commit changes is planned")
            await trio.sleep_forever()

    world.ledger.after = dies
    await _push(world, {"train.yaml": (Spec("train", version=2),)})
    await trio.sleep(100.0)


async def _broken_beside_a_removal(world: World) -> None:
    """One commit breaks a file and drops another."""
    await _push(world, {"serve.yaml": (SERVE,), "train.yaml": (Spec("train"),)})
    await _push(world, {"train.yaml": Broken((Spec("train"),)), "tune.yaml": (Spec("tune"),)})


async def _push(world: World, content: Content) -> None:
    world.remote.push(content)
    await world.up.wait()
    assert world.core is not None
    world.core.queue.add("source")
    await trio.sleep(5.0)


SHORTS: Mapping[str, Play] = {
    "a-rest-that-outlives-its-record": _death_after_a_commit,
    "a-late-create-after-a-stop": _late_create,
    "an-intent-dropped-on-restart": _death_after_an_intent,
    "prune-on-a-partial-read": _broken_beside_a_removal,
}
