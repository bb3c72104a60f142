"""Messages: what a notice says, in the form that each kind of connection takes, and sending it over HTTP.

Only addresses of the configuration are asked, redirects are not followed, and what opens them comes from a file or a
variable that the configuration names, is read when it is needed, and never reaches a log or an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import anyio
import httpx

from planner.canon import Json
from planner.desire.view import Identity
from planner.model.notices import Notice
from reconciler.errors import Refused, Transient

__all__ = ["Address", "Channel", "HttpChannel", "Rejected", "line"]

_SECONDS = 10.0
_LONGEST = 600
_LARGEST_SECRET = 8192
_LATER = frozenset({408, 409, 425, 429})
_OF_THE_MESSAGE = frozenset({400, 411, 413, 415, 422})


class Rejected(Exception):  # noqa: N818 -- a word like those of `reconciler.errors`
    """The other end will never take this message, though it may take others.

    Attributes:
        message: why, for people.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Channel(Protocol):
    """A way to tell somebody."""

    async def send(self, notice: Notice, identity: Identity) -> None:
        """Send a notice once.

        Raises:
            Transient: it was not taken now.
            Refused: nothing is taken until a person changes something.
            Rejected: this one is never taken.
        """
        ...


@dataclass(frozen=True, slots=True)
class Address:
    """Where a connection leads. Of each value at most one way is set.

    Attributes:
        url: the URL itself, where it is no secret.
        url_file: a file with it.
        url_variable: a variable of the daemon's with it.
        token_file: a file with a bearer token.
        token_variable: a variable with it.
    """

    url: str = ""
    url_file: str = ""
    url_variable: str = ""
    token_file: str = ""
    token_variable: str = ""


@dataclass(frozen=True, slots=True)
class HttpChannel:
    """A connection that takes a POST of JSON.

    Attributes:
        kind: one of `planner.model.notices.NOTIFYING`.
        address: where it leads.
        environment: the daemon's variables.
        seconds: how long one message may take.
    """

    kind: str
    address: Address
    environment: Mapping[str, str]
    seconds: float = _SECONDS

    async def send(self, notice: Notice, identity: Identity) -> None:
        """Send a notice once; see `Channel`."""
        address = self.address
        url = await self._secret("URL", address.url, address.url_file, address.url_variable)
        host = _host(url)
        headers = {"user-agent": "plumbline", "idempotency-key": notice.ident}
        if address.token_file or address.token_variable:
            token = await self._secret("token", "", address.token_file, address.token_variable)
            headers["authorization"] = f"Bearer {token}"
        body = _BODIES[self.kind](notice, identity)
        # Nothing of the environment is used: no proxies, no netrc. Nothing of the answer is read but its status.
        client = httpx.AsyncClient(trust_env=False, timeout=self.seconds, follow_redirects=False, headers=headers)
        try:
            with anyio.fail_after(self.seconds):
                async with client, client.stream("POST", url, json=body) as answer:
                    _judge(answer, host)
        except TimeoutError as error:
            raise Transient(f"{host} did not take it within {self.seconds:g} seconds") from error
        except (httpx.InvalidURL, ValueError):
            raise Refused("its URL or token cannot be sent") from None
        except httpx.HTTPError as error:
            # Its words may have the URL, which may be a secret.
            raise Transient(f"{host} cannot be reached ({type(error).__name__})") from None

    async def ready(self) -> str:
        """The host that it leads to, once all that a message needs is there; nothing is sent.

        Raises:
            Refused: something is not; the message says what.
        """
        address = self.address
        url = await self._secret("URL", address.url, address.url_file, address.url_variable)
        if address.token_file or address.token_variable:
            await self._secret("token", "", address.token_file, address.token_variable)
        return _host(url)

    async def _secret(self, what: str, plain: str, file: str, variable: str) -> str:
        value = plain
        if file:
            value = await anyio.to_thread.run_sync(_read, what, file)
        elif variable:
            value = self.environment.get(variable, "")
            if not value:
                raise Refused(f"the daemon has no variable {variable} with its {what}")
        return value.strip()


def _read(what: str, file: str) -> str:
    try:
        with Path(file).expanduser().open(encoding="utf-8") as opened:
            value = opened.read(_LARGEST_SECRET)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise Refused(f"the file {file} with its {what} cannot be read: {reason}") from None
    if not value.strip():
        raise Refused(f"the file {file} with its {what} is empty")
    return value


def _host(url: str) -> str:
    """The host of a URL, which may be shown: the rest may be a secret."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if parts.scheme not in {"http", "https"} or not host:
        raise Refused("its URL is none: it starts with https:// and a host")
    return host


def _judge(answer: httpx.Response, host: str) -> None:
    status = answer.status_code
    said = f"{host} answers {status} {answer.reason_phrase}".rstrip()
    if answer.is_success:
        return
    if status in _LATER or status >= 500:
        raise Transient(said)
    if answer.is_redirect:
        raise Refused(f"{said}: redirects are not followed; write the URL that it leads to")
    if status in _OF_THE_MESSAGE:
        raise Rejected(said)
    raise Refused(said)


# --- what is said


def line(notice: Notice, identity: Identity) -> str:
    """One line for people."""
    reason = f": {notice.reason}" if notice.reason else ""
    because = f" ({notice.because})" if notice.because else ""
    commit = f", commit {notice.commit[:10]}" if notice.commit else ""
    text = f"{identity.project}: {notice.key} {notice.status}{reason}{because}{commit}"
    plain = " ".join(text.split())
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"


def _slack(notice: Notice, identity: Identity) -> Mapping[str, Json]:
    # Signs of Slack's own language: what a program wrote mentions nobody and links nowhere.
    text = line(notice, identity).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": text}


def _mattermost(notice: Notice, identity: Identity) -> Mapping[str, Json]:
    return {"text": line(notice, identity).replace("@", "@\u200b")}


def _discord(notice: Notice, identity: Identity) -> Mapping[str, Json]:
    return {"content": line(notice, identity), "allowed_mentions": {"parse": []}}


def _teams(notice: Notice, identity: Identity) -> Mapping[str, Json]:
    words: dict[str, Json] = {"type": "TextBlock", "text": line(notice, identity), "wrap": True}
    card: dict[str, Json] = {"type": "AdaptiveCard", "version": "1.4", "body": [words]}
    attachment: dict[str, Json] = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attachment]}


def _webhook(notice: Notice, identity: Identity) -> Mapping[str, Json]:
    return {
        "schema": "plumbline.notice/1",
        "id": notice.ident,
        "instance": identity.instance,
        "project": identity.project,
        "operation": notice.root,
        "run": str(notice.key),
        "runId": notice.key.short_id(identity.instance, identity.project),
        "kind": notice.kind,
        "trigger": notice.trigger,
        "status": notice.status,
        "reason": notice.reason,
        "because": notice.because,
        "commit": notice.commit,
        "at": notice.at.isoformat().replace("+00:00", "Z"),
        "text": line(notice, identity),
    }


_BODIES: Mapping[str, Callable[[Notice, Identity], Mapping[str, Any]]] = {
    "slack": _slack,
    "mattermost": _mattermost,
    "discord": _discord,
    "teams": _teams,
    "webhook": _webhook,
}
