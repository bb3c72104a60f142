"""Two daemons of this machine that follow one repository with one Lease of a cluster and one ledger on a server.

Each has a state folder of its own. Pods ask them under one name, a Service that leads to both, as a chart's does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.cluster.test_daemon import PATIENCE, ClusterPlace
from tests.cluster.world import let_go
from tests.e2e.harness import Daemon, Nursery, environment, until
from tests.ports import free_port

__all__ = ["LEASE", "Replica", "Replicas"]

LEASE = "plumbline"
TIMES = {"duration": 10, "renew": 7, "retry": 1}
"""Shorter than by default, as tests wait for it."""
PORT = 8090


class Replica:
    """One of them."""

    def __init__(self, place: ClusterPlace, health: str) -> None:
        self.place = place
        self._health = health
        self.daemon: Daemon = place.launch()

    def ready(self) -> dict[str, Any]:
        """What it says of itself; {} while nobody answers."""
        try:
            found: dict[str, Any] = httpx.get(f"http://{self._health}/readyz", trust_env=False).json()
        except httpx.TransportError:
            return {}
        return found

    def leads(self) -> Replica:
        """This one, once it leads and has planned something."""
        until(lambda: self.ended() or self.ready().get("status") == "ready", "it leads", PATIENCE)
        assert not self.daemon.ended(), self.place.log.read_text()[-3000:]
        return self

    def metrics(self) -> str:
        return httpx.get(f"http://{self._health}/metrics", trust_env=False).text

    def stands_by(self) -> Replica:
        """This one, once it stands by and knows who leads."""
        until(lambda: self.ended() or self.ready().get("leader"), "it stands by", PATIENCE)
        assert not self.daemon.ended(), self.place.log.read_text()[-3000:]
        return self

    def ended(self) -> bool:
        return self.daemon.ended()

    def launch(self) -> Replica:
        """Begin another life."""
        self.daemon = self.place.launch()
        return self

    def plumbline(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command of a person on this replica."""
        env = {**environment(), "PLUMBLINE_STATE": str(self.place.state)}
        command = [sys.executable, "-m", "reconciler.cli", *words]
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=60)


class Replicas:
    """A repository, and two daemons that follow it."""

    def __init__(self, cluster: Any, namespace: str, base: Path, database: str) -> None:
        self.cluster, self.namespace = cluster, namespace
        self._database = database
        self._key = base / "token.key"
        self._key.write_bytes(os.urandom(32))
        self._key.chmod(0o440)
        self.nurseries: list[Nursery] = []
        self.places = [self._place(base / name) for name in ("one", "two")]
        self.place = self.places[0]
        """Whose repository it is."""
        self.places[1].configure(repository={"url": str(self.place.bare), "branch": "main", "poll": 1})
        self._serve()

    def start(self) -> tuple[Replica, Replica]:
        """Start both: the first one leads, the second one stands by."""
        first = self.launch(self.places[0]).leads()
        return first, self.launch(self.places[1]).stands_by()

    def lease(self) -> dict[str, Any]:
        path = f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases/{LEASE}"
        found: dict[str, Any] = self.cluster.api.get(path)
        return found

    def holder(self) -> str:
        return str(self.lease()["spec"]["holderIdentity"])

    def close(self) -> None:
        for nursery in self.nurseries:
            nursery.close()
        let_go(self.cluster, self.namespace)

    def _place(self, base: Path) -> ClusterPlace:
        # Each has a parent of its own, so that a stopped one holds up nobody.
        self.nurseries.append(Nursery())
        place = ClusterPlace(self.cluster, self.namespace, base, self.nurseries[-1])
        said = place.settings["backends"]["kubernetes"]
        contact = f"http://pods.{self.namespace}.svc:{PORT}"
        agent = {**said["agent"], "contact": contact, "tokenKeyFile": str(self._key)}
        place.configure(
            backends={"kubernetes": {**said, "agent": agent}},
            ledger={"url": self._database},
            election={"lease": LEASE, "namespace": self.namespace, **TIMES},
            api={"health": f"127.0.0.1:{free_port()}"},
        )
        return place

    def launch(self, place: ClusterPlace) -> Replica:
        """Start one, without waiting for anything."""
        return Replica(place, place.settings["api"]["health"])

    def _serve(self) -> None:
        """One name for both."""
        core = f"/api/v1/namespaces/{self.namespace}/services"
        ports = [{"name": "pods", "port": PORT, "protocol": "TCP"}]
        self.cluster.api.create(core, {"metadata": {"name": "pods"}, "spec": {"ports": ports}})
        for number, place in enumerate(self.places):
            host, _, port = place.settings["backends"]["kubernetes"]["agent"]["listen"].rpartition(":")
            body = {
                "metadata": {"name": f"pods-{number}", "labels": {"kubernetes.io/service-name": "pods"}},
                "addressType": "IPv4",
                "endpoints": [{"addresses": [host], "conditions": {"ready": True}}],
                "ports": [{**ports[0], "port": int(port)}],
            }
            self.cluster.api.create(f"/apis/discovery.k8s.io/v1/namespaces/{self.namespace}/endpointslices", body)
