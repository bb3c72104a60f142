"""Places of values: where each value of a document stands in its file, found by JSON pointer.

A document is composed into plain values and, beside them, a tree of spots. This module walks that tree; it must never
read YAML or judge a value. The tree is walked on demand, so that a document of many nodes costs no pointer strings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from planner.errors import Place

__all__ = ["Places", "Spot", "camel", "pointer", "snake", "split"]

Spot = tuple[int, int, "dict[str, tuple[int, int, Spot]] | list[Spot] | None"]
"""Line and column of a value (from 1), and its entries: key line, key column and spot by key, or spots in order."""

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
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def split(text: str) -> tuple[str, ...]:
    """The parts of a JSON pointer, unescaped; an index stays text."""
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:])


@dataclass(frozen=True, slots=True)
class Places:
    """Looks up places in one document.

    Attributes:
        path: the file.
        root: spot of the document's value.
    """

    path: str
    root: Spot = field(default=(0, 0, None), repr=False)

    def value(self, at: str) -> Place:
        """The place of the value at pointer `at`, or of its nearest parent that is in the file.

        Keys are found in either spelling, `maxRetries` or `max_retries`.
        """
        line, column = self._walk(at)[1][:2]
        return Place(self.path, line, column)

    def key(self, at: str) -> Place:
        """The place of the key at pointer `at`; of the value where it has no key, or is not in the file."""
        line, column = self._walk(at)[0]
        return Place(self.path, line, column)

    def has(self, at: str) -> bool:
        """Whether the file has a value at exactly this pointer."""
        return self._walk(at)[2]

    def _walk(self, at: str) -> tuple[tuple[int, int], Spot, bool]:
        spot = self.root
        key = spot[:2]
        for part in split(at):
            step = _step(spot, part)
            if step is None:
                return key, spot, False
            key, spot = step
        return key, spot, True


def _step(spot: Spot, part: str) -> tuple[tuple[int, int], Spot] | None:
    match spot[2]:
        case dict() as entries:
            entry = entries.get(part) or entries.get(snake(part)) or entries.get(camel(part))
            return ((entry[0], entry[1]), entry[2]) if entry else None
        case list() as items:
            if part.isascii() and part.isdigit() and len(part) < 10 and int(part) < len(items):
                item = items[int(part)]
                return item[:2], item
            return None
        case _:
            return None
