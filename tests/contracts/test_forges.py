"""Every forge under the suite of its port."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest

from reconciler.clock import WallClock
from reconciler.forges.memory import MemoryForge, SilentForge
from reconciler.forges.notes import NotesForge
from reconciler.source.remote import Origin, parse
from reconciler.source.repository import GitSource
from tests.contracts.forge import ForgeContract
from tests.forges.forge import FakeForge
from tests.forges.github import GitHubSpelling
from tests.forges.parts import github, sha
from tests.forges.state import State
from tests.reconciler.source.remotes import GitRemote

pytestmark = pytest.mark.anyio


class MemoryWorld:
    shows_all = True

    def __init__(self) -> None:
        self.forge = MemoryForge()

    async def commits(self):
        return [sha(1), sha(2)]

    async def shown(self, commit):
        return {c: (str(s.state), s.description) for (of, c), s in self.forge.said.items() if of == commit}

    def again(self):
        return MemoryForge(self.forge.said)


class SilentWorld(MemoryWorld):
    shows_all = False

    def __init__(self) -> None:
        self.forge = SilentForge()

    def again(self):
        return SilentForge()


class GitHubWorld:
    shows_all = True

    def __init__(self) -> None:
        self.fake = FakeForge(GitHubSpelling(), state=State(commits={sha(1), sha(2)}))
        self.forge = github(self.fake)

    async def commits(self):
        return [sha(1), sha(2)]

    async def shown(self, commit):
        return {c: (s.state, s.description) for (of, c), s in self.fake.state.shown().items() if of == commit}

    def again(self):
        return github(self.fake)


class NotesWorld:
    shows_all = True

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.remote = GitRemote(folder / "remote.git")
        self.source = GitSource(Origin(parse(str(self.remote.path)), "main"), folder / "state", "test")
        self.forge = NotesForge(self.source, WallClock())

    async def commits(self):
        found = [self.remote.commit({"a": text}, "change") for text in (b"1", b"2")]
        await self.source.fetch()
        return found

    async def shown(self, commit):
        command = ["git", f"--git-dir={self.remote.path}", "notes", "--ref=plumbline/test", "show", commit]
        said = await anyio.run_process(command, check=False)
        lines = [json.loads(line) for line in said.stdout.decode().splitlines()]
        return {line["context"]: (line["state"], line["description"]) for line in lines}

    def again(self):
        return NotesForge(self.source, WallClock())


@pytest.mark.unit
class TestMemoryForge(ForgeContract):
    @pytest.fixture
    def world(self):
        return MemoryWorld()


@pytest.mark.unit
class TestSilentForge(ForgeContract):
    @pytest.fixture
    def world(self):
        return SilentWorld()


@pytest.mark.unit
class TestGitHub(ForgeContract):
    @pytest.fixture
    async def world(self):
        made = GitHubWorld()
        yield made
        await made.forge.close()


@pytest.mark.process
class TestNotesForge(ForgeContract):
    @pytest.fixture
    async def world(self, tmp_path_factory):
        made = NotesWorld(tmp_path_factory.mktemp("world"))
        yield made
        await made.source.close()
