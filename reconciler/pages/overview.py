"""The first page: the project, what needs a person, every operation, the newest commits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from starlette.requests import Request

from planner.render.tone import Tone, tone
from reconciler.api.service import Service
from reconciler.pages.made import Made, page_of
from reconciler.pages.words import lasted

__all__ = ["overview"]

_OPERATIONS = 100
_COMMITS = 10
_FIRST = {Tone.BAD: 0, Tone.BUSY: 1}
"""What is on top of the list of operations."""


async def overview(service: Service, request: Request) -> Made:
    """The project at a glance."""
    pager = page_of(request, _OPERATIONS)
    status = await service.status()
    now = service.core.clock.now()
    every: list[Mapping[str, Any]] = status["operations"]  # type: ignore[assignment]
    ordered = sorted(every, key=lambda one: (_FIRST.get(tone(one["state"]), 2), one["operation"]))
    shown = [{**one, "took": _took(one, now)} for one in ordered[pager.window]]
    commits = await service.commits(_COMMITS)
    values = {
        "status": status,
        "notes": list(_notes(status)),
        "operations": shown,
        "pager": pager.of(len(every)),
        "commits": commits["commits"],
        "now": now,
    }
    return Made("overview.html", values)


def _took(one: Mapping[str, Any], now: Any) -> str:
    last = one["last"]
    return lasted(last, now) if last else ""


def _notes(status: Mapping[str, Any]) -> Iterator[str]:
    """What keeps the whole from its work, one sentence each."""
    if status["ledger"]["failing"]:
        yield f"{status['ledger']['failing']}; until then nothing new is done, and nothing is stopped"
    source = status["source"]
    if source["failing"]:
        what = "nothing new can be planned" if source["answers"] else "the repository does not answer"
        yield f"{what}: {source['failing']}"
    if suspended := status["suspended"]:
        until = f" until {suspended['until']}" if suspended["until"] else ""
        yield f"suspended by {suspended['by']} since {suspended['since']}{until}; plumbline unsuspend"
    if status["draining"]:
        yield "the daemon is ending: nothing new starts"
    yield from status["warnings"]
