"""The page of a commit: what it says, its problems with their places, the operations that it changed, and its plan.

Of the head of a pull request, which is no planned commit, the preview that was said of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from reconciler.api.problems import ApiError
from reconciler.api.service import Service
from reconciler.pages.made import Made, page_of
from reconciler.pages.plain import plain
from reconciler.pages.rendering import Lines

__all__ = ["commit"]

_OPERATIONS = 200
_LINES = 1_000
"""Lines of a plan that are shown."""


async def commit(service: Service, request: Request) -> Made:
    """What a planned commit caused, or what merging a head would.

    Raises:
        ApiError: no such commit was planned, or more than one fits.
    """
    pager, ident = page_of(request, _OPERATIONS), str(request.path_params["id"])
    try:
        found: Mapping[str, Any] = await service.commit(ident)
    except ApiError as error:
        if error.status != 404:
            raise
        return await _head(service, ident)
    rows = _rows(found)
    shown = rows[pager.window]
    plan: Mapping[str, Any] = await service.decided(str(found["commit"]), [one["operation"] for one in shown])
    values = {
        "commit": found,
        "problems": found["problemList"],
        "rows": shown,
        "plan": plan,
        "text": Lines("\n".join(plan["lines"][:_LINES])),
        "left": max(len(plan["lines"]) - _LINES, 0),
        "pager": pager.of(len(rows)),
        "changed": len(found["changes"]),
    }
    return Made("commit.html", values)


async def _head(service: Service, ident: str) -> Made:
    """What a status on the head of a pull request leads to."""
    head: Mapping[str, Any] = await service.preview(ident)
    return Made("head.html", {"head": head, "text": Lines(plain(head["comment"]))})


def _rows(found: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What became of each operation that it changed, and of what it says of others."""
    said = {one["operation"]: one for one in found["statuses"] if one["operation"]}
    changed = {one["operation"]: one["what"] for one in found["changes"]}
    names = [*changed, *(name for name in said if name not in changed)]
    return [_row(name, changed.get(name, ""), said.get(name)) for name in names]


def _row(name: str, what: str, said: Mapping[str, Any] | None) -> Mapping[str, Any]:
    state, description, at = (said["state"], said["description"], said["at"]) if said else ("", "", None)
    return {"operation": name, "what": what, "state": state, "description": description, "at": at}
