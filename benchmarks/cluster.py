"""The Kubernetes backend against a real API server, on this machine and in one run.

Jobs are made by the backend and by a bare client in turns, with the same bodies and as many requests in flight; what
a pod's change takes is held against a bare watch beside ours. Controllers are stopped meanwhile: nothing of the API
server's time goes to anybody else.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import anyio

from benchmarks.stage import Row, percentile
from planner import keys
from planner.keys import Key
from planner.model.gang import Container, Gang, Replica
from planner.model.run import BoundRun, Leases, Phase, Stamp
from reconciler.backends.kubernetes import layout, render
from reconciler.backends.kubernetes.access import Access, configured
from reconciler.backends.kubernetes.backend import Here, KubernetesBackend
from reconciler.backends.kubernetes.kinds import kind_of
from reconciler.backends.kubernetes.settings import KubernetesSettings
from reconciler.clock import WallClock
from reconciler.ports import Order
from tests.cluster.cluster import OwnCluster
from tests.cluster.world import NoTrees

Object = dict[str, Any]
T = TypeVar("T")

JOBS = 1000
IN_FLIGHT = 8
ROUNDS = 5
CHANGES = 500
OWNER = Stamp("bench", 1, "default", "bench")
OURS, BARE = "ours", "bare"
PATIENCE = 30.0


def run() -> list[Row]:
    with OwnCluster.start(node=False) as cluster, tempfile.TemporaryDirectory(prefix="plumbline-bench-") as folder:
        for namespace in (OURS, BARE):
            cluster.api.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
            cluster.api.wait(f"/api/v1/namespaces/{namespace}/serviceaccounts/default", bool)
        for component in ("kube-controller-manager", "kube-scheduler"):
            cluster.stop(component)
        return asyncio.run(_run(cluster, Path(folder)))


async def _run(cluster: OwnCluster, folder: Path) -> list[Row]:
    settings, here = KubernetesSettings(namespace=OURS), Here(folder, NoTrees(), folder)
    backend = KubernetesBackend(settings, Access(cluster.kubeconfig), OWNER, WallClock(), here)
    try:
        async with _bare(cluster) as bare:
            return [*await _creates(backend, bare), *await _changes(backend, bare)]
    finally:
        await backend.close()


# --- how fast jobs are made ---


async def _creates(backend: KubernetesBackend, bare: Bare) -> list[Row]:
    """The rate of each, by the time that it took over all rounds."""
    await backend.observe([])  # signed in, and every list is there
    taken = {OURS: 0.0, BARE: 0.0}
    size = JOBS // ROUNDS
    for number in range(ROUNDS):
        orders = [_order(f"job-{number}-{index}") for index in range(size)]
        bodies = [_bodies(order, BARE) for order in orders]
        taken[BARE] += await _at_once(bodies, bare.create)
        taken[OURS] += await _at_once(orders, backend.ensure)
    rates = {name: JOBS / seconds for name, seconds in taken.items()}
    share = rates[OURS] / rates[BARE]
    note = f"{rates[OURS]:.0f} jobs/s of {rates[BARE]:.0f}, a config map and a job each, {IN_FLIGHT} in flight"
    return [Row("a bare client's rate over ours, creating jobs", 1 / share, "x", 1 / 0.6, f"{share:.0%}: {note}")]


async def _at_once(work: Iterable[T], do: Callable[[T], Awaitable[object]]) -> float:
    """Seconds for all of it."""
    left = iter(list(work))

    async def one_by_one() -> None:
        for item in left:
            await do(item)

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(one_by_one())
    return time.perf_counter() - begun


# --- how soon a change is known ---


async def _changes(backend: KubernetesBackend, bare: Bare) -> list[Row]:
    """From before a pod's change is asked for, until a look at its attempt shows it."""
    orders = [_order(f"job-{number % ROUNDS}-{number // ROUNDS}") for number in range(CHANGES)]
    for order in orders:
        await bare.create([_post(_pod(order))])
    ours, theirs = list[float](), list[float]()
    heard, seen = dict[Key, anyio.Event](), dict[str, anyio.Event]()
    async with asyncio.TaskGroup() as group:
        listening = [group.create_task(_listen(backend, heard)), group.create_task(_watch(bare, seen))]
        for order in orders:
            name = _pod(order)["metadata"]["name"]
            heard[order.key], seen[name] = anyio.Event(), anyio.Event()
            begun = time.perf_counter()
            patched = group.create_task(bare.run(name))
            others = group.create_task(_timed(seen[name], begun))
            ours.append(await _until_running(backend, order.key, heard, begun))
            theirs.append(await others)
            await patched
        for task in listening:
            task.cancel()
    peer = f"a bare watch {percentile(theirs, 0.5) * 1000:.1f} and {percentile(theirs, 0.99) * 1000:.1f}"
    note = f"median {percentile(ours, 0.5) * 1000:.1f}; {peer}; with {JOBS} jobs watched"
    return [Row(f"a pod's change known, p99 of {CHANGES}", percentile(ours, 0.99) * 1000, "ms", 200, note)]


async def _timed(event: anyio.Event, begun: float) -> float:
    with anyio.fail_after(PATIENCE):
        await event.wait()
    return time.perf_counter() - begun


async def _until_running(backend: KubernetesBackend, key: Key, heard: dict[Key, anyio.Event], begun: float) -> float:
    with anyio.fail_after(PATIENCE):
        while True:
            await heard[key].wait()
            heard[key] = anyio.Event()
            if (await backend.observe([key])).objects[key].phase is Phase.RUNNING:
                return time.perf_counter() - begun


async def _listen(backend: KubernetesBackend, heard: dict[Key, anyio.Event]) -> None:
    async for key in backend.changes():
        if key in heard:
            heard[key].set()


async def _watch(bare: Bare, seen: dict[str, anyio.Event]) -> None:
    async for event in bare.watch():
        item = event["object"]
        if item["metadata"].get("name") in seen and (item.get("status") or {}).get("phase") == "Running":
            seen[item["metadata"]["name"]].set()


# --- the peer ---


@dataclass(frozen=True, slots=True)
class Bare:
    """An HTTP client that does nothing but ask."""

    server: str
    http: aiohttp.ClientSession

    async def create(self, bodies: Sequence[tuple[str, bytes]]) -> None:
        """Post objects to their paths, one after the other."""
        for path, body in bodies:
            async with self.http.post(self.server + path, data=body) as answer:
                text = await answer.read()
                if answer.status != 201:
                    raise SystemExit(text.decode())

    async def run(self, pod: str) -> None:
        """Have a pod run, as a kubelet says it."""
        url = f"{self.server}/api/v1/namespaces/{OURS}/pods/{pod}/status"
        now = "2026-11-26T06:00:00Z"
        state = {"name": layout.MAIN, "ready": True, "started": True, "restartCount": 0, "image": "i", "imageID": ""}
        state = {**state, "state": {"running": {"startedAt": now}}}
        status = {"phase": "Running", "startTime": now, "containerStatuses": [state]}
        headers = {"Content-Type": "application/merge-patch+json"}
        async with self.http.patch(url, data=json.dumps({"status": status}), headers=headers) as answer:
            text = await answer.read()
            if answer.status != 200:
                raise SystemExit(text.decode())

    async def watch(self) -> AsyncIterator[Object]:
        """Events of pods from now on."""
        url = f"{self.server}/api/v1/namespaces/{OURS}/pods?watch=1"
        async with self.http.get(url, timeout=aiohttp.ClientTimeout(total=None)) as answer:
            while line := await answer.content.readline():
                yield json.loads(line)


@asynccontextmanager
async def _bare(cluster: OwnCluster) -> AsyncIterator[Bare]:
    said = await configured(Access(cluster.kubeconfig))
    trusted = ssl.create_default_context(cafile=said.ssl_ca_cert)
    trusted.load_cert_chain(said.cert_file, said.key_file)
    connector = aiohttp.TCPConnector(ssl=trusted, limit=IN_FLIGHT + 2)
    async with aiohttp.ClientSession(
        connector=connector, headers={"Content-Type": "application/json"}, read_bufsize=1 << 20
    ) as http:
        yield Bare(str(said.host), http)


# --- what is made ---


def _order(name: str) -> Order:
    container = Container(image="registry.example.org/bench:1", command=("/bin/sh", "-c"), args=("exit 0",))
    key = keys.generation(name, 1).at_attempt(1)
    run = BoundRun(key.run, "job", "d1:0", Gang((Replica("main", 1, container),)))
    return Order(key, run, Leases(), OWNER)


def _bodies(order: Order, namespace: str) -> list[tuple[str, bytes]]:
    made = render.render(order, KubernetesSettings(namespace=namespace))
    return [_post(one) for one in made.listed]


def _post(manifest: Object) -> tuple[str, bytes]:
    return kind_of(manifest["kind"]).path(manifest["metadata"]["namespace"]), json.dumps(manifest).encode()


def _pod(order: Order) -> Object:
    """The pod of a job, as its controller makes it."""
    job = render.render(order, KubernetesSettings(namespace=OURS)).workload
    pod = job["spec"]["template"]
    name = f"{job['metadata']['name']}-0"
    return {"apiVersion": "v1", "kind": "Pod", **pod, "metadata": {**pod["metadata"], "name": name, "namespace": OURS}}
