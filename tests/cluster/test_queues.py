"""Jobs in a real Kueue's queues: they begin when it lets them, say why they wait, and go on after it took them back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from planner.model.gang import Gang
from planner.model.run import Phase
from planner.model.status import StopReason
from planner.stops import counts_as_failure
from reconciler.backends.kubernetes import names
from tests.cluster.given import GivenCluster
from tests.cluster.helm import one, rendered
from tests.cluster.kueue import Kueue
from tests.cluster.world import OWNER, ClusterWorld
from tests.contracts.backend import Script, phase, seen, until

pytestmark = [pytest.mark.cluster, pytest.mark.prove, pytest.mark.anyio]

QUEUES = {"gold": "team-gold", "nowhere": "team-nowhere"}


@pytest.fixture(scope="module")
def kueue(cluster: Any) -> Kueue:
    if isinstance(cluster, GivenCluster):
        pytest.skip("NOT RUN: it installs Kueue in a cluster of its own")
    return Kueue(cluster)


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
async def world(kueue, own_cluster, namespace, tmp_path):
    """A namespace with a queue of Kueue in which one pod has room."""
    kueue.mind(namespace, QUEUES["gold"])
    made = ClusterWorld(own_cluster, namespace, tmp_path)
    made.settings = replace(made.settings, local_queues=QUEUES)
    yield made
    await made.close()
    kueue.leave(namespace)


@pytest.fixture
def backend(world):
    return world.open()


@pytest.fixture
def priorities(own_cluster: Any, namespace: str) -> Iterator[tuple[str, str]]:
    """Names of a low and a high priority class."""
    base, made = "/apis/scheduling.k8s.io/v1/priorityclasses", (f"{namespace}-low", f"{namespace}-high")
    for name, value in zip(made, (10, 1000), strict=True):
        own_cluster.api.create(base, {"metadata": {"name": name}, "value": value})
    yield made
    for name in made:
        own_cluster.api.delete(f"{base}/{name}")


def queued(world, name, script, *, queue="gold", priority="", attempt=1, **run):
    """An order in a queue."""
    order = world.order(name, script, attempt=attempt)
    gang: Gang = order.run.gang
    if priority:
        (replica,) = gang.replicas
        pod = {**replica.pod, "environment": {"priorityClassName": priority}}
        gang = replace(gang, replicas=(replace(replica, pod=pod),))
    return replace(order, run=replace(order.run, queue=queue, gang=gang, **run))


def placed(order, selector):
    """The same, for nodes with these labels."""
    (replica,) = order.run.gang.replicas
    environment = {**replica.pod.get("environment", {}), "nodeSelector": selector}
    replica = replace(replica, pod={**replica.pod, "environment": environment})
    return replace(order, run=replace(order.run, gang=replace(order.run.gang, replicas=(replica,))))


async def says(world, backend, order, words):
    """Wait until an attempt that does not begin says something."""
    found = []

    async def told():
        found[:] = [await seen(backend, order.key)]
        assert found[0].phase is Phase.STARTING, found
        return words in found[0].message

    await until(world, told)
    return found[0]


def job(world, order):
    path = f"/apis/batch/v1/namespaces/{world.settings.namespace}/jobs/{names.object_name(order.key, OWNER)}"
    return world.cluster.api.get(path)


async def test_one_begins_when_the_other_has_ended(world, backend):
    """And nothing of its time is over while it waits: no start, no timeout."""
    first = queued(world, "first", Script.FOREVER)
    second = queued(world, "second", Script.FOREVER, timeout=5.0)
    await backend.ensure(first)
    await phase(world, backend, first.key, Phase.RUNNING)
    await backend.ensure(second)
    made = datetime.now(UTC)
    waiting = await says(world, backend, second, "insufficient unused quota for pods")
    assert waiting.message.startswith("it waits for its queue: ")
    await until(world, lambda: (datetime.now(UTC) - made).total_seconds() > 6)
    waiting = await seen(backend, second.key)
    assert (waiting.phase, waiting.started_at, world.pods(second.key)) == (Phase.STARTING, None, [])
    await backend.stop(first.key, 1.0)
    end = await phase(world, backend, first.key, Phase.ENDED)
    second_end = await phase(world, backend, second.key, Phase.ENDED)
    assert (second_end.reason, world.starts(second.key)) == (StopReason.TIMEOUT, 1)
    assert second_end.started_at >= end.ended_at
    assert (second_end.ended_at - end.ended_at).total_seconds() >= 5


async def taken_back(world, backend, order):
    """Wait until the place of an attempt was given to another one: it is over, which counts as no failure.

    Its Job waits for its turn meanwhile, or fails by the end of its pod: whichever its controller sees first.
    """
    end = await phase(world, backend, order.key, Phase.ENDED)
    assert end.reason is StopReason.PREEMPTED
    assert not counts_as_failure(end.reason, end.exit_code)
    assert end.message.startswith("its queue took its place from it"), end
    assert "UID" not in end.message
    return end


async def test_the_rights_that_the_chart_gives_are_enough(world, own_cluster, namespace):
    """To run what waits, and to say why it does."""
    config = {"backends": {"kubernetes": {"localQueues": QUEUES}}}
    role = one(rendered({"config": config}, namespace=namespace), "Role", "plumbline-runs")
    rights, core = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}", f"/api/v1/namespaces/{namespace}"
    own_cluster.api.create(f"{rights}/roles", role)
    own_cluster.api.create(f"{core}/serviceaccounts", {"metadata": {"name": "daemon"}})
    named = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "plumbline-runs"}
    account = {"kind": "ServiceAccount", "name": "daemon", "namespace": namespace}
    body = {"metadata": {"name": "daemon"}, "roleRef": named, "subjects": [account]}
    own_cluster.api.create(f"{rights}/rolebindings", body)
    backend = world.open(own_cluster.kubeconfig_for_account(namespace, "daemon"))
    first, second = queued(world, "first", Script.FOREVER), queued(world, "second", Script.SUCCEED)
    await backend.ensure(first)
    await phase(world, backend, first.key, Phase.RUNNING)
    await backend.ensure(second)
    await says(world, backend, second, "insufficient unused quota for pods")
    await backend.stop(first.key, 1.0)
    for order in (first, second):
        await phase(world, backend, order.key, Phase.ENDED)
        await backend.clean(order.key)


async def test_what_is_taken_back_is_no_failure_and_goes_on_later(world, backend, priorities):
    low, high = priorities
    first = queued(world, "first", Script.FOREVER, priority=low)
    await backend.ensure(first)
    await phase(world, backend, first.key, Phase.RUNNING)
    second = queued(world, "second", Script.SUCCEED, priority=high)
    await backend.ensure(second)
    end = await taken_back(world, backend, first)
    assert end.started_at is None or end.started_at <= end.ended_at
    assert (await seen(world.open(), first.key)).reason is end.reason, "whoever looks later"
    again = queued(world, "first", Script.SUCCEED, priority=low, attempt=2)
    await backend.ensure(again)
    for order in (second, again):
        assert (await phase(world, backend, order.key, Phase.ENDED)).exit_code == 0
    assert [world.starts(order.key) for order in (first, second, again)] == [1, 1, 1]


async def test_what_is_taken_back_before_its_program_began(world, backend, priorities):
    """Its pod has no node yet."""
    low, high = priorities
    first = placed(queued(world, "first", Script.SUCCEED, priority=low), {"there": "is-none"})
    await backend.ensure(first)
    await says(world, backend, first, "no node has room for it")
    second = queued(world, "second", Script.SUCCEED, priority=high)
    await backend.ensure(second)
    end = await taken_back(world, backend, first)
    assert (await phase(world, backend, second.key, Phase.ENDED)).exit_code == 0
    assert (end.started_at, world.starts(first.key)) == (None, 0)


async def test_what_somebody_suspends_is_no_failure(world, backend):
    """By hand, in no queue."""
    order = world.order("train", Script.FOREVER)
    await backend.ensure(order)
    await phase(world, backend, order.key, Phase.RUNNING)
    name = names.object_name(order.key, OWNER)
    path = f"/apis/batch/v1/namespaces/{world.settings.namespace}/jobs/{name}"
    world.cluster.api.merge(path, {"spec": {"suspend": True}})
    end = await phase(world, backend, order.key, Phase.ENDED)
    assert (end.reason, end.message) == (StopReason.PREEMPTED, "somebody suspended it")


async def test_a_queue_that_is_not_there(world, backend, kueue):
    """Kueue says so; and where somebody makes it, the job begins."""
    order = queued(world, "train", Script.SUCCEED, queue="nowhere")
    await backend.ensure(order)
    await says(world, backend, order, "LocalQueue team-nowhere doesn't exist")
    kueue.queue(world.settings.namespace, "team-nowhere")
    assert (await phase(world, backend, order.key, Phase.ENDED)).exit_code == 0


async def test_what_is_stopped_while_it_waits_never_begins(world, backend, kueue):
    """Kueue lets it begin when its turn comes, as it knows of no stop: no pod does, and it takes nobody's room."""
    first, second = queued(world, "first", Script.FOREVER), queued(world, "second", Script.SUCCEED)
    await backend.ensure(first)
    await phase(world, backend, first.key, Phase.RUNNING)
    await backend.ensure(second)
    await says(world, backend, second, "insufficient unused quota")
    await backend.stop(second.key, 1.0)
    end = await phase(world, backend, second.key, Phase.ENDED)
    assert (end.reason, end.exit_code, end.message) == (StopReason.EXITED, None, "stopped before it started")
    await backend.clean(second.key)
    await backend.stop(first.key, 1.0)
    await phase(world, backend, first.key, Phase.ENDED)
    for name in ("third", "fourth"):
        order = queued(world, name, Script.SUCCEED)
        await backend.ensure(order)
        assert (await phase(world, backend, order.key, Phase.ENDED)).exit_code == 0
    await until(world, lambda: not job(world, second)["spec"]["suspend"])
    assert (world.starts(second.key), world.pods(second.key)) == (0, [])
    assert "active" not in job(world, second)["status"]


async def test_a_name_that_is_only_taken_begins_nothing(world, backend, kueue):
    """Where a queue takes every job of its namespace, and lets it begin."""
    kueue.queue(world.settings.namespace, "default")
    order = world.order("train", Script.SUCCEED)
    await backend.stop(order.key, 1.0)
    end = await phase(world, backend, order.key, Phase.ENDED)
    await until(world, lambda: not job(world, order)["spec"]["suspend"])
    assert await seen(world.open(), order.key) == end, "whoever looks later"
    assert world.pods(order.key) == []


@pytest.mark.parametrize(
    ("queue", "words"),
    [("", "no PriorityClass with name nobody-made-it was found"), ("gold", "Kueue has made no workload of it")],
)
async def test_a_priority_class_that_is_not_there(world, backend, queue, words):
    """The cluster says it of the pod; Kueue, before there is a pod, says it in its log alone."""
    order = queued(world, "train", Script.SUCCEED, queue=queue, priority="nobody-made-it")
    await backend.ensure(order)
    await says(world, backend, order, words)
