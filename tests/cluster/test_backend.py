"""The Kubernetes backend keeps the laws of the port, on a real cluster with real containers."""

from dataclasses import replace
from datetime import timedelta

import pytest

from planner.model.run import Phase
from planner.model.status import StopReason
from reconciler.backends.kubernetes import ending, sight
from reconciler.errors import Transient
from tests.cluster.world import ClusterWorld
from tests.contracts.backend import BackendContract, Script, phase, seen, until

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

    async def test_what_keeps_it_from_starting_is_said_in_the_clusters_words(self, world, backend, monkeypatch):
        """Only events say that a quota keeps the pod of a Job away."""
        monkeypatch.setattr(sight, "PATIENCE", 0.0)
        monkeypatch.setattr(sight, "ASKED_EACH", 0.5)
        world.quota(pods=0)
        order = world.order("train", Script.SUCCEED)
        await backend.ensure(order)
        said: list[str] = []

        async def told():
            now = await seen(backend, order.key)
            said[:] = [now.message]
            return now.message

        await until(world, told)
        assert "exceeded quota: small" in said[0]
        world.quota(pods=5)
        await phase(world, backend, order.key, Phase.ENDED)

    async def test_a_service_ends_when_its_time_is_over(self, world, backend):
        order = world.order("serve", Script.SERVICE)
        order = replace(order, run=replace(order.run, timeout=1.0))
        await backend.ensure(order)
        end = await phase(world, backend, order.key, Phase.ENDED)
        assert end.reason is StopReason.TIMEOUT

    async def test_a_clean_that_was_cut_short_is_gone_on_with(self, world, backend, monkeypatch):
        """Killed when only the name is left: what is beside it goes with the next clean, of the next daemon."""
        order = world.order("train", Script.SUCCEED)
        await backend.ensure(order)
        await phase(world, backend, order.key, Phase.ENDED)

        async def killed(*_):
            raise Transient("killed")

        with monkeypatch.context() as patched:
            patched.setattr(ending.Ending, "_remove_beside", killed)
            with pytest.raises(Transient, match="killed"):
                await backend.clean(order.key)
        assert world.kinds() == {"jobs": 1, "configmaps": 1}
        await world.open().clean(order.key)
        assert world.kinds() == {"jobs": 1}
        assert [pod for pod in world.pods(order.key) if "deletionTimestamp" not in pod["metadata"]] == []

    async def test_names_are_freed_in_the_end(self, world, backend, monkeypatch):
        """Long after it was cleaned nothing of a service is left, its Service neither; until then its name is taken."""
        order = world.order("serve", Script.SERVICE)
        order = replace(order, run=replace(order.run, gang=replace(order.run.gang, ports=(8080,))))
        await backend.ensure(order)
        await phase(world, backend, order.key, Phase.RUNNING)
        assert world.kinds() == {"deployments": 1, "services": 1, "configmaps": 1}
        await backend.stop(order.key, 1.0)
        await phase(world, backend, order.key, Phase.ENDED)
        await backend.clean(order.key)
        await backend.observe()
        assert world.kinds() == {"deployments": 1, "services": 1}
        monkeypatch.setattr(ending, "NAME_KEPT", timedelta(0))
        await backend.observe()
        await until(world, lambda: world.kinds() == {})
