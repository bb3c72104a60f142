"""What a ledger is asked for and told: which runs are looked for, and which roots rest. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from planner.keys import Key
from planner.model.records import RootRecord
from planner.query import Search

__all__ = ["Awake", "Expired", "Find", "Rest", "RunQuery"]


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


@dataclass(frozen=True, slots=True)
class Rest:
    """A root that need not be planned before an instant, unless something is recorded about it.

    Attributes:
        record: as it was when that was found out.
        due: when it must be planned next; None for never by itself.
    """

    record: RootRecord
    due: datetime | None


@dataclass(frozen=True, slots=True)
class Awake:
    """Which roots a start of the daemon has to plan, and which not.

    Attributes:
        records: those to be planned now, by name.
        listening: of the others those that are started by events, by name.
        due: when each of the others must be planned next, by name; None for never by itself.
    """

    records: Mapping[str, RootRecord]
    listening: Mapping[str, RootRecord]
    due: Mapping[str, datetime | None]
