"""A listener of webhooks, with whoever it wakes."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import anyio
import httpx

from reconciler.hints import PULLS, SOURCE, Hints
from reconciler.queue import Queue
from reconciler.telemetry import Metrics
from reconciler.webhooks.door import Door
from reconciler.webhooks.listener import webhooks_app
from reconciler.webhooks.signatures import Secret
from tests.reconciler.webhooks.deliveries import AT, KEY, NAME, SECRET, SIGNING, Delivery


@dataclass
class Then:
    """A clock that stands."""

    at: float = AT

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)


@dataclass
class Hearing:
    """A listener and what came of what it heard.

    Attributes:
        polls: how often the branch was to be looked at.
        looks: how often pull requests were to be looked at.
    """

    clock: Then = field(default_factory=Then)
    secrets: list[Secret] = field(default_factory=lambda: [Secret(SECRET.encode()), Secret(SIGNING.encode(), KEY)])
    handled: tuple[str, ...] = (SOURCE, PULLS)
    polls: int = 0
    looks: int = 0

    def __post_init__(self) -> None:
        self.queue = Queue()
        self.hints = Hints(self.queue, self.handled)
        self.metrics = Metrics()
        self.app = webhooks_app(self.hints, self.metrics, Door(NAME, self.door_secrets, self.clock))

    def door_secrets(self) -> tuple[Secret, ...]:
        """Those that count now."""
        return tuple(self.secrets)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Hearing]:
        """With a client, and somebody who is woken."""
        transport = httpx.ASGITransport(self.app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://hooks")
        async with self.client, anyio.create_task_group() as group:
            group.start_soon(self._look)
            yield self
            group.cancel_scope.cancel()

    async def send(self, sent: Delivery) -> int:
        """The status of the answer, once whoever it wakes is awake."""
        answer = await self.client.post("/webhook", content=sent.body, headers=sent.headers)
        await anyio.wait_all_tasks_blocked()
        return answer.status_code

    def counted(self, verdict: str, forge: str) -> float:
        """How many deliveries had this verdict."""
        labels = {"forge": forge, "verdict": verdict}
        return self.metrics.registry.get_sample_value("plumbline_webhook_deliveries_total", labels) or 0.0

    async def _look(self) -> None:
        while True:
            name = await self.queue.get()
            self.polls += name == SOURCE
            self.looks += name == PULLS
            self.queue.done(name)
