"""A ledger that began anew on a real cluster: what the one before left is shown, ended and removed; ours stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.model.gang import Lifetime
from planner.model.run import Phase
from reconciler.backends.kubernetes.access import Access
from reconciler.backends.kubernetes.backend import Here, KubernetesBackend
from reconciler.errors import Refused
from tests.cluster.world import OWNER, SCRIPTS, ClusterWorld, NoTrees, SystemClock
from tests.contracts.backend import Script, phase, seen, until

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

NEXT = replace(OWNER, ledger="ledger-2", sequence=1)


@pytest.fixture
async def world(cluster, namespace, tmp_path):
    world = ClusterWorld(cluster, namespace, tmp_path)
    yield world
    await world.close()


def opened(world: ClusterWorld) -> KubernetesBackend:
    """A daemon of another ledger with the same instance and project."""
    here = Here(world.folder / "next", NoTrees(), world.folder / "next")
    made = KubernetesBackend(world.settings, Access(world.cluster.kubeconfig), NEXT, SystemClock(), here)
    world.backends.append(made)
    return made


def served(world: ClusterWorld, name: str):
    order = world.shell(name, SCRIPTS[Script.SERVICE])
    gang = replace(order.run.gang, lifetime=Lifetime.ALWAYS, ports=(8080,))
    return replace(order, run=replace(order.run, kind="service", gang=gang))


async def test_what_another_ledger_left_is_removed_and_ours_stays(world):
    old = world.open()
    runs, ends, serves = world.order("runs", Script.FOREVER), world.order("ends", Script.SUCCEED), served(world, "web")
    cleaned = world.order("cleaned", Script.SUCCEED)
    for order in (runs, ends, serves, cleaned):
        await old.ensure(order)
    for order, wanted in ((runs, Phase.RUNNING), (ends, Phase.ENDED), (serves, Phase.RUNNING), (cleaned, Phase.ENDED)):
        await phase(world, old, order.key, wanted)
    await old.clean(cleaned.key)
    assert not await old.adoption.left(), "its own is nobody else's"

    new = opened(world)
    own = replace(served(world, "own"), stamp=NEXT)
    await new.ensure(own)
    with pytest.raises(Refused, match=r"exists and is of the ledger ledger-1; plumbline adopt shows"):
        await new.ensure(replace(runs, stamp=NEXT))
    for order in (runs, ends, serves):
        assert await seen(new, order.key) is None, "what is another's says nothing of ours"
    await new.clean(ends.key)
    await new.stop(runs.key, 0.0)
    assert not (await new.observe()).objects.keys() & {runs.key, ends.key, serves.key}
    left = await new.adoption.left()
    assert {one.attempt: one.state for one in left} == {
        str(runs.key): "running",
        str(ends.key): "ended",
        str(serves.key): "running",
        str(cleaned.key): "cleaned",
    }
    assert {one.ledger for one in left} == {OWNER.ledger}

    await new.adoption.remove(left)
    await new.adoption.remove(left)

    async def gone():
        return not await new.adoption.left()

    await until(world, gone)
    assert not any(world.pods(order.key) for order in (runs, ends, serves, cleaned)), (
        "names are free when pods are gone"
    )
    await phase(world, new, own.key, Phase.RUNNING)
    assert world.kinds() == {"deployments": 1, "services": 1, "configmaps": 1}, "ours, and nothing else"

    before = world.starts(runs.key)
    await new.ensure(replace(runs, stamp=NEXT))
    await phase(world, new, runs.key, Phase.RUNNING)
    await until(world, lambda: world.starts(runs.key) == before + 1)


async def test_a_service_that_goes_on_keeps_its_way(world):
    """The next attempt of ours is there under another name, and has the Service by then."""
    old, new = world.open(), opened(world)
    order = served(world, "web")
    await old.ensure(order)
    await phase(world, old, order.key, Phase.RUNNING)
    again = replace(order, key=order.key.run.at_attempt(2), stamp=NEXT)
    await new.ensure(again)
    await new.adoption.remove(await new.adoption.left())

    async def gone():
        return not await new.adoption.left()

    await until(world, gone)
    assert world.kinds() == {"deployments": 1, "services": 1, "configmaps": 1}
