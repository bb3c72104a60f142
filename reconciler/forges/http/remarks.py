"""What remarks of all forges have in common: instants and names as they are sent. Asks nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from reconciler.forges.http.fields import text_of
from reconciler.ports_remarks import Remark

__all__ = ["in_order", "instant_of", "segment", "spelled"]

_ODD = re.compile(r"\.*")


def instant_of(value: Any, *path: str) -> datetime | None:
    """The instant at `path`; None where there is none, or nobody says in which zone."""
    try:
        found = datetime.fromisoformat(text_of(value, *path))
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def spelled(at: datetime) -> str:
    """An instant as forges take it: whole seconds, which none of them rounds up."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def segment(name: str) -> str:
    """A name as one segment of a path; "" for one that would be none."""
    return "" if _ODD.fullmatch(name) else quote(name, safe="")


def in_order(remarks: Iterable[Remark | None], since: datetime) -> list[Remark]:
    """Those that were written or changed since, oldest first."""
    found = (one for one in remarks if one is not None and one.changed >= since.replace(microsecond=0))
    return sorted(found, key=lambda one: (one.at, len(one.ident), one.ident))
