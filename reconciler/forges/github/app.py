"""Speaking as an App of GitHub: a token of an hour for the installation that has the repository, had anew in time.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app. The private key signs requests
for tokens and nothing else, never leaves this module, and is read when it is needed.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import anyio
from anyio import to_thread

from planner.canon import Json
from reconciler.errors import Refused, Transient, Unusable
from reconciler.forges.http.answers import Request
from reconciler.forges.http.client import Client
from reconciler.ports import Clock

__all__ = ["AppCredential", "Installed", "Signer", "check_cryptography"]

_SKEW = timedelta(seconds=60)
"""How far our clock may be ahead of GitHub's."""
_SIGNED_FOR = timedelta(minutes=9)
"""GitHub takes ten minutes at most."""
_EARLY = timedelta(minutes=5)
"""A token is had anew so long before its hour is over."""


def check_cryptography() -> None:
    """That what signs is installed.

    Raises:
        Unusable: it is not.
    """
    try:
        import cryptography  # noqa: F401, PLC0415  only an App needs it
    except ImportError:
        hint = "install it with: pip install 'plumbline-gitops[github]'"
        raise Unusable(f"forge.app needs the package cryptography; {hint}") from None


@dataclass(frozen=True, slots=True)
class Installed:
    """Which App, and where.

    Attributes:
        app: its number.
        repository: `owner/name`, to which its tokens are confined.
        installation: number of the installation; None to ask for it.
        key: reads the private key in PEM form, blocking; raises Refused where there is none.
    """

    app: int
    repository: str
    installation: int | None
    key: Callable[[], str]


class Signer:
    """The App itself as a credential: a signed claim of a few minutes, good for asking for tokens."""

    def __init__(self, installed: Installed, clock: Clock) -> None:
        self._installed = installed
        self._clock = clock

    async def secret(self, *, renewed: bool = False) -> str:  # noqa: ARG002 -- it is signed anew each time
        """See `Credential.secret`."""
        key = await to_thread.run_sync(self._installed.key)
        return await to_thread.run_sync(signed, self._installed.app, key, self._clock.now())


class AppCredential:
    """Tokens of the App's installation. `client` speaks as the App itself."""

    def __init__(self, client: Client, installed: Installed, clock: Clock) -> None:
        self._client = client
        self._installed = installed
        self._clock = clock
        self._turn = anyio.Lock()
        self._token = ""
        self._until: datetime | None = None

    async def secret(self, *, renewed: bool = False) -> str:
        """See `Credential.secret`: the token of now, while it has five minutes to go and GitHub takes it."""
        before = self._token
        async with self._turn:
            # Who waited for somebody else's renewal has that one.
            fresh = self._until is not None and self._clock.now() < self._until - _EARLY
            if not fresh or (renewed and self._token == before):
                await self._renew()
            return self._token

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()

    async def _renew(self) -> None:
        number = self._installed.installation or await self._installation()
        name = self._installed.repository.partition("/")[2]
        request = Request("POST", f"/app/installations/{number}/access_tokens", body={"repositories": [name]})
        answer = await self._client.write(request)
        token, until = _token(answer.value)
        self._token, self._until = token, until

    async def _installation(self) -> int:
        answer = await self._client.get(f"/repos/{self._installed.repository}/installation")
        found = answer.value.get("id") if isinstance(answer.value, Mapping) else None
        if not isinstance(found, int):
            raise Refused("GitHub does not say where the App is installed: write forge.app.installation")
        return found


def _token(value: Json) -> tuple[str, datetime]:
    said = value if isinstance(value, Mapping) else {}
    token, until = said.get("token"), said.get("expires_at")
    try:
        at = datetime.fromisoformat(str(until))
    except ValueError:
        at = None
    if not isinstance(token, str) or not token or at is None or at.tzinfo is None:
        raise Transient("GitHub sends no token for the App")
    return token, at


def signed(app: int, key: str, now: datetime) -> str:
    """A claim to be the App (a JSON Web Token, RS256, RFC 7519), from a minute ago for ten.

    Raises:
        Refused: the key is none.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  only an App needs it
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        private = load_pem_private_key(key.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Its words may have parts of the file.
        raise Refused("forge.app.keyFile holds no private key in PEM form without a password") from None
    if not isinstance(private, rsa.RSAPrivateKey):
        raise Refused("forge.app.keyFile holds a key that is not RSA: GitHub makes one on the App's page")
    claim = {"iat": _seconds(now - _SKEW), "exp": _seconds(now + _SIGNED_FOR), "iss": str(app)}
    text = b".".join(_packed(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, claim))
    return b".".join((text, _packed(private.sign(text, padding.PKCS1v15(), SHA256())))).decode()


def _seconds(at: datetime) -> int:
    return int(at.timestamp())


def _packed(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
