"""An App of GitHub as a forge of the tests knows it: claims by its key, and tokens of an hour for them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from reconciler.ports import Clock
from tests.forges.forge import FakeForge
from tests.forges.github import GitHubSpelling
from tests.forges.parts import LoopClock
from tests.forges.state import Asked, Reply, State

__all__ = ["APP", "KEY", "PEM", "AppForge", "Apps", "claim_of"]

APP = 12
KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def claim_of(token: str) -> dict[str, object]:
    """What a signed claim says; it must be signed with our key."""
    head, body, signature = token.split(".")
    KEY.public_key().verify(_unpacked(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), SHA256())
    assert json.loads(_unpacked(head)) == {"alg": "RS256", "typ": "JWT"}
    found: dict[str, object] = json.loads(_unpacked(body))
    return found


def _unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Apps:
    """Gives a new token for each claim that is good, for an hour.

    Attributes:
        made: how many it gave.
        asked: how often it was asked.
        bodies: what they were asked for with.
        numbers: of the installations that they are of.
        odd: what it answers instead.
        granted: what the installation may.
        live: what each token may, and until when.
        last: the newest token.
        good: how long one is good for.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.made, self.asked = 0, 0
        self.bodies: list[object] = []
        self.numbers: list[int] = []
        self.clock = clock or LoopClock()
        self.odd: Reply | None = None
        self.granted = {"contents": "read", "statuses": "write", "pull_requests": "write", "metadata": "read"}
        self.live: dict[str, tuple[datetime, dict[str, str]]] = {}
        self.last = ""
        self.good = timedelta(hours=1)

    def __call__(self, state: State, asked: Asked, number: int) -> Reply:
        self.asked += 1
        if self.odd:
            return self.odd
        wanted = (asked.body or {}).get("permissions", self.granted)
        if any(self.granted.get(name) not in {may, "write"} for name, may in wanted.items()):
            return Reply(422, {"message": "The permissions requested are not granted to this installation."})
        self.made += 1
        self.numbers.append(number)
        self.bodies.append(asked.body)
        self.last = f"canary-{self.made}"
        state.tokens.add(self.last)
        until = self.clock.now() + self.good
        self.live[self.last] = until, dict(wanted)
        said = until.isoformat().replace("+00:00", "Z")
        return Reply(201, {"token": self.last, "expires_at": said, "permissions": wanted})

    def expire(self, state: State) -> None:
        """Take back the tokens whose hour is over."""
        state.tokens -= {token for token, (until, _) in self.live.items() if until <= self.clock.now()}


class AppForge(FakeForge):
    """A forge to whom the App's own claims are as good as tokens."""

    def __init__(self, spelling: GitHubSpelling, apps: Apps, script: Iterable[str] = ()) -> None:
        spelling.apps = apps
        super().__init__(spelling, script)
        self.apps = apps

    def _true(self, asked: Asked) -> Reply:
        if "installation" in asked.path:
            claim = claim_of(self.spelling.token(asked))
            assert claim["iss"] == str(APP)
            self.state.tokens.add(self.spelling.token(asked))
        self.apps.expire(self.state)
        return super()._true(asked)
