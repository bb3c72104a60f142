"""The routes: each reads its parameters, asks the service, and answers JSON.

docs/api.md lists them all; a test compares the two. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

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
from reconciler.api.peer import SCOPE_KEY
from reconciler.api.service import Service

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
    _only(request)
    event = sent.read(await read_text(request, sent.LARGEST_EVENT))
    answer = await service.event(event, _by(request, None))
    return JSONResponse(answer, 202 if answer["state"] == "accepted" else 200)


async def _status(service: Service, request: Request) -> ASGIApp:
    _only(request)
    return JSONResponse(await service.status())


async def _commit(service: Service, request: Request) -> ASGIApp:
    _only(request)
    return JSONResponse(await service.commit(request.path_params["id"]))


async def _runs(service: Service, request: Request) -> ASGIApp:
    _only(request, "root", "live", "query", "sort", "limit", "offset")
    values = request.query_params
    limit, offset = _number(request, "limit", _MOST_RUNS), _number(request, "offset", _MOST_OFFSET)
    wanted = Listing(
        root=values.get("root", ""),
        live=_flag(request, "live") if "live" in values else None,
        query=values.get("query", ""),
        sort=values.get("sort", ""),
        limit=100 if limit is None else limit,
        offset=offset or 0,
    )
    return JSONResponse(await service.runs(wanted))


async def _run(service: Service, request: Request) -> ASGIApp:
    _only(request, "run")
    return JSONResponse(await service.run(_needed(request, "run")))


async def _graph(service: Service, request: Request) -> ASGIApp:
    _only(request, "run")
    return JSONResponse(await service.graph(_needed(request, "run")))


async def _diff(service: Service, request: Request) -> ASGIApp:
    _only(request, "before", "after")
    return JSONResponse(await service.diff(_needed(request, "before"), _needed(request, "after")))


async def _logs(service: Service, request: Request) -> ASGIApp:
    _only(request, "run", "follow", "tail")
    tail = _number(request, "tail", _MOST_LINES)
    wanted = await service.logs(_needed(request, "run"), follow=_flag(request, "follow"), tail=tail)

    async def work(write: logs.Write) -> None:
        await service.write_logs(wanted, write)

    return Pushed(work)


async def _metrics(service: Service, request: Request) -> ASGIApp:
    _only(request, "run", "name")
    series = await service.metrics(_needed(request, "run"), request.query_params.get("name", ""))

    async def work(write: logs.Write) -> None:
        await service.write_metrics(series, write)

    return Pushed(work)


async def _artifacts(service: Service, request: Request) -> ASGIApp:
    _only(request, "run", "path")
    return JSONResponse(await service.artifacts(_needed(request, "run"), request.query_params.get("path", "")))


async def _artifact(service: Service, request: Request) -> ASGIApp:
    _only(request, "run", "path")
    return Sent(await service.artifact(_needed(request, "run"), request.query_params.get("path", "")))


async def _explain(service: Service, request: Request) -> ASGIApp:
    _only(request, "operation", "digest")
    return JSONResponse(await service.explain(_needed(request, "operation"), digest=_flag(request, "digest")))


async def _queues(service: Service, request: Request) -> ASGIApp:
    _only(request, "queue")
    return JSONResponse(await service.queues(request.query_params.get("queue", "")))


async def _gc(service: Service, request: Request) -> ASGIApp:
    _only(request)
    return JSONResponse(await service.removable())


async def _collect(service: Service, request: Request) -> ASGIApp:
    _only(request)
    return JSONResponse(await service.collect(), 202)


async def _schedules(service: Service, request: Request) -> ASGIApp:
    _only(request, "operation", "count", "at")
    count = _number(request, "count", MOST_TICKS)
    name = request.query_params.get("operation", "")
    # None and zero are not the same: who asks for no ticks gets the remarks.
    return JSONResponse(await service.schedules(name, 5 if count is None else count, _instant(request, "at")))


async def _backfill(service: Service, request: Request) -> ASGIApp:
    _only(request, "operation", "from", "to")
    given = (_needed(request, name) for name in ("operation", "from", "to"))
    return JSONResponse(await service.backfill(*given))


async def _plan(service: Service, request: Request) -> ASGIApp:
    _only(request, "head", "base", "at", "server")
    values = request.query_params
    server = _flag(request, "server")
    asked = plans.Asked(values.get("head", ""), values.get("base", ""), _instant(request, "at"), server)
    return JSONResponse(await service.plan(asked))


async def _plan_desired(service: Service, request: Request) -> ASGIApp:
    _only(request, "at", "server")
    asked = plans.Asked(at=_instant(request, "at"), server=_flag(request, "server"))
    return JSONResponse(await service.plan_desired(await read_text(request, LARGEST_PLAN), asked))


async def _references(service: Service, request: Request) -> ASGIApp:
    _only(request)
    return JSONResponse(await service.references(references.asked_for(await read_json(request))))


async def _compiling(service: Service, request: Request) -> ASGIApp:
    _only(request)
    return JSONResponse(await service.compiling())


async def _open(service: Service, request: Request) -> ASGIApp:
    _only(request, "run")
    return JSONResponse(await service.open(_needed(request, "run")))


async def _left(service: Service, request: Request) -> ASGIApp:
    _only(request)
    return JSONResponse(await service.left())


async def _adopt(service: Service, request: Request) -> ASGIApp:
    _only(request)
    return JSONResponse(await service.adopt(_by(request, None)), 202)


async def _connect(service: Service, request: Request) -> ASGIApp:
    _only(request, "run", "port")
    return Forwarded(await service.connect(_needed(request, "run"), _number(request, "port", _MOST_PORT) or 0))


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


# --- parameters ---


def _only(request: Request, *known: str) -> None:
    """Refuse what is not known: a filter that is silently ignored shows the wrong thing."""
    for name in request.query_params:
        if name not in known:
            has = f"; it has {', '.join(known)}" if known else ""
            raise problems.bad(f"unknown parameter `{name[:40]}`{has}")


def _needed(request: Request, name: str) -> str:
    value = request.query_params.get(name, "")
    if not value or len(value) > 1024:
        raise problems.bad(f"the parameter `{name}` is needed")
    return value


def _flag(request: Request, name: str) -> bool:
    value = request.query_params.get(name, "false").lower()
    if value not in {"true", "false", "1", "0"}:
        raise problems.bad(f"`{name}` is true or false")
    return value in {"true", "1"}


def _number(request: Request, name: str, most: int) -> int | None:
    value = request.query_params.get(name)
    if value is None:
        return None
    if not value.isascii() or not value.isdigit() or len(value) > 9 or not 0 <= int(value) <= most:
        raise problems.bad(f"`{name}` is a whole number from 0 to {most}")
    return int(value)


def _instant(request: Request, name: str) -> datetime | None:
    value = request.query_params.get(name)
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(value)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise problems.bad(f"`{name}` is an instant in ISO 8601, such as 2026-11-23T06:00:00Z") from None
