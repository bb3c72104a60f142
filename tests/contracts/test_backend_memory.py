"""The backend in memory keeps the laws of the port, and claims no ability that it has not."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from planner import keys
from planner.keys import Key
from planner.model.gang import Container, Gang, Lifetime, Replica
from planner.model.run import BoundRun, Leases, Stamp
from reconciler.backends.memory import MemoryBackend, Program
from reconciler.keeper import Dropper, Restorer
from reconciler.ports import Ensured, Order
from tests.contracts.backend import BackendContract, Script, seen
from tests.contracts.reporting import ReportingContract

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

OWNER = Stamp("ledger-1", 7, "default", "demo")
PROGRAMS = {
    Script.SUCCEED: Program(outputs={"answer": 42}),
    Script.FAIL: Program(exit_code=3),
    Script.FOREVER: Program(seconds=None),
    Script.STUBBORN: Program(seconds=None),
    Script.REPORT: Program(seconds=None, reports={"loss": (0.5, 0.25)}, every=0.1),
    Script.SERVICE: Program(seconds=None),
}


class MemoryWorld:
    """A dictionary that outlives the daemons, and a clock that goes on when somebody waits."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 26, 6, tzinfo=UTC)
        self.backend = MemoryBackend(self, lambda order: PROGRAMS[Script(order.run.digest)])

    def now(self) -> datetime:
        return self.at

    def open(self) -> MemoryBackend:
        return self.backend

    def order(self, name: str, script: Script, attempt: int = 1) -> Order:
        key = keys.generation(name, 1).at_attempt(attempt)
        kind, lifetime = ("service", Lifetime.ALWAYS) if script is Script.SERVICE else ("job", Lifetime.ONCE)
        gang = Gang((Replica("main", 1, Container()),), lifetime=lifetime)
        return Order(key, BoundRun(key.run, kind, str(script), gang), Leases(), OWNER)

    def starts(self, key: Key) -> int:
        return self.backend.starts.get(key, 0)

    async def wait(self) -> None:
        self.at += timedelta(seconds=0.1)
        self.backend.refresh()


class TestMemoryBackend(BackendContract, ReportingContract):
    @pytest.fixture
    def world(self) -> Iterator[MemoryWorld]:
        world = MemoryWorld()
        yield world
        for stream in world.backend._hints:
            stream.close()

    async def test_it_keeps_no_files_and_does_not_claim_to(self, backend):
        assert not isinstance(backend, Restorer)
        assert not isinstance(backend, Dropper)

    async def test_what_somebody_changed_is_seen_and_put_right_once(self, world, backend):
        order = world.order("serve", Script.SERVICE)
        await backend.ensure(order)
        backend.change(order.key, "somebody else changed its Service")
        assert (await seen(backend, order.key)).drift == "somebody else changed its Service"
        assert await backend.ensure(order) is Ensured.CORRECTED
        assert (await seen(backend, order.key)).drift == ""
        assert await backend.ensure(order) is Ensured.UNCHANGED
        assert world.starts(order.key) == 1
