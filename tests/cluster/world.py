"""A cluster as the surroundings of a backend: orders of shell scripts, and a count of programs that ever started."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import anyio

from planner import keys
from planner.keys import Key
from planner.model.gang import Container, Gang, Lifetime, Replica
from planner.model.run import BoundRun, Leases, Stamp
from reconciler.backends.kubernetes import names
from reconciler.backends.kubernetes.access import Access
from reconciler.backends.kubernetes.backend import KubernetesBackend
from reconciler.backends.kubernetes.client import MERGE_PATCH, Api
from reconciler.backends.kubernetes.denied import Denied
from reconciler.backends.kubernetes.here import Here
from reconciler.backends.kubernetes.kinds import MAIN, kind_of
from reconciler.backends.kubernetes.settings import KubernetesSettings
from reconciler.ports import Order
from tests.contracts.backend import Script

OWNER = Stamp("ledger-1", 7, "default", "demo")

# The first process of a container hears no TERM that it has no handler for.
_WAITS = "trap 'exit 143' TERM; sleep 1000 & wait"
SCRIPTS = {
    Script.SUCCEED: """echo hello; echo '{"name": "answer", "value": 42}' >> "$PLUMBLINE_OUTPUT" """,
    Script.FAIL: "exit 3",
    Script.FOREVER: _WAITS,
    Script.SERVICE: _WAITS,
    Script.STUBBORN: "trap '' TERM; while :; do sleep 0.1; done",
}


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class NoTrees:
    async def export(self, tree, dest) -> None:
        raise AssertionError(f"nobody asked for {tree}")


class Tally:
    """Counts who calls: each program does before anything else."""

    def __init__(self, host: str) -> None:
        counts = self.counts = Counter[str]()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                counts[unquote(self.path[1:])] += 1
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer((host, 0), Handler)
        self.url = f"http://{host}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class ClusterWorld:
    """`tests.contracts.backend.World` in one namespace of a cluster."""

    patience = 90.0

    def __init__(self, cluster: Any, namespace: str, folder: Path) -> None:
        self.cluster = cluster
        self.settings = KubernetesSettings(namespace=namespace)
        self.image = cluster.image("busybox")
        self.tally = Tally(cluster.host)
        self.folder = folder
        self.backends: list[KubernetesBackend] = []

    def open(self, kubeconfig: Path | None = None) -> KubernetesBackend:
        """As the administrator, or as the user of another kubeconfig."""
        access = Access(kubeconfig or self.cluster.kubeconfig)
        made = KubernetesBackend(self.settings, access, OWNER, SystemClock(), Here(self.folder, NoTrees(), self.folder))
        self.backends.append(made)
        return made

    def order(self, name: str, script: Script, attempt: int = 1) -> Order:
        order = self.shell(name, SCRIPTS[script], attempt=attempt)
        if script is not Script.SERVICE:
            return order
        run = replace(order.run, kind="service", gang=replace(order.run.gang, lifetime=Lifetime.ALWAYS))
        return replace(order, run=run)

    def shell(self, name: str, text: str, *, attempt: int = 1, **run: Any) -> Order:
        """An order that counts its start and then runs `text`."""
        key = keys.generation(name, 1).at_attempt(attempt)
        count = f"wget -q -O /dev/null {self.tally.url}/{str(key).replace('#', '%23')}"
        container = Container(image=self.image, command=("/bin/sh", "-c", f"{count}\n{text}"))
        gang = Gang((Replica("main", 1, container),))
        return Order(key, BoundRun(key.run, "job", "d1:0", gang, **run), Leases(), OWNER)

    def starts(self, key: Key) -> int:
        return self.tally.counts[str(key)]

    def kinds(self) -> dict[str, int]:
        """How many objects of ours there are, by kind, pods left out."""
        found = {}
        core = [("/api/v1", plural) for plural in ("services", "configmaps", "secrets")]
        for base, plural in [("/apis/batch/v1", "jobs"), ("/apis/apps/v1", "deployments"), *core]:
            path = f"{base}/namespaces/{self.settings.namespace}/{plural}"
            ours = f"app.kubernetes.io/managed-by={names.MANAGER}"
            found[plural] = len(self.cluster.api.get(path, labelSelector=ours)["items"])
        return {plural: count for plural, count in found.items() if count}

    def quota(self, pods: int) -> None:
        """Have the namespace take so many pods."""
        path = f"/api/v1/namespaces/{self.settings.namespace}/resourcequotas"
        body = {"metadata": {"name": "small"}, "spec": {"hard": {"pods": str(pods)}}}
        if self.cluster.api.get(path)["items"]:
            self.cluster.api.ask("PUT", f"{path}/small", body)
        else:
            self.cluster.api.create(path, body)

    def pods(self, key: Key) -> list[dict[str, Any]]:
        """The pods of an attempt, as the API server has them."""
        wanted = f"{names.OBJECT}={names.object_name(key, OWNER)}"
        found = self.cluster.api.get(f"/api/v1/namespaces/{self.settings.namespace}/pods", labelSelector=wanted)
        return list(found["items"])

    async def wait(self) -> None:
        await anyio.sleep(0.05)

    async def close(self) -> None:
        """Let go of everything: our finalizer is taken off what is left, so that the namespace can go."""
        for backend in self.backends:
            await backend.close()
        self.tally.close()
        await _let_go(self.cluster, self.settings.namespace)


def let_go(cluster: Any, namespace: str) -> None:
    """Take our finalizer off what is left, so that the namespace can go."""
    asyncio.run(_let_go(cluster, namespace))


async def _let_go(cluster: Any, namespace: str) -> None:
    api = Api(Access(cluster.kubeconfig))
    for kind in MAIN:
        path = kind_of(kind).path(namespace)
        for item in (await api.call("GET", path))["items"]:
            body = {"metadata": {"finalizers": None}}
            with contextlib.suppress(Denied):  # it went meanwhile
                await api.call("PATCH", f"{path}/{item['metadata']['name']}", body, content=MERGE_PATCH)
    await api.close()
