"""Health and metrics: alive, ready or why not, and numbers. Changes nothing.

What it must never do: tell another machine why it is not ready, as the words name repositories and servers.
"""

from __future__ import annotations

from collections.abc import Mapping

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from planner.canon import Json
from reconciler.core import Core
from reconciler.errors import Transient, Unusable
from reconciler.loop import Loop
from reconciler.settings_api import is_loopback

__all__ = ["health_app", "unready", "unwritable"]

STALE = 600.0
"""Seconds that the repository may be away, or not be planned from, before the daemon counts as not ready."""

_LEDGER_DEADLINE = 5.0


def health_app(core: Core, loop: Loop) -> Starlette:
    """/healthz, /readyz and /metrics of one daemon."""

    async def healthz(_: Request) -> Response:
        # That this is answered at all is the news: the event loop turns.
        return JSONResponse({"status": "alive"})

    async def readyz(request: Request) -> Response:
        reasons = await unready(core, loop)
        told = reasons if request.client is not None and is_loopback(request.client.host) else []
        body: Mapping[str, Json] = {"status": "not ready" if reasons else "ready", "reasons": told}
        return JSONResponse(body, 503 if reasons else 200)

    async def metrics(_: Request) -> Response:
        await _measure(core, loop)
        return Response(loop.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return Starlette(
        routes=[
            Route("/healthz", healthz, methods=["GET"]),
            Route("/readyz", readyz, methods=["GET"]),
            Route("/metrics", metrics, methods=["GET"]),
        ]
    )


async def unready(core: Core, loop: Loop) -> list[str]:
    """Why the daemon cannot do its work now; empty when it can."""
    reasons = [reason for reason in (await unwritable(core), _source(core, loop)) if reason]
    if not reasons and not (await core.ledger.project()).head:
        reasons.append("no commit was planned yet")
    return reasons


async def unwritable(core: Core) -> str:
    """Why the ledger cannot be written, or "". A record of nothing takes its lock and its space like any other."""
    try:
        with anyio.fail_after(_LEDGER_DEADLINE):
            await core.ledger.record(())
    except TimeoutError:
        return f"the ledger did not answer within {_LEDGER_DEADLINE:g} s"
    except (Transient, Unusable) as error:
        return f"the ledger cannot be written: {error.message}"
    return ""


def _source(core: Core, loop: Loop) -> str:
    """Why what is planned is not the branch's head, as far as is known, or "". It may be away or broken for a while."""
    seen, failing = loop.commits.seen_at, loop.commits.failing
    if seen is None and failing:
        what = "no commit was planned yet" if loop.commits.answered_at else "the repository was not read yet"
        return f"{what}: {failing}"
    if seen is None:
        return "the loop has not read the repository yet"
    age = (core.clock.now() - seen).total_seconds()
    if failing and age > STALE:
        what = "nothing new can be planned" if loop.commits.answers else "the repository does not answer"
        return f"{what}; what is in force was its head {age:.0f} s ago: {failing}"
    return ""


async def _measure(core: Core, loop: Loop) -> None:
    """Bring the gauges up to date; a ledger that cannot be read leaves its gauge as it was."""
    loop.metrics.queue_depth.set(core.queue.depth)
    if loop.commits.seen_at is not None:
        loop.metrics.source_age.set(max((core.clock.now() - loop.commits.seen_at).total_seconds(), 0.0))
    try:
        loop.metrics.live_runs.set(len(await core.ledger.claims()))
    except (Transient, Unusable):
        return
