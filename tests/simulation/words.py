"""Facts in few words, for people who read a history."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from enum import Enum

from planner.keys import Key

__all__ = ["words"]

_LEFT_OUT = {"at", "since", "live", "bound", "because", "tree", "branch", "stamp", "release", "queue", "requests"}


def words(value: object) -> str:
    """`value` on one line: facts by name and the fields that say something, digests and ids cut short."""
    match value:
        case str():
            return value[:14] if value.startswith("d1:") or len(value) == 40 else value
        case Key():
            return str(value)
        case Enum():
            return str(value.value)
        case datetime():
            return f"{value:%H:%M:%S}"
        case tuple() | frozenset():
            return "(" + ", ".join(words(item) for item in value) + ")"
        case _ if dataclasses.is_dataclass(value):
            said = [
                f"{item.name}={words(getattr(value, item.name))}"
                for item in dataclasses.fields(value)
                if item.name not in _LEFT_OUT and getattr(value, item.name) not in (None, "", (), {}, False)
            ]
            return f"{type(value).__name__}({' '.join(said)})"
        case _:
            return str(value)
