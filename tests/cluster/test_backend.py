"""The Kubernetes backend keeps the laws of the port, on a real cluster with real containers."""

import pytest

from planner.model.run import Phase
from tests.cluster.world import ClusterWorld
from tests.contracts.backend import BackendContract, Script, phase, until

pytestmark = [pytest.mark.cluster, pytest.mark.anyio]


class TestKubernetesBackend(BackendContract):
    @pytest.fixture
    async def world(self, cluster, namespace, tmp_path):
        world = ClusterWorld(cluster, namespace, tmp_path)
        yield world
        await world.close()

    async def test_a_shorter_grace_replaces_a_longer_one(self, world, backend):
        """The API takes the shorter one; kubelets go on with the one they began with (kubernetes issue 83916, open)."""
        order = world.order("train", Script.STUBBORN)
        await backend.ensure(order)
        await until(world, lambda: world.starts(order.key))
        await backend.stop(order.key, 8.0)
        await backend.stop(order.key, 0.0)
        (pod,) = world.pods(order.key)
        assert pod["metadata"]["deletionGracePeriodSeconds"] == 1
        await backend.stop(order.key, 3600.0)
        (pod,) = world.pods(order.key)
        assert pod["metadata"]["deletionGracePeriodSeconds"] == 1, "a longer one replaces nothing"
        await phase(world, backend, order.key, Phase.ENDED)
