"""Notifications: whom a run's statuses are told, and what is told. Values; nothing is sent here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from planner.canon import Json
from planner.keys import Key

__all__ = ["NOTIFYING", "Notice", "Notification", "notifications"]

NOTIFYING = ("slack", "mattermost", "discord", "teams", "webhook")
"""Kinds of connections that a message goes through."""


@dataclass(frozen=True, slots=True)
class Notification:
    """Who is told of a run, and when (reference, section 10.3).

    Attributes:
        trigger: the status that it is sent at; `done` is any end.
        connections: names of the daemon's connections that it goes through.
    """

    trigger: str
    connections: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that is owed: recorded with the status that it is about, and sent afterwards.

    Attributes:
        ident: the same for the same run, round, status and connection.
        connection: what it goes through.
        root: the operation.
        key: the run.
        kind: of the run.
        trigger: the status that was waited for.
        status: of the run then.
        reason: why that status, in a few words; or "".
        because: why it ran.
        commit: whose code and spec it runs.
        at: when the status was recorded.
    """

    ident: str
    connection: str
    root: str
    key: Key
    kind: str
    trigger: str
    status: str
    reason: str
    because: str
    commit: str
    at: datetime


def notifications(plugins: Json) -> tuple[Notification, ...]:
    """What the section `plugins` of an operation says of them."""
    said = plugins.get("notifications") if isinstance(plugins, Mapping) else None
    found = (_notification(entry) for entry in _items(said) if isinstance(entry, Mapping))
    return tuple(found)


def _notification(entry: Mapping[str, Json]) -> Notification:
    return Notification(
        str(entry.get("trigger") or "done"), tuple(str(name) for name in _items(entry.get("connections")))
    )


def _items(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list | tuple) else ()
