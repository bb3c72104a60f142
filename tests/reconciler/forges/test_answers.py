"""What follows from each answer of a forge, and that none of it has the credential in it."""

from __future__ import annotations

import pytest
import trio.testing

from reconciler.errors import Refused, Transient
from reconciler.forges.http.credentials import TokenCredential
from tests.forges.faults import AFTER, FAULTS
from tests.forges.forge import FakeForge
from tests.forges.github import GitHubSpelling
from tests.forges.parts import CONTEXT, TOKEN, github, sha, status

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

FOLLOWS = {
    "500": ("later", 1),
    "502-html": ("later", 1),
    "502-echo": ("later", 1),
    "503-retry": ("later", 4),
    "429-seconds": ("later", 5),
    "429-date": ("later", 7),
    "429-silent": ("later", 60),
    "403-secondary": ("later", 30),
    "403-silent": ("later", 60),
    "403-primary": ("later", 90),
    "403-rights": ("person", "Commit statuses: write"),
    "401": ("person", "make a new one"),
    "404": ("person", "check forge.repository"),
    "302-away": ("person", "elsewhere.example.org"),
    "307-away": ("person", "elsewhere.example.org"),
    "308-plain": ("person", "another host"),
    "timeout": ("later", 1),
    "connect": ("later", 1),
    "reset": ("later", 1),
    "timeout-after": ("later", 1),
    "reset-after": ("later", 1),
    "500-after": ("later", 1),
    "slow-body": ("later", 1),
    "gzip-bomb": ("person", "more than 8,388,608 bytes"),
    "broken-gzip": ("person", "packed"),
    "odd-packing": ("person", "packed"),
    "wrong-type": ("person", "'text/html' and no JSON"),
    "giant-json": ("person", "more than 8,388,608 bytes"),
    "no-json": ("person", "no JSON"),
    "deep-json": ("person", "no JSON"),
    "422-many": ("parked", "maximum number of statuses"),
    "422-unknown": ("parked", "No commit found for SHA"),
    "422-invalid": ("parked", "description, code custom"),
}


@pytest.fixture
def anyio_backend():
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


def test_every_fault_has_its_line():
    assert FOLLOWS.keys() == FAULTS.keys()


@pytest.mark.parametrize("name", FOLLOWS)
async def test_what_follows(name):
    kind, more = FOLLOWS[name]
    fake = FakeForge(GitHubSpelling(), [name])
    forge = github(fake)
    if kind == "parked":
        told = await forge.put([status()])
        assert more in told.refused[0].reason
        assert told.taken == ()
        words = told.refused[0].reason
    else:
        with pytest.raises(Transient if kind == "later" else Refused) as caught:
            await forge.put([status()])
        words = caught.value.message
        if kind == "later":
            assert caught.value.after == more
        else:
            assert more in words
    assert TOKEN not in words
    assert "\n" not in words
    assert len(words) < 500
    assert fake.state.shown().keys() == ({(sha(1), CONTEXT)} if name in AFTER else set())
    await forge.close()


@pytest.mark.parametrize("name", sorted(name for name, (kind, _) in FOLLOWS.items() if kind == "later"))
async def test_a_forge_that_wants_to_be_left_alone_is_not_asked(name):
    fake = FakeForge(GitHubSpelling(), [name])
    forge = github(fake)
    with pytest.raises(Transient) as caught:
        await forge.put([status()])
    asked = len(fake.state.asked)
    for refused in (forge.put([status()]), forge.spoke_of([sha(1)], CONTEXT)):
        with pytest.raises(Transient, match="left alone") as again:
            await refused
        assert again.value.after == pytest.approx(caught.value.after)
    assert len(fake.state.asked) == asked
    await trio.sleep(caught.value.after)
    assert (await forge.put([status()])).taken
    await forge.close()


async def test_limits_that_do_not_say_how_long_are_waited_for_longer_each_time():
    forge = github(FakeForge(GitHubSpelling(), ["403-silent"] * 9))
    waits = []
    for _ in range(9):
        with pytest.raises(Transient) as caught:
            await forge.put([status()])
        waits.append(caught.value.after)
        await trio.sleep(caught.value.after)
    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert (await forge.put([status()])).taken
    await forge.close()


async def test_a_forge_that_is_down_is_asked_once_a_minute_in_the_end():
    fake = FakeForge(GitHubSpelling(), ["connect"] * 9)
    forge = github(fake)
    for _ in range(9):
        with pytest.raises(Transient) as caught:
            await forge.put([status()])
        await trio.sleep(caught.value.after)
    assert caught.value.after == 60
    assert (await forge.put([status()])).taken
    await forge.close()


async def test_a_token_that_was_changed_is_taken_up():
    tokens = iter([TOKEN[:5], TOKEN, TOKEN])
    fake = FakeForge(GitHubSpelling())
    forge = github(fake, token=lambda: next(tokens))
    assert (await forge.put([status()])).taken
    assert [asked.headers["authorization"] for asked in fake.state.asked] == [f"Bearer {TOKEN[:5]}", f"Bearer {TOKEN}"]
    await forge.close()


async def test_a_token_that_is_not_taken_is_tried_once():
    fake = FakeForge(GitHubSpelling())
    forge = github(fake, token=lambda: "other")
    with pytest.raises(Refused, match="401"):
        await forge.put([status()])
    assert len(fake.state.asked) == 1
    await forge.close()


@pytest.mark.parametrize("token", ["two words", "ümlaut", "a\nb", "a\x00b"])
async def test_what_no_token_is_goes_nowhere(token):
    with pytest.raises(Refused) as caught:
        await TokenCredential(lambda: token).secret()
    assert token not in caught.value.message
    assert await TokenCredential(lambda: "good\n").secret() == "good"
