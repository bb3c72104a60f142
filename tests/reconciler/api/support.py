"""A daemon in memory, with its API answered in the same process."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio
import httpx

from planner.admit import Limits
from planner.compile import CompileConfig
from planner.desire.view import Identity
from planner.guard import Budgets
from planner.keys import Key
from planner.model.gang import Lifetime
from planner.model.people import ProjectRecord
from reconciler.api.app import create_app
from reconciler.api.service import Service
from reconciler.backends.memory import MemoryBackend, Program
from reconciler.clock import WallClock
from reconciler.compiler import SourceCompiler
from reconciler.core import Core, Policy, Ports
from reconciler.forges.memory import MemoryForge
from reconciler.ledger.memory import MemoryLedger
from reconciler.ledger.state import MemoryState
from reconciler.loop import Loop, LoopSettings
from reconciler.ports import Clock, Order
from reconciler.ports_store import Store
from reconciler.settings import DaemonSettings
from reconciler.settings import Repository as RepositorySettings
from reconciler.source.memory import MemorySource
from reconciler.source.memory_remote import MemoryRepository

Answer = Mapping[str, Any]


def job(name: str, *, more: str = "", command: str = "train") -> bytes:
    """An operation with a job of its own."""
    return f"""\
version: 1.1
kind: operation
name: {name}
{more}
component:
  inputs:
    - {{name: rate, type: float, value: 0.1}}
  run:
    kind: job
    container: {{image: i, command: [{command}], args: ["{{{{ rate }}}}"]}}
""".encode()


def service(name: str, port: int = 8080) -> bytes:
    """An operation with a service of its own."""
    return f"""\
version: 1.1
kind: operation
name: {name}
component:
  run:
    kind: service
    ports: [{port}]
    container: {{image: i, command: [serve]}}
""".encode()


def dag(name: str) -> bytes:
    """Two nodes, one after the other."""
    return f"""\
version: 1.1
kind: operation
name: {name}
component:
  run:
    kind: dag
    operations:
      - name: first
        component: {{run: {{kind: job, container: {{image: i, command: [one]}}}}}}
      - name: second
        dependencies: [first]
        component: {{run: {{kind: job, container: {{image: i, command: [two]}}}}}}
""".encode()


def policy(text: str) -> dict[str, bytes]:
    """The repository's own settings."""
    return {".plumbline.yaml": text.encode()}


class Backend(MemoryBackend):
    """The backend in memory, which lets go of its streams."""

    async def changes(self) -> AsyncIterator[Key]:
        """Hints."""
        with self._hints[1].clone() as hints:
            async for key in hints:
                yield key

    async def close(self) -> None:
        """Close both ends."""
        for end in self._hints:
            end.close()


@dataclass
class World:
    """Everything around one API.

    Attributes:
        programs: what an attempt of a node or operation does, by the last name of its key.
    """

    patience: float = 5.0
    hold_first: bool = False
    budgets: Budgets = field(default_factory=Budgets)
    programs: dict[str, Program] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    clock: Clock = field(default_factory=WallClock)
    workers: int = 4
    store: Store | None = None

    def __post_init__(self) -> None:
        self.remote = MemoryRepository()
        self.source = MemorySource(self.remote)
        self.ledger = MemoryLedger(MemoryState(instance="test", project=ProjectRecord(name="project")))
        clock = self.clock
        self.backend = Backend(clock, self._program)
        self.identity = Identity("test", "project")
        config = CompileConfig(project="project", instance="test")
        compiler = SourceCompiler(self.source, config)
        ports = Ports(self.ledger, self.backend, self.source, compiler, MemoryForge(), clock, self.store)
        policy = Policy(self.identity, "main", self.budgets, limits=self.limits, hold_first=self.hold_first)
        self.core = Core(ports, policy)
        self.core.compiling = config
        self.loop = Loop(self.core, LoopSettings(workers=self.workers, post_interval=0.01))
        settings = DaemonSettings(repository=RepositorySettings(url="/srv/project.git"))
        self.service = Service(self.core, self.loop, settings, patience=self.patience)
        self.app = create_app(self.service)

    def _program(self, order: Order) -> Program:
        name = order.key.place[-1] if order.key.place else order.key.root
        if name in self.programs:
            return self.programs[name]
        return Program(seconds=None if order.run.gang.lifetime is Lifetime.ALWAYS else 0.0)

    def push(self, files: Mapping[str, bytes]) -> str:
        """Commit `files` and have the daemon look."""
        ident = self.remote.commit(files)
        self.core.queue.add("source")
        return ident

    @contextlib.asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client of the API, without a loop that reconciles."""
        transport = httpx.ASGITransport(self.app)
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://plumbline") as client:
                yield client
        finally:
            await self.backend.close()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Api]:
        """The API of a daemon whose loop runs."""
        # The backend is closed when nobody uses it any more.
        async with self.client() as client, anyio.create_task_group() as group:
            group.start_soon(self.loop.run)
            group.start_soon(self._time)
            yield Api(client)
            group.cancel_scope.cancel()

    async def _time(self) -> None:
        while True:
            self.backend.refresh()
            await anyio.sleep(0.005)


@dataclass
class Api:
    """Shorthand for tests."""

    client: httpx.AsyncClient

    async def get(self, path: str, status: int = 200, **params: str | int | bool) -> Answer:
        """The answer of a GET, which must have `status`."""
        response = await self.client.get(path, params=params)
        assert response.status_code == status, response.text
        return dict(response.json())

    async def ask(self, verb: str, target: str = "", status: int = 200, **args: object) -> Answer:
        """The answer of a command, which must have `status`."""
        response = await self.client.post("/v1/commands", json={"verb": verb, "target": target, "args": args})
        assert response.status_code == status, response.text
        return dict(response.json())

    async def operation(self, name: str) -> Answer:
        """One operation of the status, or nothing."""
        found = await self.get("/v1/status")
        return next((item for item in found["operations"] if item["operation"] == name), {})

    async def failing(self) -> Answer | None:
        """What is said of the repository, once something of it fails."""
        found = (await self.get("/v1/status"))["source"]
        return dict(found) if found["failing"] else None

    async def until(self, name: str, state: str) -> Answer:
        """One operation, once it is in `state`."""

        async def look() -> Answer | None:
            found = await self.operation(name)
            return found if found.get("state") == state else None

        return await eventually(look)


async def eventually(look: Callable[[], Awaitable[Any]], seconds: float = 60.0) -> Any:
    """What `look` finds, as soon as it finds something."""
    with anyio.fail_after(seconds):
        while True:
            if found := await look():
                return found
            await anyio.sleep(0.005)
