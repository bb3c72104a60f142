"""The same faults over real connections on loopback: what a real HTTP client makes of them, and that it goes on."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from reconciler.errors import Refused, Transient
from reconciler.forges.github.manner import manner
from reconciler.forges.github.statuses import GitHubShape
from reconciler.forges.http.client import Client
from reconciler.forges.http.server import Server
from reconciler.forges.http.statuses import HttpStatuses
from reconciler.forges.http.waiting import Patience
from tests.forges.faults import AFTER, FAULTS, PARKING
from tests.forges.forge import FakeForge
from tests.forges.github import GitHubSpelling
from tests.forges.listening import listening
from tests.forges.parts import CONTEXT, NO_PACE, REPOSITORY, TOKEN, Given, LoopClock, sha, status

pytestmark = [pytest.mark.process, pytest.mark.anyio]

LATER = {name for name in FAULTS if name.startswith(("5", "429", "timeout", "connect", "reset", "slow", "403-"))} - {
    "403-rights"
}


@pytest.fixture
def fake() -> Iterator[tuple[FakeForge, str]]:
    forge = FakeForge(GitHubSpelling())
    with listening(forge) as address:
        yield forge, address


def statuses(address: str) -> tuple[HttpStatuses, Client]:
    client = Client(Server(address), manner(NO_PACE), Given(lambda: TOKEN), LoopClock())
    return HttpStatuses(client, GitHubShape(REPOSITORY, lambda *_: ""), None), client


@pytest.mark.parametrize("name", FAULTS)
async def test_what_follows_over_a_connection(fake, name):
    forge, address = fake
    told, client = statuses(address)
    forge.script.append(name)
    if name in PARKING:
        assert (await told.put([status()])).refused
    else:
        with pytest.raises(Transient if name in LATER else Refused) as caught:
            await told.put([status()])
        assert TOKEN not in caught.value.message
        assert "127.0.0.1" in caught.value.message
    expected = {(sha(1), CONTEXT)} if name in AFTER else set()
    assert forge.state.shown().keys() == expected
    # The same client goes on, as if the pause were over.
    client.patience = client._transport._patience = Patience()
    assert (await told.put([status(2)])).taken
    await told.close()


async def test_a_body_that_unpacks_to_fifty_megabytes_is_never_held(fake):
    forge, address = fake
    told, _ = statuses(address)
    forge.script.append("gzip-bomb")
    tracemalloc.start()
    with pytest.raises(Refused):
        await told.put([status()])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30_000_000
    await told.close()


async def test_nobody_there_is_said_in_words():
    told, _ = statuses("http://127.0.0.1:9/api")
    with pytest.raises(Transient, match="cannot be reached"):
        await told.put([status()])
    await told.close()
