from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import anyio
import pytest

from reconciler.source.memory_remote import Content, File, Link, MemoryRepository, Module
from reconciler.source.model import Limits
from reconciler.source.remote import Origin, parse
from reconciler.source.repository import GitSource
from tests.contracts.source import MODULE, SourceContract
from tests.reconciler.source.remotes import GitRemote

pytestmark = [pytest.mark.process, pytest.mark.anyio]


@pytest.fixture
def anyio_backend():
    return "asyncio"


class GitWorld:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.remote = GitRemote(folder / "remote.git")
        self.origin = Origin(parse(str(self.remote.path)), "main")
        self.source = GitSource(self.origin, folder / "state", "test")
        self._away = folder / "away"

    def commit(self, files: Mapping[str, Content], subject: str = "change", *, orphan: bool = False) -> str:
        return self.remote.commit(files, subject, orphan=orphan)

    def force(self, commit: str) -> None:
        self.remote.point(commit)

    def delete(self) -> None:
        self.remote.point(None)

    def collect(self) -> None:
        self.remote.collect()

    def cut(self) -> None:
        self.remote.path.rename(self._away)

    def mend(self) -> None:
        self._away.rename(self.remote.path)

    async def forget(self) -> None:
        await self.source.close()
        mirror = self.folder / "state" / "mirror.git"
        await anyio.run_process(["git", f"--git-dir={mirror}", "gc", "--quiet", "--prune=now"])

    def limited(self, limits: Limits) -> GitSource:
        return GitSource(self.origin, self.folder / f"state-{limits}".replace("/", "")[:60], "test", limits)


@pytest.fixture
async def world(tmp_path_factory):
    made = GitWorld(tmp_path_factory.mktemp("world"))
    yield made
    await made.source.close()


class TestGitSource(SourceContract):
    @pytest.fixture
    def world(self, world):
        return world


async def test_memory_has_the_same_ids_as_git(world):
    memory = MemoryRepository()
    contents: list[dict[str, Content]] = [
        {"a": b"1"},
        {"a/x": b"3", "a.b/x": b"2", "a.": b"dot", "a0": b"", "z/deep/er": File(b"#", executable=True)},
        {"link": Link("z"), "vendor": Module(MODULE), "umläut/\n": b"x"},
    ]
    for files in contents:
        assert memory.commit(files, "same") == world.commit(files, "same")
    found = await world.source.fetch()
    assert found.tree == memory.store.objects[found.id].data.split(b"\n")[0].removeprefix(b"tree ").decode()
