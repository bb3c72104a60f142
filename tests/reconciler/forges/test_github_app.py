"""Speaking as an App of GitHub: what is signed, and tokens that are had anew in time."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
import trio.testing
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from reconciler.errors import Refused, Transient
from reconciler.forges.github.app import AppCredential, Installed, signed
from reconciler.forges.github.manner import manner
from reconciler.forges.github.statuses import GitHubShape
from reconciler.forges.http.client import Client
from reconciler.forges.http.server import Server
from reconciler.forges.http.statuses import HttpStatuses
from tests.forges.forge import ADDRESS, FakeForge
from tests.forges.github import GitHubSpelling
from tests.forges.parts import NO_PACE, REPOSITORY, Given, LoopClock, sha, status
from tests.forges.state import Asked, Reply, State

pytestmark = [pytest.mark.unit, pytest.mark.anyio]

KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


@pytest.fixture
def anyio_backend():
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


def claim_of(token: str) -> dict[str, object]:
    """What a signed claim says; it must be signed with our key."""
    head, body, signature = token.split(".")
    KEY.public_key().verify(unpacked(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), SHA256())
    assert json.loads(unpacked(head)) == {"alg": "RS256", "typ": "JWT"}
    return json.loads(unpacked(body))


def unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


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


class Apps:
    """Gives a new token for each claim that is good, for an hour."""

    def __init__(self) -> None:
        self.made, self.bodies, self.numbers = 0, [], []
        self.clock = LoopClock()
        self.odd: Reply | None = None

    def __call__(self, state: State, asked: Asked, number: int) -> Reply:
        if self.odd:
            return self.odd
        self.made += 1
        self.numbers.append(number)
        self.bodies.append(asked.body)
        state.tokens = {f"canary-{self.made}"}
        until = (self.clock.now() + timedelta(hours=1)).isoformat().replace("+00:00", "Z")
        return Reply(201, {"token": f"canary-{self.made}", "expires_at": until})


class AppForge(FakeForge):
    """A forge to whom the App's own claims are as good as tokens."""

    def _true(self, asked: Asked) -> Reply:
        if "installation" in asked.path:
            claim = claim_of(self.spelling.token(asked))
            assert claim["iss"] == "12"
            self.state.tokens.add(self.spelling.token(asked))
        return super()._true(asked)


class Place:
    def __init__(self, installation: int | None = 34, script=()) -> None:
        spelling = GitHubSpelling()
        spelling.apps = self.apps = Apps()
        self.fake = AppForge(spelling, script)
        clock, server = LoopClock(), Server(ADDRESS)
        installed = Installed(12, REPOSITORY, installation, lambda: PEM)
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
    place.fake.state.tokens.clear()
    await place.say(2)
    assert place.apps.made == 2


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


async def test_an_app_that_is_not_installed_is_said():
    place = Place()
    place.apps.odd = Reply(404, {"message": "Not Found"})
    with pytest.raises(Refused, match="404"):
        await place.say()
    place.apps.odd = None
    await place.say()
    assert place.fake.state.shown().keys() == {(sha(1), "plumbline/test")}
