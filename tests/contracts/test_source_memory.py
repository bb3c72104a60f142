from __future__ import annotations

from collections.abc import Mapping

import pytest

from reconciler.source.memory import MemorySource
from reconciler.source.memory_remote import Content, MemoryRepository
from reconciler.source.model import Limits
from tests.contracts.source import SourceContract

pytestmark = [pytest.mark.unit, pytest.mark.anyio]


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request):
    return request.param


class MemoryWorld:
    def __init__(self) -> None:
        self.remote = MemoryRepository()
        self.source = MemorySource(self.remote)

    def commit(self, files: Mapping[str, Content], subject: str = "change", *, orphan: bool = False) -> str:
        if orphan:
            self.remote.branches.pop(self.remote.default, None)
        return self.remote.commit(files, subject)

    def force(self, commit: str) -> None:
        self.remote.force(commit)

    def delete(self) -> None:
        self.remote.delete()

    def collect(self) -> None:
        self.remote.collect()

    def cut(self) -> None:
        self.remote.unreachable = "the network is down"

    def mend(self) -> None:
        self.remote.unreachable = ""

    async def forget(self) -> None:
        await self.source.tidy()

    def limited(self, limits: Limits) -> MemorySource:
        return MemorySource(self.remote, limits=limits)


class TestMemorySource(SourceContract):
    @pytest.fixture
    def world(self):
        return MemoryWorld()
