"""The Kubernetes backend keeps the laws of the port, on a real cluster with real containers."""

from dataclasses import replace
from datetime import timedelta

import pytest

from planner.model.run import Phase
from planner.model.status import StopReason
from reconciler.backends.kubernetes import ending, layout, names, render, sight
from reconciler.errors import Refused, Transient
from reconciler.ports import Ensured
from tests.cluster.world import OWNER, ClusterWorld
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

    async def test_a_workload_that_somebody_changed_is_put_right(self, world, backend):
        """What is ours of it; what others added stays. Then nobody looks again before the next change."""
        order = await _serving(world, backend)
        _change(world, order, {"replicas": 3, "template": {"spec": {"containers": [_container("busybox:other")]}}})
        await until(world, lambda: _drift(backend, order))
        assert await backend.ensure(order) is Ensured.CORRECTED
        await until(world, lambda: _no_drift(backend, order))
        assert await backend.ensure(order) is Ensured.UNCHANGED
        spec = _deployment(world, order)["spec"]
        assert (spec["replicas"], spec["template"]["spec"]["containers"][0]["image"]) == (1, world.image)

    async def test_what_others_added_to_a_workload_stays(self, world, backend):
        order = await _serving(world, backend)
        _change(world, order, {"minReadySeconds": 1, "paused": True})
        await until(world, lambda: _drift(backend, order))
        assert await backend.ensure(order) is Ensured.UNCHANGED
        await until(world, lambda: _no_drift(backend, order))
        assert _deployment(world, order)["spec"]["paused"] is True

    async def test_what_went_is_not_made_again_by_putting_it_right(self, world, backend):
        order = await _serving(world, backend)
        _change(world, order, {"replicas": 2})
        await until(world, lambda: _drift(backend, order))
        found = backend._objects.get(names.object_name(order.key, OWNER))
        world.cluster.api.merge(found.path, {"metadata": {"finalizers": None}})
        world.cluster.api.delete(found.path, propagationPolicy="Foreground")
        world.cluster.api.wait(found.path, lambda there: there is None)
        with pytest.raises((Refused, Transient)):
            await backend._making.correct(render.render(order, world.settings), found)
        assert "deployments" not in world.kinds()

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


async def _serving(world, backend):
    order = world.order("serve", Script.SERVICE)
    await backend.ensure(order)
    await phase(world, backend, order.key, Phase.RUNNING)
    assert not (await seen(backend, order.key)).drift
    return order


def _path(world, order):
    return f"/apis/apps/v1/namespaces/{world.settings.namespace}/deployments/{names.object_name(order.key, OWNER)}"


def _deployment(world, order):
    return world.cluster.api.get(_path(world, order))


def _change(world, order, spec):
    """As somebody with an editor does."""
    found = _deployment(world, order)
    if containers := spec.get("template", {}).get("spec", {}).get("containers"):
        containers[0] |= {**found["spec"]["template"]["spec"]["containers"][0], **containers[0]}
    world.cluster.api.merge(_path(world, order), {"spec": spec})


def _container(image):
    return {"name": layout.MAIN, "image": image}


async def _drift(backend, order):
    return (await seen(backend, order.key)).drift


async def _no_drift(backend, order):
    return not await _drift(backend, order)
