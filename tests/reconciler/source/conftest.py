from __future__ import annotations

import pytest

from reconciler.source.follow import Deadlines
from reconciler.source.model import Limits
from reconciler.source.remote import Access, Origin, parse
from reconciler.source.repository import GitSource
from tests.reconciler.source.remotes import GitRemote

QUICK = Deadlines(ask=20, fetch=60, read=20, tidy=60)


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def remote(tmp_path):
    return GitRemote(tmp_path / "remote.git")


@pytest.fixture
async def follow(tmp_path, remote):
    """Makes sources, each in a state folder of its own, and closes them."""
    made: list[GitSource] = []

    def make(url=None, branch="main", *, state="state", access=None, deadlines=QUICK, limits=None):
        origin = Origin(parse(str(url or remote.path)), branch, access or Access())
        source = GitSource(origin, tmp_path / state, "test", limits or Limits(), deadlines)
        made.append(source)
        return source

    yield make
    for source in made:
        await source.close()
