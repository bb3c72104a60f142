"""The page of an operation: how it goes and why, what is in force, when it runs next, its newest runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from reconciler.api import problems
from reconciler.api.listing import Listing
from reconciler.api.service import Service
from reconciler.pages.drawing import Drawing, drawing_of
from reconciler.pages.made import Made, page_of
from reconciler.pages.words import lasted

__all__ = ["operation"]

_RUNS = 50
_TOPS = "pipeline: nil"
"""Nodes are on the page of their run."""
_LOOKED_AT = slice(500)
"""Nodes of its last run that are looked at for reasons."""


async def operation(service: Service, request: Request) -> Made:
    """An operation with its newest runs.

    Raises:
        ApiError: there is no such operation.
    """
    name, pager = request.path_params["name"], page_of(request, _RUNS)
    if name not in await service.core.ledger.roots():
        raise problems.missing(f"`{name[:80]}` is no operation here")
    found: Mapping[str, Any] = await service.explain(name, window=_LOOKED_AT)
    listed = await service.runs(Listing(root=name, query=_TOPS, limit=pager.size + 1, offset=pager.begin))
    every: list[Mapping[str, Any]] = listed["runs"]  # type: ignore[assignment]
    runs, pager = pager.cut(every)
    now = service.core.clock.now()
    values = {
        "name": name,
        "found": found,
        "drawing": await _drawing(service, found),
        "runs": [{**run, "took": lasted(run, now)} for run in runs],
        "pager": pager,
    }
    return Made("operation.html", values)


async def _drawing(service: Service, found: Mapping[str, Any]) -> Drawing | None:
    """How its nodes depend on one another; not where it is gone from the repository, or no DAG."""
    target = found["target"]
    if found["kind"] != "dag" or target is None or target["digest"] is None:
        return None
    return drawing_of(await service.graph(str(found["operation"])))
