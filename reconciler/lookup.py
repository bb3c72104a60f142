"""What a ledger is asked for when runs are looked for: by what an index knows, or by a query. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from planner.keys import Key
from planner.query import Search

__all__ = ["Expired", "Find", "RunQuery"]


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs to list: all conditions hold; newest opened first.

    Attributes:
        root: of this root; "" for all.
        keys: exactly these; empty for all.
        short: whose short id begins so; "" for all.
        live: only those that are not final (True), only final ones (False), or both (None).
        owed: only those whose copy in the store is still to be made.
        limit: at most so many.
    """

    root: str = ""
    keys: tuple[Key, ...] = ()
    short: str = ""
    live: bool | None = None
    owed: bool = False
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Find:
    """Which runs to look for with a query: all conditions hold.

    Attributes:
        search: the query and the order.
        root: of this root; "" for all.
        live: only those that are not final (True), only final ones (False), or both (None).
        limit: at most so many.
        offset: how many of the first are left out.
        without: a run that is left out.
    """

    search: Search
    root: str = ""
    live: bool | None = None
    limit: int = 100
    offset: int = 0
    without: Key | None = None


@dataclass(frozen=True, slots=True)
class Expired:
    """Which runs are beyond what is kept.

    Attributes:
        count: newest tops that are kept; None for any number.
        before: those that ended earlier go; None for none.
        limit: at most so many tops.
    """

    count: int | None
    before: datetime | None
    limit: int
