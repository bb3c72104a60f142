"""Speaking as an App of GitHub: a token of an hour for the installation that has the repository, had anew in time.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app. The private key signs requests
for tokens and nothing else, and is read when it is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

import anyio
from anyio import to_thread

from planner.canon import Json
from reconciler.errors import Refused, Transient
from reconciler.forges.github.signing import signed
from reconciler.forges.http.answers import Answer, Request
from reconciler.forges.http.client import Client
from reconciler.ports import Clock

__all__ = ["AppCredential", "Installed", "Signer"]

_EARLY = timedelta(minutes=5)
"""A token is had anew so long before its hour is over."""
_YOUNG = timedelta(seconds=30)
"""A token that is not taken, and is younger, is mended by no other: whoever asks often would only make many."""
_REMEMBERED = 60.0
"""Seconds for which GitHub is not asked again after it said no to the App: nobody mends that in less."""
_HINTS: Mapping[int, str] = MappingProxyType(
    {
        401: "forge.app.id and the key of forge.app.keyFile must belong together, and this machine's clock be right",
        403: "unsuspend the App's installation, on GitHub under the settings of who owns the repository",
        404: "install the App on the repository; forge.app.id and forge.app.installation must be right",
        422: "its owner must accept the permissions that docs/github.md lists, and give it this repository",
    }
)


@dataclass(frozen=True, slots=True)
class Installed:
    """Which App, and where.

    Attributes:
        app: its number.
        repository: `owner/name`, to which its tokens are confined.
        installation: number of the installation; None to ask for it.
        key: reads the private key in PEM form, blocking; raises Refused where there is none.
        permissions: what its tokens may, by GitHub's names; all that the installation may where none is named.
    """

    app: int
    repository: str
    installation: int | None
    key: Callable[[], str]
    permissions: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


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
    """Tokens of the App's installation. `client` speaks as the App itself.

    Attributes:
        permissions: what the token of now may, as GitHub said when it gave it.
    """

    def __init__(self, client: Client, installed: Installed, clock: Clock) -> None:
        self.permissions: Mapping[str, str] = {}
        self._client = client
        self._installed = installed
        self._clock = clock
        self._turn = anyio.Lock()
        self._token = ""
        self._made: datetime | None = None
        self._until: datetime | None = None
        self._refusal, self._refused_until = "", 0.0

    async def secret(self, *, renewed: bool = False) -> str:
        """See `Credential.secret`: the token of now, while it has five minutes to go and GitHub takes it."""
        before = self._token
        async with self._turn:
            # Who waited for somebody else's renewal has that one.
            if not self._is_fresh or (renewed and self._token == before and not self._is_young):
                await self._renew()
            return self._token

    async def close(self) -> None:
        """Let go of connections."""
        await self._client.close()

    @property
    def _is_fresh(self) -> bool:
        return self._until is not None and self._clock.now() < self._until - _EARLY

    @property
    def _is_young(self) -> bool:
        return self._made is not None and self._clock.now() < self._made + _YOUNG

    async def _renew(self) -> None:
        if anyio.current_time() < self._refused_until:
            raise Refused(self._refusal)
        try:
            value = await self._asked()
        except Refused as error:
            self._refusal, self._refused_until = error.message, anyio.current_time() + _REMEMBERED
            raise
        token, until = _token(value)
        self._token, self._made, self._until = token, self._clock.now(), until
        said = value.get("permissions") if isinstance(value, Mapping) else None
        self.permissions = {name: str(may) for name, may in said.items()} if isinstance(said, Mapping) else {}

    async def _asked(self) -> Json:
        number = self._installed.installation or await self._installation()
        body: dict[str, Json] = {"repositories": [self._installed.repository.partition("/")[2]]}
        if self._installed.permissions:
            body["permissions"] = dict(self._installed.permissions)
        path = f"/app/installations/{number}/access_tokens"
        return _granted(await self._client.write(Request("POST", path, body=body, means=frozenset(_HINTS))))

    async def _installation(self) -> int:
        path = f"/repos/{self._installed.repository}/installation"
        value = _granted(await self._client.get(path, means=frozenset(_HINTS)))
        found = value.get("id") if isinstance(value, Mapping) else None
        if not isinstance(found, int):
            raise Refused("GitHub does not say where the App is installed: write forge.app.installation")
        return found


def _granted(answer: Answer) -> Json:
    """What GitHub gives the App.

    Raises:
        Refused: nothing, in words on what a person can do.
    """
    if answer.good:
        return answer.value
    words = f"{answer.status} ({answer.words})" if answer.words else f"{answer.status}"
    raise Refused(f"GitHub gives the App no token: it answers {words}; {_HINTS[answer.status]}")


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
