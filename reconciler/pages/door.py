"""What stands before every page: the headers of all answers, hosts that are let in, sessions, signing in and out.

A session may read pages and end itself; nothing else can be asked for here. What it must never do: say to somebody who
has not signed in whether a page exists, or send anybody to another server.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, quote, urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.api.bodies import read_text
from reconciler.api.problems import ApiError
from reconciler.pages.sessions import LASTS, Clock, Sessions, Tries
from reconciler.settings import DaemonSettings
from reconciler.settings_api import is_loopback

__all__ = ["HEADERS", "WHO", "Asking", "Door", "Guard"]

HEADERS: Mapping[str, str] = {
    "content-security-policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
"""Of every answer, errors too. `form-action` lets no form send a token elsewhere."""
WHO = "plumbline.who"
"""In the scope of a request: the name that the session's token has; "" where none is asked for."""

_LARGEST_FORM = 4_096
_NEXT = re.compile(r"/(?![/\\])[A-Za-z0-9._~/@:%+?=&-]{0,1000}")
_ASSETS = "/assets/"


@dataclass(frozen=True, slots=True)
class Asking:
    """The page to sign in on.

    Attributes:
        onward: path to go on to.
        status: of the answer.
        detail: what went wrong, or "".
        again: whether the browser is to ask once more by itself.
    """

    onward: str = "/"
    status: int = 401
    detail: str = ""
    again: bool = False


Form = Callable[[Asking], Response]
"""Makes the page to sign in on."""


class Guard:
    """Puts the headers on every answer of `app`, and takes the path of a proxy off.

    Args:
        app: answers.
        base: path below which browsers see it; requests may come with it or without.
    """

    def __init__(self, app: ASGIApp, base: str) -> None:
        self._app = app
        self._base = base

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        path = str(scope["path"])
        if self._base and (path == self._base or path.startswith(f"{self._base}/")):
            scope = {**scope, "path": path[len(self._base) :] or "/"}

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                if "cache-control" not in headers:
                    headers["cache-control"] = "no-store"
            await send(message)

        await self._app(scope, receive, guarded)


@dataclass(frozen=True, slots=True)
class _Cookie:
    """The cookie of a session. A name for each instance, as servers of one host share their cookies."""

    name: str
    path: str
    secure: bool


def _cookie_of(settings: DaemonSettings, base: str) -> _Cookie:
    secure = (settings.pages.url or "").startswith("https:")
    prefix = "" if not secure else "__Secure-" if base else "__Host-"
    return _Cookie(f"{prefix}plumbline-{settings.instance}", base or "/", secure)


class Door:
    """Lets in whom the configuration lets in.

    Args:
        settings: say whether a token is asked for, and whose there are.
        base: path below which browsers see the pages.
        form: makes the page to sign in on.
        clock: goes forward.
    """

    def __init__(self, settings: DaemonSettings, base: str, form: Form, clock: Clock) -> None:
        self._asks = settings.pages.asks
        self._host = urlsplit(settings.pages.url or "").hostname or ""
        self._base = base
        self._form = form
        self._cookie = _cookie_of(settings, base)
        self._sessions = Sessions(settings.api.tokens, clock)
        self._tries = Tries(clock)

    async def turn_away(self, request: Request) -> Response | None:
        """What is answered instead of a page; None lets the request in, with whose session it is in its scope.

        Raises:
            ApiError: the request is refused.
        """
        path, method = str(request.scope["path"]), request.method
        if not self._asks:
            self._check_host(request)
        if path.startswith(_ASSETS):
            return None
        if not self._asks:
            request.scope[WHO] = ""
            return None
        if path == "/sign-in" and method == "POST":
            return await self._sign_in(request)
        who = self._who(request)
        if path == "/sign-in" and not who and method in {"GET", "HEAD"}:
            return self._form(Asking(status=200))
        if not who:
            # A link on a forge's page comes without our cookie, which is for our own pages only. Asked once more by
            # a page of ours, the browser sends it.
            again = request.headers.get("sec-fetch-site") == "cross-site" and method == "GET"
            return self._form(Asking(self._asked_for(request), again=again))
        if path == "/sign-out" and method == "POST":
            return self._sign_out(request)
        if path == "/sign-in":
            return RedirectResponse(f"{self._base}/", 303)
        request.scope[WHO] = who
        return None

    def _check_host(self, request: Request) -> None:
        """Without tokens, only names of this machine do: a name of somebody else may be made to lead here."""
        try:
            name = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
        except ValueError:
            name = ""
        if not is_loopback(name) and (not self._host or name != self._host.lower()):
            raise ApiError(421, "these pages are for the machine of the daemon: open them as http://127.0.0.1")

    def _who(self, request: Request) -> str:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and token.strip():
            who, _ = self._by_token(request, token)
            return who
        return self._sessions.find(request.cookies.get(self._cookie.name, ""))

    def _by_token(self, request: Request, token: str) -> tuple[str, int]:
        """Whose token it is, or ""; and the seconds to wait where too many were wrong."""
        address = request.client.host if request.client is not None else ""
        if wait := self._tries.wait(address):
            return "", wait
        who = self._sessions.known(token)
        if not who:
            self._tries.failed(address)
        return who, 0

    async def _sign_in(self, request: Request) -> Response:
        _refuse_foreign(request)
        fields = _fields(await read_text(request, _LARGEST_FORM))
        token, onward = (fields.get(name, [""])[0] for name in ("token", "next"))
        onward = onward if _NEXT.fullmatch(onward) else "/"
        who, wait = self._by_token(request, token)
        if wait:
            response = self._form(Asking(onward, 429, f"Too many wrong tokens: wait {wait} seconds."))
            response.headers["retry-after"] = str(wait)
            return response
        if not who:
            return self._form(Asking(onward, detail="That is no token with the scope `read` of this daemon."))
        response = RedirectResponse(f"{self._base}{onward}", 303)
        cookie = self._cookie
        response.set_cookie(
            cookie.name,
            self._sessions.open(who),
            max_age=LASTS,
            path=cookie.path,
            secure=cookie.secure,
            httponly=True,
            samesite="strict",
        )
        return response

    def _sign_out(self, request: Request) -> Response:
        _refuse_foreign(request)
        self._sessions.close(request.cookies.get(self._cookie.name, ""))
        response = RedirectResponse(f"{self._base}/sign-in", 303)
        cookie = self._cookie
        response.delete_cookie(cookie.name, cookie.path, secure=cookie.secure, httponly=True, samesite="strict")
        return response

    def _asked_for(self, request: Request) -> str:
        """Where a browser goes on after it has signed in: what it asked for, as far as that is a path of ours."""
        query = request.scope.get("query_string", b"").decode("ascii", "replace")
        path = quote(str(request.scope["path"]), safe="/@:~") + (f"?{query}" if query else "")
        return path if _NEXT.fullmatch(path) else "/"


def _fields(text: str) -> Mapping[str, list[str]]:
    try:
        return parse_qs(text, max_num_fields=8)
    except ValueError:
        raise ApiError(400, "the form has more fields than ours") from None


def _refuse_foreign(request: Request) -> None:
    """Refuse a form that another server's page has sent. Ours send no origin, by the policy on referrers."""
    site, origin = request.headers.get("sec-fetch-site", "none"), request.headers.get("origin", "null")
    if site not in {"same-origin", "none"} or (origin != "null" and _host_of(origin) != request.headers.get("host")):
        raise ApiError(403, "this form was sent by another page")


def _host_of(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None
