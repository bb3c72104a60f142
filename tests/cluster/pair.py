"""A release of two replicas on a cluster of this machine, with the ledger in PostgreSQL, seen from the outside.

What is seen are the cluster, the database of the ledger, the notes in the repository, and who called; no daemon is.
"""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import psycopg

from reconciler.backends.kubernetes import names
from tests.cluster.cluster import OwnCluster
from tests.cluster.release import PATIENCE, InCluster
from tests.cluster.world import Tally
from tests.e2e.harness import until
from tests.postgres import PostgresServer

__all__ = ["Pair", "server_for"]

PASSWORD = "s3cr3t of the daemon"


def server_for(cluster: OwnCluster) -> PostgresServer:
    """A server of PostgreSQL that pods of the cluster reach, with a password."""
    server = PostgresServer(durable=True)
    with (server.folder / "data" / "pg_hba.conf").open("a") as rules:
        rules.write("host all all 0.0.0.0/0 scram-sha-256\n")
    return server.start(listen_addresses=cluster.host)


class Pair(InCluster):
    """A release of two replicas."""

    def __init__(self, cluster: OwnCluster, namespace: str, base: Path, server: PostgresServer) -> None:
        super().__init__(cluster, namespace, base)
        self.calls = Tally(cluster.host)
        self.server = server
        server.run(f"CREATE ROLE daemon LOGIN PASSWORD '{PASSWORD}'")
        server.run("CREATE DATABASE ledger OWNER daemon ENCODING 'UTF8' TEMPLATE template0")
        for name, value in (("ledger", PASSWORD.encode()), ("tokens", os.urandom(32))):
            body = {"metadata": {"name": name}, "data": {"it": base64.b64encode(value).decode()}}
            cluster.api.create(f"/api/v1/namespaces/{namespace}/secrets", body)

    def begin(self, *, shared: bool) -> None:
        """Install it, and wait until one leads and one stands by; `shared`: whether they have a volume in common."""
        url = f"postgresql://daemon@{self.cluster.host}/ledger?sslmode=disable"
        secrets = {"ledgerPassword": {"name": "ledger", "key": "it"}, "tokenKey": {"name": "tokens", "key": "it"}}
        more = {"replicas": 2, "secrets": secrets, "persistence": {"enabled": shared, "accessModes": ["ReadWriteMany"]}}
        election = {"duration": 30, "renew": 25}  # longer than by default, as machines may be busy
        self.install(self.values(ledger={"url": url}, election=election), more)
        until(lambda: self.leader() and self.available() == 2, "two replicas are there", PATIENCE)

    def close(self) -> None:
        self.calls.close()
        super().close()

    # --- who leads

    def lease(self) -> dict[str, Any]:
        found: dict[str, Any] = self.cluster.api.get(f"{self.leases}/plumbline")
        return found

    @property
    def leases(self) -> str:
        return f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases"

    def leader(self) -> str:
        """The identity of who leads."""
        return str(self.lease()["spec"]["holderIdentity"])

    def leading_pod(self) -> str:
        return self.leader().rpartition("_")[0]

    def available(self) -> int:
        deployment = self.cluster.api.get(f"/apis/apps/v1/namespaces/{self.namespace}/deployments/plumbline")
        return int(deployment["status"].get("availableReplicas", 0))

    # --- what there is

    def ends(self) -> dict[str, str]:
        """The status of every run by its key, as the ledger has it."""
        with psycopg.connect(self.server.url("ledger"), autocommit=True) as connection:
            return dict(connection.execute("SELECT key, status FROM runs").fetchall())

    def told(self, commit: str) -> dict[str, str]:
        """The state of every status of what a commit caused, as everybody sees it in the repository."""
        found = self.notes().get(commit, {})
        return {context: state for context, (state, _) in found.items() if context.startswith("plumbline/")}

    def attempts(self) -> list[str]:
        jobs = self.items("/apis/batch/v1", "jobs") + self.items("/apis/apps/v1", "deployments", names.OBJECT)
        return sorted(one["metadata"]["annotations"][names.KEY] for one in jobs)

    def runs_now(self, run: str) -> bool:
        """Whether the program of a run is running."""
        pods = self.items("/api/v1", "pods", names.OBJECT)
        mine = [pod for pod in pods if pod["metadata"]["annotations"][names.KEY].startswith(f"{run}#")]
        return any(pod["status"].get("phase") == "Running" for pod in mine)
