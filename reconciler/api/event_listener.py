"""Events over TCP, where the configuration asks for it: a bearer token, a small body, and not too often.

Nothing of a request is read before its token is known, and nothing but an event can be asked for here.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reconciler.api import problems, sent
from reconciler.api.bodies import read_text
from reconciler.api.problems import ApiError
from reconciler.api.service import Service
from reconciler.errors import Transient, Unusable
from reconciler.settings_api import Token
from reconciler.telemetry import log

__all__ = ["events_app"]

BURST = 60
"""Events of one token that may come at once."""

A_SECOND = 2.0
"""Events of one token that may come in the long run."""

_SLOWEST = 10.0
"""Seconds that a body may take."""


@dataclass(slots=True)
class _Sender:
    """A token, and how much it may still send."""

    token: Token
    left: float = BURST
    since: float = field(default_factory=anyio.current_time)

    def wait(self) -> float:
        """Take one; returns the seconds to wait where there is none."""
        now = anyio.current_time()
        self.left = min(BURST, self.left + (now - self.since) * A_SECOND)
        self.since = now
        if self.left < 1:
            return (1 - self.left) / A_SECOND
        self.left -= 1
        return 0.0


def events_app(service: Service, tokens: Sequence[Token]) -> Starlette:
    """`POST /v1/events` for whoever has one of `tokens`. Made inside the event loop, whose clock it goes by."""
    senders = [_Sender(token) for token in tokens if "events" in token.scopes]

    async def receive(request: Request) -> Response:
        try:
            return await _receive(service, senders, request)
        except ApiError as error:
            return _answered(error)
        except (Transient, Unusable) as error:
            return problems.answer(ApiError(503, error.message))
        except Exception as error:  # noqa: BLE001 -- our own fault: logged, and no traceback for whoever asked
            log.error("request crashed", path=request.url.path, exc_info=error)
            return problems.answer(ApiError(500, "this is our fault, not yours; the daemon's log has more"))

    app = Starlette(routes=[Route("/v1/events", receive, methods=["POST"])])
    app.router.redirect_slashes = False
    return app


async def _receive(service: Service, senders: Sequence[_Sender], request: Request) -> Response:
    sender = _known(senders, request)
    if sender is None:
        raise ApiError(401, "send a token of the daemon's configuration: `Authorization: Bearer …`")
    if wait := sender.wait():
        raise ApiError(429, f"more than {A_SECOND:g} events a second; wait", {"retryAfter": int(wait) + 1})
    try:
        with anyio.fail_after(_SLOWEST):
            text = await read_text(request, sent.LARGEST_EVENT)
    except TimeoutError:
        raise ApiError(408, f"the body took more than {_SLOWEST:g} seconds") from None
    answer = await service.event(sent.read(text), sender.token.name)
    return JSONResponse(dict(answer), 202 if answer["state"] == "accepted" else 200)


def _known(senders: Sequence[_Sender], request: Request) -> _Sender | None:
    """Whose token the request has. All are compared, each in the same time, so that a guess learns nothing."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    digest = hashlib.sha256(token.strip().encode()).hexdigest()
    found = [sender for sender in senders if hmac.compare_digest(digest, sender.token.sha256)]
    return found[0] if found and scheme.lower() == "bearer" else None


def _answered(error: ApiError) -> Response:
    response = problems.answer(error)
    if error.status == 401:
        response.headers["www-authenticate"] = "Bearer"
    if error.status == 429:
        response.headers["retry-after"] = str(error.extra["retryAfter"])
    return response
