"""Events from outside a DAG, and what an operation listens to: values, folded from facts (docs/events.md).

This module only holds values. Which event starts what is decided in `planner.happenings` and `planner.desire.event`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from planner.canon import Json

__all__ = [
    "MOST_TURNS",
    "REPOSITORY",
    "RUNS",
    "SENDABLE",
    "OutsideEvent",
    "Subscription",
    "has_source",
    "ident_of",
    "subscriptions",
]

RUNS = "runs."
"""How a `ref` begins that names an operation of the project, whose runs have statuses."""

REPOSITORY = "repository"
"""The `ref` of the repository that is followed, whose branch has commits."""

MOST_TURNS = 3
"""Runs of one operation in a chain of events: operations that start one another in a circle come to an end."""

SENDABLE = ("alert_info", "alert_warning", "alert_critical", "project_custom_event")
"""Kinds that somebody sends; their `ref` is a name that sender and listener agree on."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Events of one source that an operation is started by.

    Attributes:
        ref: the source: `runs.NAME`, `repository` or the name of a sender.
        kinds: which of its events.
        paths: of commits, those that touch a path that fits one of these globs; empty for all.
    """

    ref: str
    kinds: tuple[str, ...]
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutsideEvent:
    """Something that happened once.

    Attributes:
        ident: the same for the same event, whoever tells it and how often: part of the keys of what it starts.
        kind: in the reference's words.
        ref: its source.
        at: when it was heard of here.
        data: what is known of it: `globals.event.data` of the runs that it starts.
        about: what it was, for people: a run's key, a commit, the id that its sender gave it.
        chain: the operations whose runs led to it, by events, oldest first; empty where it was not the end of a run.
        by: who sent it; "" for what Plumbline saw itself.
    """

    ident: str
    kind: str
    ref: str
    at: datetime
    data: Mapping[str, Json] = field(default_factory=dict)
    about: str = ""
    chain: tuple[str, ...] = ()
    by: str = ""

    def is_circle(self, root: str) -> bool:
        """Whether it is to start `root` once more after `MOST_TURNS` runs of it that led here: it goes in a circle."""
        return self.chain.count(root) >= MOST_TURNS


def ident_of(source: str, *names: str) -> str:
    """The id of an event: 16 characters that say nothing, equal for equal names of one kind of source."""
    text = "\n".join((source, *names))
    return base64.b32encode(hashlib.sha256(text.encode(errors="surrogatepass")).digest())[:16].decode().lower()


def subscriptions(said: Json) -> tuple[Subscription, ...]:
    """What the section `events` of a root comes to, without the kinds that have no source here."""
    found = (_subscription(entry) for entry in _items(said) if isinstance(entry, Mapping))
    return tuple(one for one in found if one.kinds)


def _subscription(entry: Mapping[str, Json]) -> Subscription:
    ref = str(entry.get("ref", ""))
    kinds = (str(kind) for kind in _items(entry.get("kinds")))
    paths = tuple(str(path) for path in _items(entry.get("paths")))
    return Subscription(ref, tuple(kind for kind in kinds if has_source(ref, kind)), paths)


def _items(value: Json) -> Sequence[Json]:
    return value if isinstance(value, list | tuple) else ()


def has_source(ref: str, kind: str) -> bool:
    """Whether such an event may ever come from there, outside of a DAG."""
    if kind.startswith("run_status_"):
        return ref.startswith(RUNS)
    if kind == "connection_git_commit":
        return ref == REPOSITORY
    return kind in SENDABLE
