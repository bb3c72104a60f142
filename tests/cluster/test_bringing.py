"""What an attempt finds in place, and what is kept of it, in real pods that ask a daemon for it.

The laws of what is found are those of every backend.
"""

from dataclasses import replace

import pytest

from planner.model.run import Phase
from planner.model.status import StopReason
from reconciler.backends.kubernetes.render import pod as rendered
from tests.cluster.bringing import BringingClusterWorld
from tests.contracts.backend import phase
from tests.contracts.bringing import BringingContract

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]

LEAVES = 'echo weights > "$PLUMBLINE_ARTIFACTS/outputs/model"; echo answer=42 >> "$PLUMBLINE_OUTPUT"'


class TestKubernetesBrings(BringingContract):
    @pytest.fixture
    async def world(self, cluster, namespace, tmp_path):
        world = BringingClusterWorld(cluster, namespace, tmp_path)
        world.answer()
        yield world
        await world.close()


@pytest.fixture
async def world(cluster, namespace, tmp_path):
    """Nobody answers pods in it, unless told to."""
    world = BringingClusterWorld(cluster, namespace, tmp_path)
    yield world
    await world.close()


def short(order, **run):
    return replace(order, run=replace(order.run, grace=1.0, **run))


async def test_a_success_whose_files_nobody_took_in_time_is_lost(world, monkeypatch):
    monkeypatch.setattr(rendered, "_CARRY", 1)
    backend, order = world.open(), short(world.shell("train", LEAVES))
    await backend.ensure(order)
    end = await phase(world, backend, order.key, Phase.ENDED)
    assert (end.reason, end.artifacts.files) == (StopReason.LOST, 0)
    assert end.message == "it succeeded, but a file of it did not come along, as nobody took it in time"


async def test_a_success_that_left_no_files_needs_nobody(world, monkeypatch):
    monkeypatch.setattr(rendered, "_CARRY", 1)
    backend, order = world.open(), short(world.shell("train", "echo answer=42 >> $PLUMBLINE_OUTPUT"))
    await backend.ensure(order)
    end = await phase(world, backend, order.key, Phase.ENDED)
    assert (end.reason, end.exit_code, dict(end.outputs)) == (StopReason.EXITED, 0, {"answer": "42"})


async def test_a_program_that_hears_no_end_of_its_time_is_killed_after_its_grace(world):
    """Though its pod has ten minutes, which are for its sidecar."""
    world.answer()
    backend, order = world.open(), short(world.shell("train", "trap '' TERM; while :; do sleep 0.1; done"), timeout=5.0)
    await world.intend(order)
    await backend.ensure(order)
    end = await phase(world, backend, order.key, Phase.ENDED)
    assert (end.reason, end.message, end.exit_code) == (StopReason.TIMEOUT, "timed out after 5 s", 137)
    assert (end.ended_at - end.started_at).total_seconds() < 60
