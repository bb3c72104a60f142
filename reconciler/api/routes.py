"""The routes: each reads its parameters, asks the service, and answers JSON.

docs/api.md lists them all; a test compares the two. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp

from planner.desire.forecast import MOST_TICKS
from reconciler.api import logs, plans, problems, references, sent
from reconciler.api.asked import LARGEST_PLAN
from reconciler.api.asked import Request as Question
from reconciler.api.bodies import Pushed, Sent, read_json, read_text
from reconciler.api.forwarding import Forwarded
from reconciler.api.listing import Listing
from reconciler.api.parameters import flag, instant, needed, number, only
from reconciler.api.peer import SCOPE_KEY
from reconciler.api.service import Service
from reconciler.api.sweeps import Asked as AskedSweep

__all__ = ["ROUTES", "Handler", "Listed"]

Handler = Callable[[Service, Request], Awaitable[ASGIApp]]

_MOST_RUNS = 10_000
_MOST_OFFSET = 1_000_000
_MOST_LINES = 1_000_000
_MOST_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Listed:
    """One route: method, path with its parameters, and what answers it."""

    method: str
    path: str
    handler: Handler


async def _ask(service: Service, request: Request) -> ASGIApp:
    body = await read_json(request)
    if unknown := sorted(set(body) - {"verb", "target", "args", "by"}):
        raise problems.bad(f"unknown member `{unknown[0][:40]}`; a command has verb, target, args and by")
    target, args = body.get("target", ""), body.get("args", {})
    if not isinstance(body.get("verb"), str) or not isinstance(target, str) or not isinstance(args, dict):
        raise problems.bad("a command has `verb` and `target` as texts, and `args` as an object")
    asked = Question(body["verb"], target, args, _by(request, body.get("by")))
    answer = await service.command(asked)
    if answer["state"] == "waiting":
        return JSONResponse(answer, 202)
    if not answer["ok"]:
        raise problems.conflict(str(answer["message"]), {"answers": answer["answers"]})
    return JSONResponse(answer)


def _by(request: Request, said: object) -> str:
    """Who asks: the kernel's word before the client's."""
    name = request.scope.get(SCOPE_KEY) or (said if isinstance(said, str) else "")
    return " ".join(str(name).split())[:100] or "somebody"


async def _answer(service: Service, request: Request) -> ASGIApp:
    return JSONResponse(await service.answer(request.path_params["id"]))


async def _event(service: Service, request: Request) -> ASGIApp:
    only(request)
    event = sent.read(await read_text(request, sent.LARGEST_EVENT))
    answer = await service.event(event, _by(request, None))
    return JSONResponse(answer, 202 if answer["state"] == "accepted" else 200)


async def _status(service: Service, request: Request) -> ASGIApp:
    only(request)
    return JSONResponse(await service.status())


async def _commit(service: Service, request: Request) -> ASGIApp:
    only(request)
    return JSONResponse(await service.commit(request.path_params["id"]))


async def _runs(service: Service, request: Request) -> ASGIApp:
    only(request, "root", "live", "query", "sort", "limit", "offset")
    values = request.query_params
    limit, offset = number(request, "limit", _MOST_RUNS), number(request, "offset", _MOST_OFFSET)
    wanted = Listing(
        root=values.get("root", ""),
        live=flag(request, "live") if "live" in values else None,
        query=values.get("query", ""),
        sort=values.get("sort", ""),
        limit=100 if limit is None else limit,
        offset=offset or 0,
    )
    return JSONResponse(await service.runs(wanted))


async def _run(service: Service, request: Request) -> ASGIApp:
    only(request, "run")
    return JSONResponse(await service.run(needed(request, "run")))


async def _graph(service: Service, request: Request) -> ASGIApp:
    only(request, "run")
    return JSONResponse(await service.graph(needed(request, "run")))


async def _diff(service: Service, request: Request) -> ASGIApp:
    only(request, "before", "after")
    return JSONResponse(await service.diff(needed(request, "before"), needed(request, "after")))


async def _logs(service: Service, request: Request) -> ASGIApp:
    only(request, "run", "follow", "tail")
    tail = number(request, "tail", _MOST_LINES)
    wanted = await service.logs(needed(request, "run"), follow=flag(request, "follow"), tail=tail)

    async def work(write: logs.Write) -> None:
        await service.write_logs(wanted, write)

    return Pushed(work)


async def _metrics(service: Service, request: Request) -> ASGIApp:
    only(request, "run", "name")
    series = await service.metrics(needed(request, "run"), request.query_params.get("name", ""))

    async def work(write: logs.Write) -> None:
        await service.write_metrics(series, write)

    return Pushed(work)


async def _sweep(service: Service, request: Request) -> ASGIApp:
    only(request, "run", "metric", "minimize")
    values = request.query_params
    minimize = flag(request, "minimize") if "minimize" in values else None
    return JSONResponse(await service.sweep(AskedSweep(needed(request, "run"), values.get("metric", ""), minimize)))


async def _artifacts(service: Service, request: Request) -> ASGIApp:
    only(request, "run", "path")
    return JSONResponse(await service.artifacts(needed(request, "run"), request.query_params.get("path", "")))


async def _artifact(service: Service, request: Request) -> ASGIApp:
    only(request, "run", "path")
    return Sent(await service.artifact(needed(request, "run"), request.query_params.get("path", "")))


async def _explain(service: Service, request: Request) -> ASGIApp:
    only(request, "operation", "digest")
    return JSONResponse(await service.explain(needed(request, "operation"), digest=flag(request, "digest")))


async def _queues(service: Service, request: Request) -> ASGIApp:
    only(request, "queue")
    return JSONResponse(await service.queues(request.query_params.get("queue", "")))


async def _gc(service: Service, request: Request) -> ASGIApp:
    only(request)
    return JSONResponse(await service.removable())


async def _collect(service: Service, request: Request) -> ASGIApp:
    only(request)
    return JSONResponse(await service.collect(), 202)


async def _schedules(service: Service, request: Request) -> ASGIApp:
    only(request, "operation", "count", "at")
    count = number(request, "count", MOST_TICKS)
    name = request.query_params.get("operation", "")
    # None and zero are not the same: who asks for no ticks gets the remarks.
    return JSONResponse(await service.schedules(name, 5 if count is None else count, instant(request, "at")))


async def _backfill(service: Service, request: Request) -> ASGIApp:
    only(request, "operation", "from", "to")
    given = (needed(request, name) for name in ("operation", "from", "to"))
    return JSONResponse(await service.backfill(*given))


async def _plan(service: Service, request: Request) -> ASGIApp:
    only(request, "head", "base", "at", "server")
    values = request.query_params
    server = flag(request, "server")
    asked = plans.Asked(values.get("head", ""), values.get("base", ""), instant(request, "at"), server)
    return JSONResponse(await service.plan(asked))


async def _plan_desired(service: Service, request: Request) -> ASGIApp:
    only(request, "at", "server")
    asked = plans.Asked(at=instant(request, "at"), server=flag(request, "server"))
    return JSONResponse(await service.plan_desired(await read_text(request, LARGEST_PLAN), asked))


async def _references(service: Service, request: Request) -> ASGIApp:
    only(request)
    return JSONResponse(await service.references(references.asked_for(await read_json(request))))


async def _compiling(service: Service, request: Request) -> ASGIApp:
    only(request)
    return JSONResponse(await service.compiling())


async def _open(service: Service, request: Request) -> ASGIApp:
    only(request, "run")
    return JSONResponse(await service.open(needed(request, "run")))


async def _left(service: Service, request: Request) -> ASGIApp:
    only(request)
    return JSONResponse(await service.left())


async def _adopt(service: Service, request: Request) -> ASGIApp:
    only(request)
    return JSONResponse(await service.adopt(_by(request, None)), 202)


async def _connect(service: Service, request: Request) -> ASGIApp:
    only(request, "run", "port")
    return Forwarded(await service.connect(needed(request, "run"), number(request, "port", _MOST_PORT) or 0))


ROUTES: tuple[Listed, ...] = (
    Listed("POST", "/v1/commands", _ask),
    Listed("GET", "/v1/commands/{id}", _answer),
    Listed("POST", "/v1/events", _event),
    Listed("GET", "/v1/status", _status),
    Listed("GET", "/v1/commits/{id}", _commit),
    Listed("GET", "/v1/runs", _runs),
    Listed("GET", "/v1/run", _run),
    Listed("GET", "/v1/graph", _graph),
    Listed("GET", "/v1/diff", _diff),
    Listed("GET", "/v1/logs", _logs),
    Listed("GET", "/v1/metrics", _metrics),
    Listed("GET", "/v1/sweep", _sweep),
    Listed("GET", "/v1/artifacts", _artifacts),
    Listed("GET", "/v1/artifact", _artifact),
    Listed("GET", "/v1/explain", _explain),
    Listed("GET", "/v1/queues", _queues),
    Listed("GET", "/v1/gc", _gc),
    Listed("POST", "/v1/gc", _collect),
    Listed("GET", "/v1/schedules", _schedules),
    Listed("GET", "/v1/backfill", _backfill),
    Listed("GET", "/v1/plan", _plan),
    Listed("POST", "/v1/plan", _plan_desired),
    Listed("POST", "/v1/references", _references),
    Listed("GET", "/v1/compiling", _compiling),
    Listed("GET", "/v1/open", _open),
    Listed("POST", "/v1/connect", _connect),
    Listed("GET", "/v1/adopt", _left),
    Listed("POST", "/v1/adopt", _adopt),
)
