"""Places of values: where each value of a document stands in its file, found by JSON pointer.

A document is composed into plain values and, beside them, a tree of spots. This module walks that tree; it must never
read YAML or judge a value. The tree is walked on demand, so that a document of many nodes costs no pointer strings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from planner.errors import Place

__all__ = [
    "Elsewhere",
    "Entries",
    "Entry",
    "Part",
    "Places",
    "Spot",
    "camel",
    "entry",
    "pointer",
    "snake",
    "split",
    "spot_of",
]

Entry = tuple[int, int, int, int] | tuple[int, int, int, int, "Entries | Elsewhere"]
"""Line and column of a key, then those of its value, and what is in it if there is something."""

Entries = dict[str, Entry] | list["Spot"] | None
"""Entries by key; or spots in order; or nothing below."""

Spot = tuple[int, int, "Entries | Elsewhere"]
"""Line and column of a value (from 1), and its entries."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The entries of a spot that is written in another place than the one around it: merged values have such parts.

    Attributes:
        path: the file.
        at: JSON pointer of the value in its own document.
        entries: what is in it.
    """

    path: str
    at: str
    entries: Entries


class Part(NamedTuple):
    """A value as it stands in its file.

    Attributes:
        path: the file.
        key: line and column of its key; of the value itself where it has none.
        spot: where the value is, and what is in it; never `Elsewhere`.
        at: JSON pointer of the value in its own document.
    """

    path: str
    key: tuple[int, int]
    spot: Spot
    at: str = ""


_MOST_COUNTED = 100_001
_HUMP = re.compile(r"(?<!^)([A-Z])")


def camel(name: str) -> str:
    """The YAML spelling of a snake_case name."""
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest)


def snake(name: str) -> str:
    """The snake_case spelling of a YAML name."""
    return _HUMP.sub(r"_\1", name).lower()


def pointer(*parts: str | int) -> str:
    """The JSON pointer (RFC 6901) of a path of keys and indexes."""
    text = ""
    for part in parts:
        word = str(part)
        text += "/" + (word.replace("~", "~0").replace("/", "~1") if "~" in word or "/" in word else word)
    return text


def split(text: str) -> tuple[str, ...]:
    """The parts of a JSON pointer, unescaped; an index stays text."""
    parts = text.split("/")[1:]
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in parts) if "~" in text else tuple(parts)


@dataclass(frozen=True, slots=True)
class Places:
    """Looks up places in one document.

    Attributes:
        path: the file.
        root: spot of the document's value.
        prefix: JSON pointer of the value in its document, where it is a part of one.
    """

    path: str
    root: Spot = field(default=(0, 0, None), repr=False)
    prefix: str = ""

    def value(self, at: str) -> Place:
        """The place of the value at pointer `at`, or of its nearest parent that is in the file.

        Keys are found in either spelling, `maxRetries` or `max_retries`.
        """
        part = self.part(at)
        return Place(part.path, part.spot[0], part.spot[1])

    def key(self, at: str) -> Place:
        """The place of the key at pointer `at`; of the value where it has no key, or is not in the file."""
        part = self.part(at)
        return Place(part.path, *part.key)

    def has(self, at: str) -> bool:
        """Whether the file has a value at exactly this pointer."""
        return not self._walk(at)[1]

    def part(self, at: str) -> Part:
        """What stands at a pointer, or its nearest parent that is in the file."""
        return self._walk(at)[0]

    def size(self, at: str) -> int:
        """How many values there are at a pointer, counted up to a hundred thousand."""
        count, waiting = 0, [self.part(at).spot]
        while waiting and count < _MOST_COUNTED:
            below = waiting.pop()[2]
            count += 1
            entries = below.entries if isinstance(below, Elsewhere) else below
            if isinstance(entries, dict):
                inner = [spot_of(entry) for entry in entries.values() if len(entry) == 5]
                count += len(entries) - len(inner)
                waiting += inner
            elif entries:
                waiting += entries
        return min(count, _MOST_COUNTED)

    def pointer(self, at: str) -> str:
        """The pointer of a value in the document that it is written in."""
        part, missing = self._walk(at)
        return part.at + pointer(*missing)

    def _walk(self, at: str) -> tuple[Part, tuple[str, ...]]:
        """The nearest part, and the rest of the pointer that leads to nothing in it."""
        path, prefix, since = self.path, self.prefix, 0
        spot = self.root
        key: tuple[int, int] = spot[:2]
        names = split(at)
        for index, name in enumerate(names):
            if isinstance(spot[2], Elsewhere):
                path, prefix, since = spot[2].path, spot[2].at, index
            step = _step(spot, name)
            if step is None:
                return _plain(path, key, spot, prefix + pointer(*names[since:index])), names[index:]
            key, spot = step
        return _plain(path, key, spot, prefix + pointer(*names[since:])), ()


def spot_of(entry: Entry) -> Spot:
    """The spot of an entry's value."""
    return entry[2:] if len(entry) == 5 else (entry[2], entry[3], None)


def entry(part: Part, name: str) -> Part | None:
    """The value of a key or an index, in either spelling; None where there is none."""
    step = _step(part.spot, name)
    return _plain(part.path, *step, part.at + pointer(name)) if step is not None else None


def _plain(path: str, key: tuple[int, int], spot: Spot, at: str) -> Part:
    below = spot[2]
    if isinstance(below, Elsewhere):
        return Part(below.path, key, (spot[0], spot[1], below.entries), below.at)
    return Part(path, key, spot, at)


def _step(spot: Spot, part: str) -> tuple[tuple[int, int], Spot] | None:
    below = spot[2]
    entries = below.entries if isinstance(below, Elsewhere) else below
    if isinstance(entries, dict):
        entry = entries.get(part) or _respelled(entries, part)
        return ((entry[0], entry[1]), spot_of(entry)) if entry else None
    if isinstance(entries, list) and part.isascii() and part.isdigit() and len(part) < 10 and int(part) < len(entries):
        item = entries[int(part)]
        return item[:2], item
    return None


def _respelled(entries: dict[str, Entry], part: str) -> Entry | None:
    if part.islower() and "_" not in part:
        return None  # both spellings are this one
    return entries.get(snake(part)) or entries.get(camel(part))
