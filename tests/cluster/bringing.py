"""A namespace of a cluster whose pods have the agent, and what that asks: a ledger of attempts, and a daemon."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

from planner.compile import CompileConfig
from planner.desire.view import Identity
from planner.model.facts import Bound, Fact, Intended, Opened
from planner.model.people import ProjectRecord
from reconciler import codec
from reconciler.api.pods import pods_app
from reconciler.backends.kubernetes.access import Access
from reconciler.backends.kubernetes.backend import KubernetesBackend
from reconciler.backends.kubernetes.here import Here
from reconciler.backends.kubernetes.settings import AgentSettings
from reconciler.backends.kubernetes.tokens import Tokens
from reconciler.compiler import SourceCompiler
from reconciler.core import Core, Policy, Ports
from reconciler.forges.memory import MemoryForge
from reconciler.ledger.memory import MemoryLedger
from reconciler.ledger.state import MemoryState
from reconciler.ports import Order
from reconciler.servers import Served, answer, server_of, tcp_socket
from reconciler.source.memory import MemorySource
from reconciler.source.memory_remote import MemoryRepository
from tests.cluster.world import OWNER, ClusterWorld, NoTrees, SystemClock
from tests.ports import free_port

SECRET = b"s" * 32


class BringingClusterWorld(ClusterWorld):
    """`tests.contracts.bringing.BringingWorld` on a cluster."""

    def __init__(self, cluster: Any, namespace: str, folder: Path) -> None:
        super().__init__(cluster, namespace, folder)
        self.address = f"{cluster.host}:{free_port(cluster.host)}"
        agent = AgentSettings(image=cluster.image("agent"), contact=f"http://{self.address}")
        self.settings = replace(self.settings, agent=agent)
        self.ledger = MemoryLedger(MemoryState(instance=OWNER.instance, project=ProjectRecord(name=OWNER.project)))
        self._served: Served | None = None
        self._answering: asyncio.Task[None] | None = None

    def open(self) -> KubernetesBackend:
        here = Here(self.folder, NoTrees(), self.folder / "trees", Tokens(SECRET, OWNER))
        made = KubernetesBackend(self.settings, Access(self.cluster.kubeconfig), OWNER, SystemClock(), here)
        self.backends.append(made)
        return made

    def answer(self) -> None:
        """Have pods answered, as a daemon does."""
        source, clock, backend = MemorySource(MemoryRepository()), SystemClock(), self.open()
        compiler = SourceCompiler(source, CompileConfig(project=OWNER.project, instance=OWNER.instance))
        ports = Ports(self.ledger, backend, source, compiler, MemoryForge(), clock)
        core = Core(ports, Policy(Identity(OWNER.instance, OWNER.project)))
        self._served = server_of(pods_app(core, backend)), tcp_socket(self.address, "pods")
        self._answering = asyncio.create_task(answer(self._served))

    async def intend(self, order: Order) -> None:
        """Have it in the ledger, alive."""
        root, run, at = order.key.root, order.key.run, SystemClock().now()
        digest, text = codec.blob_of(order.run)
        facts: list[Fact] = [Intended(root, order.key, order.leases, at)]
        if order.key.attempt == 1:
            opened = Opened(root, run, order.run.kind, "c" * 40, 1, "leaf", "a test", at)
            facts = [opened, Bound(root, run, order.run.digest, digest, at), *facts]
        await self.ledger.record(facts, {digest: text})

    async def close(self) -> None:
        if self._answering is not None and self._served is not None:
            server, listener = self._served
            server.should_exit = True
            await self._answering
            listener.close()
        await super().close()
