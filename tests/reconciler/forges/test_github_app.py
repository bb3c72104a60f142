"""Speaking as an App of GitHub: what is signed, and tokens that are had anew in time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import trio.testing
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from reconciler.errors import Refused, Transient
from reconciler.forges.github.app import AppCredential, Installed
from reconciler.forges.github.manner import manner
from reconciler.forges.github.signing import signed
from reconciler.forges.github.statuses import GitHubShape
from reconciler.forges.http.client import Client
from reconciler.forges.http.server import Server
from reconciler.forges.http.statuses import HttpStatuses
from tests.forges.apps import PEM, AppForge, Apps, claim_of
from tests.forges.forge import ADDRESS
from tests.forges.github import GitHubSpelling
from tests.forges.parts import NO_PACE, REPOSITORY, Given, LoopClock, sha, status
from tests.forges.state import Reply

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def anyio_backend():
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


def test_a_claim_is_signed_for_ten_minutes_from_a_minute_ago():
    token = signed(12, PEM, NOW)
    assert claim_of(token) == {"iat": NOW.timestamp() - 60, "exp": NOW.timestamp() + 540, "iss": "12"}
    with pytest.raises(InvalidSignature):
        claim_of(token[:-8] + "AAAAAAAA")


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "no private key in PEM form"),
        ("canary", "no private key in PEM form"),
        (PEM.replace("M", "N"), "no private key in PEM form"),
        (
            ec.generate_private_key(ec.SECP256R1())
            .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            .decode(),
            "not RSA",
        ),
    ],
    ids=["nothing", "something", "torn", "another kind"],
)
def test_what_is_no_key_is_said_without_showing_it(key, words):
    with pytest.raises(Refused, match=words) as caught:
        signed(12, key, NOW)
    assert "canary" not in caught.value.message
    assert caught.value.__cause__ is None


class Place:
    def __init__(self, installation: int | None = 34, permissions=None) -> None:
        self.apps = Apps()
        self.fake = AppForge(GitHubSpelling(), self.apps)
        clock, server = LoopClock(), Server(ADDRESS)
        installed = Installed(12, REPOSITORY, installation, lambda: PEM, permissions or {})
        claim = Given(lambda: signed(12, PEM, clock.now()))
        asking = Client(server, manner(NO_PACE), claim, clock, self.fake.client())
        self.app = AppCredential(asking, installed, clock)
        client = Client(server, manner(NO_PACE), self.app, clock, self.fake.client())
        self.forge = HttpStatuses(client, GitHubShape(REPOSITORY, lambda *_: ""), None)

    async def say(self, number: int = 1) -> None:
        assert (await self.forge.put([status(number)])).taken


async def test_a_token_serves_for_its_hour_and_is_confined_to_the_repository():
    place = Place()
    for number in range(1, 21):
        await place.say(number)
        await trio.sleep(60)
    assert place.apps.made == 1
    assert place.apps.bodies == [{"repositories": ["models"]}]
    assert place.apps.numbers == [34]


async def test_a_token_is_had_anew_before_its_hour_is_over():
    place = Place()
    for number in range(1, 301):
        await place.say(number)
        await trio.sleep(60)
    assert place.apps.made == 6  # in five hours, five minutes before each is over
    assert not [asked for asked in place.fake.state.asked if asked.path.endswith("/status")]
    assert len(place.fake.state.shown()) == 300


async def test_a_token_that_was_revoked_is_had_anew_once():
    place = Place()
    await place.say(1)
    await trio.sleep(60)
    place.fake.state.tokens.clear()
    await place.say(2)
    assert place.apps.made == 2


async def test_one_that_is_not_taken_though_it_is_new_is_not_had_anew_again_and_again():
    place = Place()
    await place.say(1)
    place.fake.state.tokens.clear()
    for _ in range(20):
        assert await place.app.secret(renewed=True) == "canary-1"
    await trio.sleep(60)
    assert await place.app.secret(renewed=True) == "canary-2"


async def test_a_token_may_be_confined_to_what_it_is_for():
    place = Place(permissions={"contents": "read"})
    await place.app.secret()
    assert place.apps.bodies == [{"repositories": ["models"], "permissions": {"contents": "read"}}]
    assert place.app.permissions == {"contents": "read"}


async def test_whoever_asks_at_once_gets_the_same_token():
    place = Place()
    found = set()

    async def ask() -> None:
        found.add(await place.app.secret())

    async with trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(ask)
    assert found == {"canary-1"}
    assert place.apps.made == 1


async def test_the_installation_is_found():
    place = Place(installation=None)
    await place.say()
    assert place.apps.numbers == [99]


@pytest.mark.parametrize(
    "odd",
    [
        Reply(201, {}),
        Reply(201, []),
        Reply(201, {"token": "", "expires_at": "2026-11-26T13:00:00Z"}),
        Reply(201, {"token": "canary", "expires_at": "soon"}),
        Reply(201, {"token": "canary", "expires_at": "2026-11-26T13:00:00"}),
    ],
    ids=["nothing", "a list", "empty", "no time", "no zone"],
)
async def test_an_odd_token_is_none(odd):
    place = Place()
    place.apps.odd = odd
    with pytest.raises(Transient, match="no token") as caught:
        await place.say()
    assert "canary" not in caught.value.message
    assert place.fake.state.shown() == {}


@pytest.mark.parametrize("installation", [None, 34])
@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(401, {"message": "A JSON web token could not be decoded"}), "belong together, and this machine's clock"),
        (Reply(403, {"message": "This installation has been suspended"}), "suspended.*unsuspend"),
        (Reply(404, {"message": "Not Found"}), "404 .*install the App on the repository"),
        (Reply(422, {"message": "The permissions requested are not granted to this installation."}), "must accept"),
    ],
    ids=["another key", "suspended", "not installed", "too few permissions"],
)
async def test_an_app_that_gets_no_token_is_told_why_and_asks_once_a_minute(installation, reply, words):
    place = Place(installation)
    place.apps.odd = reply
    for _ in range(20):
        with pytest.raises(Refused, match=words):
            await place.say()
    assert place.apps.asked == 1
    place.apps.odd = None
    await trio.sleep(61)
    await place.say()
    assert place.fake.state.shown().keys() == {(sha(1), "plumbline/test")}


async def test_an_installation_that_cannot_be_found_is_said():
    place = Place(installation=None)
    place.fake.spelling.apps = None
    for _ in range(20):
        with pytest.raises(Refused, match=r"404.*install the App"):
            await place.say()
    assert len(place.fake.state.asked) == 1
