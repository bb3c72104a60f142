"""The application that answers browsers: each page read from the service, rendered, and guarded. Nothing else.

It changes nothing and takes no time from planning that it can help: few pages at once, each of a bounded size, rendered
in a thread.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

import anyio
from anyio import to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from reconciler.api import problems, views
from reconciler.api.problems import ApiError
from reconciler.api.service import Service
from reconciler.api.version import version
from reconciler.errors import Refused, Transient, Unusable
from reconciler.pages.commit import commit
from reconciler.pages.door import WHO, Asking, Door, Guard
from reconciler.pages.made import Made
from reconciler.pages.operation import operation
from reconciler.pages.overview import overview
from reconciler.pages.rendering import Asset, Rendering
from reconciler.pages.run import run
from reconciler.telemetry import log

__all__ = ["PAGES", "pages_app"]

Make = Callable[[Service, Request], Awaitable[Made]]

PAGES: Mapping[str, Make] = {
    "/": overview,
    "/commits/{id}": commit,
    "/operations/{name}": operation,
    "/runs/{name:path}": run,
}
"""What makes the page of each path."""

_AT_ONCE = 4
_FOREVER = "public, max-age=31536000, immutable"
_HEADINGS: Mapping[int, str] = {
    400: "That makes no sense",
    403: "Not allowed",
    404: "Not found",
    405: "Only to be read",
    408: "Too slow",
    409: "That fits more than one thing",
    413: "Too large",
    421: "Not here",
    500: "Our own fault",
    503: "Try again later",
}


def pages_app(service: Service) -> ASGIApp:
    """The pages over `service`, as its settings want them. Made inside the event loop, whose clock it goes by."""
    settings = service.settings
    base = urlsplit(settings.pages.url or "").path
    identity = service.core.policy.identity
    common = {"project": identity.project, "instance": identity.instance, "version": version()}
    site = _Site(service, Rendering(base, common), anyio.current_time)
    app = Starlette(routes=site.routes(), exception_handlers={HTTPException: site.no_such})
    app.router.redirect_slashes = False
    return Guard(_Entrance(site, app), base)


class _Site:
    """What all pages share."""

    def __init__(self, service: Service, rendering: Rendering, clock: Callable[[], float]) -> None:
        self._service = service
        self._rendering = rendering
        self._turns = anyio.CapacityLimiter(_AT_ONCE)
        self.door = Door(service.settings, rendering.base, self._form, clock)

    def routes(self) -> list[Route]:
        """A route for each page and each file of ours."""
        made = [Route(path, _Endpoint(self, make)) for path, make in PAGES.items()]
        files = [Route(asset.path, _File(self, asset)) for asset in self._rendering.assets.values()]
        return [*made, *files]

    async def page(self, make: Make, request: Request) -> Response:
        """A page, or why there is none."""
        try:
            async with self._turns:
                made = await make(self._service, request)
                html = await to_thread.run_sync(self._render, made, _who(request))
        except Exception as error:  # noqa: BLE001 -- each kind has its page; what is left is logged as our fault
            return self.problem(_sorted(error, request), request)
        return HTMLResponse(html)

    def problem(self, error: ApiError, request: Request) -> Response:
        """The page that says what went wrong."""
        heading = _HEADINGS.get(error.status, "That did not work")
        found = error.extra.get("runs")
        values = {"heading": heading, "detail": error.detail, "runs": found if isinstance(found, list) else []}
        return HTMLResponse(self._render(Made("problem.html", values), _who(request)), error.status)

    async def no_such(self, request: Request, error: Exception) -> Response:
        """What the router says by itself: no such path."""
        status = error.status_code if isinstance(error, HTTPException) else 500
        return self.problem(ApiError(status, f"There is no page at {request.scope['path'][:200]}"), request)

    def _form(self, asking: Asking) -> Response:
        return HTMLResponse(self._render(Made("signin.html", {"asking": asking}), None), asking.status)

    def _render(self, made: Made, who: str | None) -> str:
        now = views.instant(self._service.core.clock.now())
        return self._rendering.render(made.template, {**made.values, "who": who, "made_at": now})


class _Entrance:
    """Has the door look at each request before anything else does."""

    def __init__(self, site: _Site, app: ASGIApp) -> None:
        self._site = site
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = Request(scope, receive)
        try:
            answer = await self._site.door.turn_away(request)
        except ApiError as error:
            answer = self._site.problem(error, request)
        if answer is not None and request.method == "HEAD":
            answer.body = b""
        await (answer or self._app)(scope, receive, send)


class _Endpoint:
    """One path of a page."""

    def __init__(self, site: _Site, make: Make) -> None:
        self._site = site
        self._make = make

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = Request(scope, receive)
        if refused := _unread(self._site, request):
            await refused(scope, receive, send)
            return
        response = await self._site.page(self._make, request)
        if request.method == "HEAD":
            response.body = b""
        await response(scope, receive, send)


class _File:
    """One file of ours, whose path changes with its content."""

    def __init__(self, site: _Site, asset: Asset) -> None:
        self._site = site
        self._asset = asset

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = Request(scope, receive)
        response = _unread(self._site, request)
        if response is None:
            headers = {"cache-control": _FOREVER}
            response = Response(self._asset.data, media_type=self._asset.media_type, headers=headers)
            if request.method == "HEAD":
                response.body = b""
        await response(scope, receive, send)


def _unread(site: _Site, request: Request) -> Response | None:
    """The answer to whoever wants more than to read."""
    if request.method in {"GET", "HEAD"}:
        return None
    response = site.problem(ApiError(405, "These pages are read, and change nothing."), request)
    response.headers["allow"] = "GET, HEAD"
    return response


def _who(request: Request) -> str | None:
    """Whose session it is: "" where none is asked for, None where nobody was let in."""
    who = request.scope.get(WHO)
    return who if isinstance(who, str) else None


def _sorted(error: Exception, request: Request) -> ApiError:
    match error:
        case ApiError():
            return error
        case Transient() | Unusable():
            return ApiError(503, error.message)
        case Refused():
            return problems.conflict(error.message)
        case _:
            log.error("page crashed", path=str(request.scope["path"])[:200], exc_info=error)
            words = f"This is our fault, not yours ({type(error).__name__}); the daemon's log has more."
            return ApiError(500, words)
