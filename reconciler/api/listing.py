"""Runs as a list: all, or those that a query finds (docs/queries.md)."""

from __future__ import annotations

from dataclasses import dataclass

from planner.canon import Json
from planner.errors import Place, Problem
from planner.query import read_search
from planner.spec.query import QueryError
from reconciler.api import find, problems, views
from reconciler.api.stories import Story, with_begun
from reconciler.api.sweeps import standing_of
from reconciler.core import Core
from reconciler.ports import Find

__all__ = ["Listing", "list_runs"]


@dataclass(frozen=True, slots=True)
class Listing:
    """Which runs to list.

    Attributes:
        root: of this operation; "" for all.
        live: only those that are not final (True), only final ones (False), or both (None).
        query: which ones; "" for all.
        sort: in which order; "" for the newest first.
        limit: at most so many.
        offset: how many of the first are left out.
    """

    root: str = ""
    live: bool | None = None
    query: str = ""
    sort: str = ""
    limit: int = 100
    offset: int = 0


async def list_runs(core: Core, wanted: Listing) -> dict[str, Json]:
    """Runs that match, in their order.

    Raises:
        ApiError: there is no such operation, or the query cannot be read.
    """
    if wanted.root:
        await find.operation(core, wanted.root)
    try:
        search = read_search(wanted.query, wanted.sort, core.clock.now(), ())
    except QueryError as error:
        raise _unread(error) from None
    asked = Find(search, wanted.root, wanted.live, wanted.limit, wanted.offset)
    stories = [Story(found.run, found.run, found.source) for found in await core.ledger.find(asked)]
    return {"runs": [await _view(core, story) for story in stories]}


async def _view(core: Core, story: Story) -> dict[str, Json]:
    """A run in the list: of a whole that goes on how what is below it does, of a sweep in words, too."""
    found = views.run_view(await with_begun(core, story), core.policy.identity)
    return {**found, "reason": found["reason"] or await standing_of(core, story.run)}


def _unread(error: QueryError) -> problems.ApiError:
    place = Place("query", 1, error.column or 1)
    return problems.invalid([Problem("PL-204", error.message, place, hint=error.hint)])
