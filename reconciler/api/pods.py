"""What agents in the pods of runs may ask, over TCP: each with the token of its attempt, and only about that attempt.

An attempt may read the code that it was made with and what its order names, and append to what it leaves. The order is
read from the ledger: nothing that a pod says leads to anything. Nothing of a request is read before its token is known;
whoever has none learns nothing. What must never be answered here: anything of another attempt.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

import anyio
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from planner.canon import Json
from planner.keys import Key
from planner.model.attempts import AttemptRecord
from planner.model.run import BoundRun
from reconciler import apply
from reconciler.api import problems
from reconciler.api.problems import ApiError
from reconciler.core import Core
from reconciler.errors import Refused, Transient, Unusable
from reconciler.lookup import RunQuery
from reconciler.ports_pods import Brought, Desk, Part, Wanted
from reconciler.telemetry import log

__all__ = ["pods_app"]

MOST = 2 << 20
"""Bytes of a body: the agent sends no more at once."""
_TAR = "application/x-tar"
PLACE = "Plumbline-Place"
"""Header of what is answered: an agent begins anew where it is another one than before."""
_SLOWEST = 60.0
"""Seconds that a body may take; of a file, its next piece."""
_LATEST = 253_402_300_800.0
"""The year 10000: no file is written later."""


@dataclass(frozen=True, slots=True)
class _Caller:
    """Whose agent asks."""

    key: Key
    run: BoundRun
    attempt: AttemptRecord


Answer = Callable[[_Caller, Request], Awaitable[Response]]


def pods_app(core: Core, desk: Desk) -> Starlette:
    """The application that agents ask."""

    async def code(caller: _Caller, request: Request) -> Response:
        number = int(request.path_params["number"])
        trees = caller.run.gang.code
        if number >= len(trees):
            raise ApiError(404, f"{caller.key} has no code {number}")
        return FileResponse(await desk.code(trees[number]), media_type=_TAR)

    async def metrics(caller: _Caller, request: Request) -> Response:
        offset = request.query_params.get("offset", "")
        if not offset.isdigit():
            raise ApiError(400, "offset must be a number of bytes")
        of, data = request.query_params.get("of", ""), await _body(request)
        return _said({"offset": await desk.take_metrics(caller.key, int(offset), data, of)})

    async def artifact(caller: _Caller, request: Request) -> Response:
        executable = request.query_params.get("executable") == "1"
        brought = Brought(request.path_params["path"], _instant(request, "modified"), executable)
        await desk.take_artifact(caller.key, brought, _pieces(request))
        return _said({})

    async def activity(caller: _Caller, request: Request) -> Response:
        await desk.take_activity(caller.key, _instant(request, "at") if "at" in request.query_params else None)
        return _said({})

    async def end(caller: _Caller, request: Request) -> Response:
        await desk.take_end(caller.key, await _body(request))
        return _said({})

    def route(path: str, method: str, answer: Answer) -> Route:
        async def answered(request: Request) -> Response:
            return await _answered(core, desk, answer, request)

        return Route(f"/v1/attempt/{path}", answered, methods=[method])

    app = Starlette(
        routes=[
            route("code/{number:int}", "GET", code),
            route("init/{number:int}", "GET", _bringing(core, desk, Part.INIT)),
            route("earlier", "GET", _bringing(core, desk, Part.OWN)),
            route("runs/{number:int}", "GET", _bringing(core, desk, Part.RUNS)),
            route("metrics", "POST", metrics),
            route("artifacts/{path:path}", "PUT", artifact),
            route("activity", "POST", activity),
            route("end", "POST", end),
        ]
    )
    app.router.redirect_slashes = False
    return app


def _bringing(core: Core, desk: Desk, part: Part) -> Answer:
    async def brought(caller: _Caller, request: Request) -> Response:
        wanted = Wanted(part, int(request.path_params.get("number", 0)))
        order = await apply.order_of(core, caller.key, caller.run, caller.attempt.leases)
        return StreamingResponse(await desk.bring(order, wanted), media_type=_TAR)

    return brought


async def _answered(core: Core, desk: Desk, answer: Answer, request: Request) -> Response:
    try:
        answered = await answer(await _caller(core, desk, request), request)
        answered.headers[PLACE] = await desk.place()
    except ApiError as error:
        return problems.answer(error)
    except Refused as error:
        return problems.answer(ApiError(422, error.message))
    except (Transient, Unusable) as error:
        return problems.answer(ApiError(503, error.message))
    except ClientDisconnect:
        # Nobody hears it: the pod has ended, or a replica that passed it on.
        return problems.answer(ApiError(408, "the connection was closed in the middle of the body"))
    except Exception as error:  # noqa: BLE001 -- our own fault: logged, and no traceback for whoever asked
        log.error("request crashed", path=request.url.path, exc_info=error)
        return problems.answer(ApiError(500, "this is our fault, not yours; the daemon's log has more"))
    return answered


async def _caller(core: Core, desk: Desk, request: Request) -> _Caller:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    key = desk.attempt_of(token.strip()) if kind.lower() == "bearer" else None
    if key is None:
        raise ApiError(401, "a token of an attempt is needed")
    found = await core.ledger.runs(RunQuery(keys=(key.run,), limit=1))
    attempts = found[0].attempts if found else ()
    attempt = next((one for one in attempts if one.number == key.attempt and one.live), None)
    if attempt is None:
        raise ApiError(410, f"{key} is over")
    bound = await core.bound(found[0].bound)
    if bound is None:
        raise ApiError(410, f"{key} is not known any more")
    return _Caller(key, bound, attempt)


async def _body(request: Request) -> bytes:
    data = b""
    with anyio.move_on_after(_SLOWEST) as scope:
        async for piece in request.stream():
            data += piece
            if len(data) > MOST:
                raise ApiError(413, f"a body has {MOST} bytes at most")
    if scope.cancelled_caught:
        raise ApiError(408, "the body took too long")
    return data


def _instant(request: Request, name: str) -> float:
    try:
        found = float(request.query_params.get(name, "nan"))
    except ValueError:
        found = math.nan
    if not math.isfinite(found) or not 0 <= found < _LATEST:
        raise ApiError(400, f"{name} must be an instant in seconds")
    return found


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """A body of any length, as long as it keeps coming."""
    pieces = request.stream()
    while True:
        with anyio.move_on_after(_SLOWEST) as scope:
            piece = await anext(pieces, None)
            if piece is None:
                return
            yield piece
        if scope.cancelled_caught:
            raise ApiError(408, "the body took too long")


def _said(value: Mapping[str, Json]) -> Response:
    return JSONResponse(value)
