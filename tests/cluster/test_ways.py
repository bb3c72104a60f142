"""A Service, Ingress or HTTPRoute of ours that somebody edits or deletes is put right, on a real cluster."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from planner import keys
from planner.model.run import Phase
from reconciler.backends.kubernetes import ending, names
from reconciler.backends.kubernetes.kinds import kind_of
from reconciler.backends.kubernetes.settings import Route
from reconciler.errors import Transient
from reconciler.ports import Ensured
from tests.cluster import guests
from tests.cluster.api import RefusalError
from tests.cluster.cluster import OwnCluster
from tests.cluster.specs import WEB
from tests.cluster.test_daemon import ClusterPlace
from tests.cluster.test_daemon import place as _place
from tests.cluster.world import OWNER, ClusterWorld
from tests.contracts.backend import Script, phase, seen, until
from tests.e2e.harness import until as becomes

pytestmark = [pytest.mark.cluster]

INGRESS = Route("Ingress", "{service}.example.org", annotations={"example.org/size": "1m"})
HTTPROUTE = Route("HTTPRoute", "{service}.example.org", gateways=({"name": "public"},))
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
CRD = "httproutes.gateway.networking.k8s.io"
place = _place


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def world(cluster, namespace, tmp_path):
    world = ClusterWorld(cluster, namespace, tmp_path)
    yield world
    await world.close()


def service(world, *, external):
    """The order of a service of two ports."""
    order = world.order("serve", Script.SERVICE)
    gang = replace(order.run.gang, ports=(8080, 8081), external=external)
    return replace(order, run=replace(order.run, gang=gang))


async def serving(world, route=None):
    """A service of two ports that runs, its backend, and its order."""
    world.settings = replace(world.settings, route=route)
    order, backend = service(world, external=route is not None), world.open()
    assert await backend.ensure(order) is Ensured.CREATED
    await phase(world, backend, order.key, Phase.RUNNING)
    assert not (await seen(backend, order.key)).drift
    return backend, order


def path(world, order, kind):
    return kind_of(kind).path(world.settings.namespace, names.service_name(order.key, OWNER))


async def drifts(world, backend, order, words):
    async def said():
        return (await seen(backend, order.key)).drift == words

    await until(world, said)


@pytest.mark.anyio
async def test_an_edited_service_is_put_right_and_what_others_added_stays(world):
    backend, order = await serving(world)
    at, api = path(world, order, "Service"), world.cluster.api
    api.merge(at, {"metadata": {"annotations": {"example.org/team": "b"}}, "spec": {"sessionAffinity": "ClientIP"}})
    ports = [*api.get(at)["spec"]["ports"], {"name": "extra", "port": 9, "protocol": "TCP", "targetPort": 9}]
    ports[0]["targetPort"] = 7
    api.merge(at, {"spec": {"selector": {"app": "other"}, "ports": ports}})
    await drifts(world, backend, order, "somebody else changed its Service")
    assert await backend.ensure(order) is Ensured.CORRECTED
    await drifts(world, backend, order, "")
    found = api.get(at)
    assert found["spec"]["selector"] == {names.SERVICE: names.service_name(order.key, OWNER)}
    assert [port["targetPort"] for port in found["spec"]["ports"]] == ["port-0", "port-1", 9]
    assert found["spec"]["sessionAffinity"] == "ClientIP"
    assert found["metadata"]["annotations"]["example.org/team"] == "b"
    deployment = backend._objects.get(names.object_name(order.key, OWNER)).main
    assert await backend.ensure(order) is Ensured.UNCHANGED
    assert api.get(at)["metadata"]["resourceVersion"] == found["metadata"]["resourceVersion"], "nothing was written"
    assert deployment["metadata"]["generation"] == 1, "and never to the Deployment"


@pytest.mark.anyio
async def test_a_deleted_service_is_made_again(world):
    backend, order = await serving(world)
    at, api = path(world, order, "Service"), world.cluster.api
    before = api.get(at)
    api.delete(at)
    await drifts(world, backend, order, "somebody else deleted its Service")
    assert await backend.ensure(order) is Ensured.CORRECTED
    await drifts(world, backend, order, "")
    found = api.get(at)
    assert found["metadata"]["uid"] != before["metadata"]["uid"]
    assert found["spec"]["ports"] == before["spec"]["ports"]


@pytest.mark.anyio
async def test_what_changed_while_nobody_looked_is_seen_by_the_next_daemon(world):
    backend, order = await serving(world)
    at, api = path(world, order, "Service"), world.cluster.api
    await backend.close()
    api.delete(at)
    again = world.open()
    await drifts(world, again, order, "somebody else deleted its Service")
    assert await again.ensure(order) is Ensured.CORRECTED
    api.merge(at, {"metadata": {"annotations": {names.AS_MADE: None}}})
    await drifts(world, again, order, "somebody else changed its Service")
    assert await again.ensure(order) is Ensured.UNCHANGED, "all of it is as it should be: only that is noted"
    await drifts(world, again, order, "")


@pytest.mark.anyio
async def test_a_change_that_is_taken_back_is_none(world):
    backend, order = await serving(world)
    at, api = path(world, order, "Service"), world.cluster.api
    selector = api.get(at)["spec"]["selector"]
    api.merge(at, {"spec": {"selector": {"app": "other"}}})
    await drifts(world, backend, order, "somebody else changed its Service")
    api.merge(at, {"spec": {"selector": {"app": None, **selector}}})
    await drifts(world, backend, order, "")


@pytest.mark.anyio
async def test_an_ingress_is_looked_after(world):
    backend, order = await serving(world, INGRESS)
    at, api = path(world, order, "Ingress"), world.cluster.api
    before = api.get(at)
    api.merge(at, {"metadata": {"annotations": {"example.org/size": "9m", "example.org/other": "x"}}})
    await drifts(world, backend, order, "somebody else changed its Ingress")
    assert await backend.ensure(order) is Ensured.CORRECTED
    await drifts(world, backend, order, "")
    said = api.get(at)["metadata"]["annotations"]
    assert (said["example.org/size"], said["example.org/other"]) == ("1m", "x")
    rules = [{**before["spec"]["rules"][0], "host": "evil.example.org"}]
    api.merge(at, {"spec": {"rules": rules}})
    api.delete(path(world, order, "Service"))
    await drifts(world, backend, order, "somebody else deleted its Service and somebody else changed its Ingress")
    assert await backend.ensure(order) is Ensured.CORRECTED
    await drifts(world, backend, order, "")
    assert api.get(at)["spec"] == before["spec"]
    api.delete(at)
    await drifts(world, backend, order, "somebody else deleted its Ingress")
    assert await backend.ensure(order) is Ensured.CORRECTED
    await drifts(world, backend, order, "")
    assert api.get(at)["spec"] == before["spec"]


@pytest.mark.anyio
async def test_the_next_generation_has_the_service_and_nothing_drifted(world):
    """While both are up the one before sees no drift in what the newer one says of the Service."""
    backend, first = await serving(world)
    key = keys.generation("serve", 2).at_attempt(1)
    second = replace(first, key=key, run=replace(first.run, key=key.run, gang=replace(first.run.gang, ports=(8090,))))
    assert await backend.ensure(second) is Ensured.CREATED
    await phase(world, backend, second.key, Phase.RUNNING)
    await drifts(world, backend, second, "")
    await drifts(world, backend, first, "")
    found = world.cluster.api.get(path(world, second, "Service"))
    assert [port["port"] for port in found["spec"]["ports"]] == [8090]


@pytest.mark.anyio
async def test_a_service_that_is_external_no_more_is_not_reached_from_outside(world):
    """Its next version takes the Ingress away, and one without ports the Service."""
    _, first = await serving(world, INGRESS)
    for number, ports, there in ((2, (8080,), {"Service"}), (3, (), set())):
        key = keys.generation("serve", number).at_attempt(1)
        gang = replace(first.run.gang, ports=ports, external=False)
        order = replace(first, key=key, run=replace(first.run, key=key.run, gang=gang))
        backend = world.open()  # a daemon that has just begun has seen no list of them
        assert await backend.ensure(order) is Ensured.CREATED
        await phase(world, backend, order.key, Phase.RUNNING)
        await drifts(world, backend, order, "")
        assert {kind for kind in ("Service", "Ingress") if _there(world.cluster.api, path(world, order, kind))} == there


@pytest.mark.anyio
async def test_a_route_of_a_kind_that_comes_later(world):
    """Without its CRD the service is not made, and says why; with the Gateway API's own, it is, without a restart."""
    api = world.cluster.api
    if _there(api, f"{CRDS}/{CRD}"):
        pytest.skip("this cluster has the Gateway API already")
    with pytest.raises(Transient, match="has no HTTPRoute"):
        await serving(world, HTTPROUTE)
    backend = world.backends[-1]
    (watch,) = [one for (kind, _), one in backend._objects.ways._watches.items() if kind == "HTTPRoute"]
    await until(world, lambda: watch.trouble)
    assert not watch.synced
    other = world.order("train", Script.SUCCEED)
    await backend.ensure(other)
    assert (await phase(world, backend, other.key, Phase.ENDED)).exit_code == 0, "the rest goes on"
    with guests.defined(api, f"{CRD.partition('.')[2]}_httproutes.yaml"):
        world.open = lambda: backend
        _, order = await serving(world, HTTPROUTE)
        await until(world, lambda: watch.synced)
        await drifts(world, backend, order, "")
        await _is_put_right(world, backend, order)
        await _moves_on_and_goes(world, backend, order)
    api.wait(f"{CRDS}/{CRD}", lambda found: found is None)


async def _is_put_right(world, backend, order):
    api, at = world.cluster.api, path(world, order, "HTTPRoute")
    api.merge(at, {"spec": {"hostnames": ["evil.example.org"]}})
    await drifts(world, backend, order, "somebody else changed its HTTPRoute")
    assert await backend.ensure(order) is Ensured.CORRECTED
    await drifts(world, backend, order, "")
    api.delete(at)
    await drifts(world, backend, order, "somebody else deleted its HTTPRoute")
    assert await backend.ensure(order) is Ensured.CORRECTED
    assert api.get(at)["spec"]["hostnames"] == [f"{names.service_name(order.key, OWNER)}.example.org"]


async def _moves_on_and_goes(world, backend, first):
    """The next generation has the route, to its own port; when no generation is left, it goes."""
    key, gang = keys.generation("serve", 2).at_attempt(1), replace(first.run.gang, ports=(8090,))
    second = replace(first, key=key, run=replace(first.run, key=key.run, gang=gang))
    await backend.ensure(second)
    await phase(world, backend, second.key, Phase.RUNNING)
    at = path(world, second, "HTTPRoute")
    assert [one["port"] for one in world.cluster.api.get(at)["spec"]["rules"][0]["backendRefs"]] == [8090]
    for order in (first, second):
        await backend.stop(order.key, 1.0)
        await phase(world, backend, order.key, Phase.ENDED)
        await backend.clean(order.key)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ending, "NAME_KEPT", timedelta(0))
        await backend.observe()
    await until(world, lambda: _there(world.cluster.api, at) is None)


@pytest.fixture
async def bare(own_cluster, tmp_path, monkeypatch):
    """A cluster of the test's own, as what it takes away is gone for everybody there; nothing has to run on it."""
    with OwnCluster.start(node=False) as cluster:
        monkeypatch.setattr(cluster, "image", lambda name: name)
        world = ClusterWorld(cluster, "default", tmp_path)
        yield world
        await world.close()


@pytest.mark.anyio
async def test_a_route_of_a_kind_that_goes_and_comes_back(bare):
    """All routes go with their kind. That is said until it is back, and then they are made again."""
    bare.settings = replace(bare.settings, route=HTTPROUTE)
    api, backend, order = bare.cluster.api, bare.open(), service(bare, external=True)
    definition = f"{CRD.partition('.')[2]}_httproutes.yaml"
    with guests.defined(api, definition):
        assert await backend.ensure(order) is Ensured.CREATED
        await drifts(bare, backend, order, "")
        watches = backend._objects.ways.watches
        await until(bare, lambda: all(watch.synced for watch in watches))
    await drifts(bare, backend, order, "somebody else deleted its HTTPRoute")
    api.wait(f"{CRDS}/{CRD}", lambda found: found is None)

    async def is_missed() -> bool:
        """Before the server knows nothing of the kind any more, it says that the kind is going."""
        with pytest.raises(Transient, match="cannot be made") as caught:
            await backend.ensure(order)
        return "the cluster has no HTTPRoute: install what brings it" in str(caught.value)

    await until(bare, is_missed)
    with guests.defined(api, definition):
        assert await backend.ensure(order) is Ensured.CORRECTED
        await drifts(bare, backend, order, "")
        await until(bare, lambda: not any(watch.trouble for watch in watches))
        assert api.get(path(bare, order, "HTTPRoute"))["spec"]["hostnames"]


def test_a_daemon_puts_a_service_right(place: ClusterPlace):
    place.push({"web.yaml": place.spec(WEB, word="one")})
    place.start()
    place.becomes("web", "ready")
    (made,) = place.listed("/api/v1", "services")
    at = f"/api/v1/namespaces/{place.namespace}/services/{made['name']}"
    place.cluster.api.merge(at, {"spec": {"selector": {"app": "other"}}})
    place.cluster.api.wait(at, lambda now: "app" not in now["spec"]["selector"])
    (run,) = place.get("/v1/runs", root="web")["runs"]
    becomes(lambda: not _drift(place, run["key"]), "nothing is said to be different any more", 60)
    assert place.operation("web")["state"] == "ready"


def _drift(place: ClusterPlace, key: str):
    return [one["drift"] for one in place.get("/v1/run", run=key)["attemptList"] if one["drift"]]


def _there(api, at):
    try:
        return api.get(at)
    except RefusalError as error:
        if error.status != 404:
            raise
        return None
