"""The page of a run: how it goes and why, its attempts, what went in, what came out, and the end of its log.

Of what may be long it asks for a part: nodes by the page, points of metrics and bytes of a log in bounds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from starlette.requests import Request

from reconciler.api.problems import ApiError
from reconciler.api.service import Service
from reconciler.pages.curves import Curve, Drawn, curves
from reconciler.pages.drawing import MOST_NODES, Drawing, drawing_of
from reconciler.pages.made import Made, page_of
from reconciler.pages.tail import tail
from reconciler.pages.trials import trials
from reconciler.pages.words import cut, lasted, number, took, values_of

__all__ = ["run"]

_NODES = 200
_TRIALS = 100
_ATTEMPTS = 20
_NAMES = 100
_EXPLAINED = 500
"""Nodes of a whole of which each may be a reason."""


async def run(service: Service, request: Request) -> Made:
    """A run with all that there is to say about it.

    Raises:
        ApiError: nothing fits the name, or more than one run does.
    """
    pager = page_of(request, _NODES)
    found: Mapping[str, Any] = await service.run(request.path_params["name"], pager.window)
    key, is_dag, now = str(found["key"]), found["kind"] == "dag", service.core.clock.now()
    is_sweep = found["kind"] == "matrix"
    # Of a sweep the trials are shown instead.
    nodes, count = ([], 0) if is_sweep else (found["nodes"], found["nodeCount"])
    bound = found["bound"] or {"params": {}, "replicas": [], "joins": []}
    left = found["artifacts"] or {"names": [], "files": 0, "size": 0, "more": False}
    swept = await trials(service, key, page_of(request, _TRIALS)) if is_sweep else None
    reasons = await _reasons(service, found)
    if swept is not None:
        reasons = reasons or [swept.progress]
    values = {
        "run": found,
        "reasons": reasons,
        "took": lasted(found, now),
        "attempts": [_attempt(one, now) for one in found["attemptList"][-_ATTEMPTS:]],
        # A trial that is a DAG is never bound: what its sweep made it with is all that it was given.
        "inputs": values_of(bound["params"] or (found["trial"] or {}).get("params", {})),
        "sweep": key.rpartition("/")[0] if found["trial"] else "",
        "replicas": [_replica(one) for one in bound["replicas"]],
        "outputs": values_of(found["outputs"]),
        "metrics": None if is_dag or is_sweep else await _metrics(service, found),
        "artifacts": left["names"][:_NAMES],
        "left": left,
        "drawing": await _drawing(service, found) if is_dag else None,
        "trials": swept,
        "nodes": [{**one, "took": lasted(one, now)} for one in nodes],
        "pager": pager.of(count),
        "log": None if is_dag or is_sweep else await tail(service, key),
    }
    return Made("run.html", values)


async def _reasons(service: Service, found: Mapping[str, Any]) -> Sequence[str]:
    """Why it is as it is. Of a very large whole only what is known without a look at each of its nodes."""
    if found["breadth"] <= _EXPLAINED:
        try:
            explained: Mapping[str, Any] = await service.explain(str(found["key"]))
        except ApiError:
            return []
        return list(explained["reasons"])
    said = [str(found["reason"])] if found["reason"] else []
    return [*said, *(wait["text"] for wait in found["waits"][:10])]


def _attempt(one: Mapping[str, Any], now: datetime) -> Mapping[str, Any]:
    return {**one, "took": took(one["startedAt"], one["endedAt"], now), "message": cut(one["message"])}


def _replica(one: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**one, "command": cut(" ".join(one["command"])), "resources": cut(one["resources"])}


async def _metrics(service: Service, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """A line for each metric: its last value, and its curve where there is one."""
    drawn = Drawn()
    if found["attempts"]:
        try:
            drawn = await curves(service.core, await service.metrics(str(found["key"])))
        except ApiError:
            drawn = Drawn()
    kept: Mapping[str, Any] = found["metrics"]
    rows = [_metric(curve.name, kept, curve, whole=drawn.whole) for curve in drawn.curves]
    seen = {curve.name for curve in drawn.curves}
    rows += [_metric(name, kept, None, whole=True) for name in kept if name not in seen]
    return {"rows": rows[: 2 * _NAMES], "more": len(rows) > 2 * _NAMES, "whole": drawn.whole}


def _metric(name: str, kept: Mapping[str, Any], curve: Curve | None, *, whole: bool) -> Mapping[str, Any]:
    """Its last value as the run has kept it, where the series was not read to its end."""
    if curve is None or (not whole and name in kept):
        value = kept[name]
        last = number(value) if isinstance(value, int | float | str) else cut(value).text
        return {"name": name, "last": last, "step": None, "curve": curve}
    return {"name": name, "last": curve.last, "step": curve.step, "curve": curve}


async def _drawing(service: Service, found: Mapping[str, Any]) -> Drawing | None:
    try:
        return drawing_of(await service.graph(str(found["key"]), MOST_NODES))
    except ApiError:
        return None  # it is too large, or what it was made of is not known any more
