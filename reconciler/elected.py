"""Who leads of several replicas, as one of them sees it. It decides nothing and asks nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from planner.canon import Json

__all__ = ["Leader", "View", "election_view"]


@dataclass(frozen=True, slots=True)
class Leader:
    """Who leads, as far as a replica knows.

    Attributes:
        name: "" for nobody.
        since: when it began, as it says.
        addresses: where it answers, by what.
    """

    name: str
    since: str
    addresses: Mapping[str, str]


class View(Protocol):
    """An election, as it is seen from a replica."""

    @property
    def lease(self) -> str:
        """What it goes by, as `namespace/name`."""
        ...

    @property
    def replica(self) -> str:
        """The name of this one."""
        ...

    @property
    def leader(self) -> Leader | None:
        """Who leads; None before anybody could tell."""
        ...

    @property
    def unseen(self) -> str:
        """Why that cannot be told now, or ""."""
        ...


def election_view(view: View) -> dict[str, Json]:
    """Who leads, since when, and whether that is this replica, as a value for people and programs."""
    leader = view.leader
    name = leader.name if leader is not None else ""
    return {
        "lease": view.lease,
        "replica": view.replica,
        "leader": name,
        "since": leader.since if leader is not None and name else None,
        "leads": name == view.replica,
        "unseen": view.unseen,
    }
