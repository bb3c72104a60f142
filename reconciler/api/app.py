"""The application that answers on the daemon's Unix socket. It adds nothing to the routes but errors as values."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from planner.errors import ProblemsError
from reconciler.api import problems
from reconciler.api.peer import Peer
from reconciler.api.problems import ApiError
from reconciler.api.routes import ROUTES, Listed
from reconciler.api.service import Service
from reconciler.errors import Refused, Transient, Unusable
from reconciler.telemetry import log

__all__ = ["create_app"]


def create_app(service: Service) -> Starlette:
    """The application over `service`; needs no lifespan."""
    app = Starlette(
        routes=_routes(service),
        middleware=[Middleware(Peer)],
        exception_handlers={HTTPException: _http_problem},
    )
    app.router.redirect_slashes = False
    return app


class _Endpoint:
    """One path: picks the handler by method, and turns whatever goes wrong into a problem."""

    def __init__(self, service: Service, *listed: Listed) -> None:
        self._service = service
        self._handlers = {route.method: route.handler for route in listed}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        request = Request(scope, receive)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> ASGIApp:
        method = "GET" if request.method == "HEAD" else request.method
        handler = self._handlers.get(method)
        if handler is None:
            return problems.answer(ApiError(405, f"{request.url.path} takes {', '.join(sorted(self._handlers))}"))
        try:
            return await handler(self._service, request)
        except Exception as error:  # noqa: BLE001 -- each kind has its answer; what is left is logged as our fault
            return problems.answer(_sorted(error, request))


def _routes(service: Service) -> list[Route]:
    """One route a path, so that a wrong method is answered as such."""
    by_path: dict[str, list[Listed]] = {}
    for listed in ROUTES:
        by_path.setdefault(listed.path, []).append(listed)
    return [Route(path, _Endpoint(service, *found)) for path, found in by_path.items()]


def _sorted(error: Exception, request: Request) -> ApiError:
    match error:
        case ApiError():
            return error
        case ProblemsError():
            return problems.invalid(error.problems)
        case Transient():
            return ApiError(503, error.message)
        case Refused():
            return problems.conflict(error.message)
        case Unusable():
            return ApiError(503, error.message)
        case _:
            log.error("request crashed", path=request.url.path, exc_info=error)
            return ApiError(500, f"this is our fault, not yours ({type(error).__name__}); the daemon's log has more")


async def _http_problem(request: Request, error: Exception) -> Response:
    """What the router says by itself: no such path."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = f"there is nothing at {request.url.path[:200]}; docs/api.md lists what there is"
    return problems.answer(ApiError(status, detail if status == 404 else str(error)))
