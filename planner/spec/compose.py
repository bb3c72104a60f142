"""Composition: the events of a YAML parser to plain values and, beside them, the spots where they stand.

What is decided here is said where the reader begins, in `planner.spec.yaml`. Every value of every file passes here, so
what nearly all of them are has a short way: plain and quoted text without anchor and tag, as value and as key. This
module must never judge what a value means, and raises nothing but `Stop` for what it refuses to read on.
"""

from __future__ import annotations

from typing import Any, Protocol

import yaml

from planner.canon import shared
from planner.errors import Place, Problem
from planner.spec import scalars
from planner.spec.limits import MAX_NODES, Budget, Stop
from planner.spec.nodes import Entries, Node, YamlDocument, sources
from planner.spec.places import Entry, Places, Spot, spot_of
from planner.spec.text import UNSPEAKABLE
from planner.spec.words import short

__all__ = ["Composer", "Events"]

_SCALAR, _ALIAS, _MAPPING = yaml.ScalarEvent, yaml.AliasEvent, yaml.MappingStartEvent
_MAPPING_END, _SEQUENCE_END = yaml.MappingEndEvent, yaml.SequenceEndEvent
_COLLECTION_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")

_Part = tuple[Any, Spot]
"""A value and where it stands."""

_EMPTY = frozenset({"", "~", "null", "Null", "NULL"})
_ODD_KEYS = _EMPTY | {"<<"}
"""What is no name where it stands without quotes."""


class Events(Protocol):
    """A parser, as far as it is used."""

    def get_event(self) -> Any:
        """The next event; None after the last."""


class Composer:
    """Builds the documents of one file from its events.

    Attributes:
        path: of the file, for places.
        documents: those that are complete.
        nameless: whether a key was nothing at all, as in `[? ]`.
    """

    __slots__ = ("_anchors", "_budget", "_mark", "_next", "_nothing", "documents", "nameless", "path")

    def __init__(self, path: str, budget: Budget) -> None:
        self.path = path
        self.documents: list[YamlDocument] = []
        self.nameless = False
        self._budget = budget
        self._anchors: dict[str, Node | None] = {}
        self._mark: Any = None
        self._nothing: set[tuple[int, int]] = set()

    def here(self) -> Place:
        """The place of the event at hand; the whole file before the first."""
        return Place(self.path, self._mark.line + 1, self._mark.column + 1) if self._mark else Place(self.path)

    def stream(self, events: Events) -> None:
        """Reads all documents.

        Raises:
            Stop: where it makes no sense to read on; and whatever the parser raises.
        """
        self._next = events.get_event
        while (event := self._next()) is not None:
            if type(event) is yaml.DocumentStartEvent:
                self._document(event)

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        self._mark = event.start_mark
        if event.version and tuple(event.version) not in {(1, 1), (1, 2)}:
            raise Stop(Problem("PL-101", "a YAML version other than 1.1 and 1.2", self.here(), hint="remove the line"))
        self._anchors.clear()
        self._nothing.clear()
        known = len(self._budget.problems)
        value, spot = self._part(self._next())
        places = Places(self.path, spot)
        self.documents.append(YamlDocument(len(self.documents), value, places, len(self._budget.problems) > known))

    # Values

    def _part(self, event: Any) -> _Part:
        mark = self._mark = event.start_mark
        budget = self._budget
        budget.used += 1
        if budget.used > MAX_NODES:
            raise budget.overdrawn(self.here())
        if type(event) is _SCALAR and event.anchor is None and event.tag is None:
            return self._text(event), (mark.line + 1, mark.column + 1, None)
        if type(event) is _ALIAS:
            return self._alias(event)
        return self._anchored(event) if event.anchor else self._unanchored(event)

    def _text(self, event: Any) -> scalars.Scalar:
        """The value of a scalar without anchor and tag."""
        text, style = shared(event.value), event.style
        if style:
            return text if style != '"' else self._speakable(text)
        if not text:
            self._nothing.add((self._mark.line + 1, self._mark.column + 1))
        value = scalars.plain(text)
        return self._accept(value, text) if isinstance(value, scalars.Refused) else value

    def _unanchored(self, event: Any) -> _Part:
        if type(event) is _SCALAR:
            return self._scalar(event)
        if event.tag:
            self._check_tag(event, _COLLECTION_TAGS)
        self._budget.enter(self.here)
        part = self._mapping() if type(event) is _MAPPING else self._sequence()
        self._budget.depth -= 1
        if event.flow_style and self._nothing and isinstance(part[1][2], dict):
            self._place_nothing(part[1][2])
        return part

    def _anchored(self, event: Any) -> _Part:
        budget, before = self._budget, self._budget.used
        self._anchors[event.anchor] = None
        around = budget.climb()
        value, spot = self._unanchored(event)
        size, height = budget.used - before + 1, budget.descend(around)
        self._anchors[event.anchor] = Node(value, spot, size, height)
        return value, spot

    def _alias(self, event: yaml.AliasEvent) -> _Part:
        self._budget.alias(self.here)
        name = str(event.anchor)
        if name not in self._anchors:
            raise Stop(Problem("PL-101", f"alias `*{short(name)}` without an anchor before it", self.here()))
        if (node := self._anchors[name]) is None:
            raise Stop(Problem("PL-108", f"alias `*{short(name)}` inside its own anchor", self.here()))
        self._budget.nodes(node.size - 1, self.here)
        self._budget.levels(node.height, self.here)
        return node.value, (self._mark.line + 1, self._mark.column + 1, node.spot[2])

    def _scalar(self, event: yaml.ScalarEvent) -> _Part:
        spot: Spot = (self._mark.line + 1, self._mark.column + 1, None)
        text, tag = event.value, event.tag
        if tag is None or tag == "!":
            if not event.style:
                return self._accept(scalars.plain(text), text), spot
            return self._speakable(text) if event.style == '"' else text, spot
        if self._check_tag(event, scalars.CORE_TAGS):
            return self._accept(scalars.tagged(tag, text), text), spot
        return text, spot

    def _speakable(self, text: str) -> str:
        if not UNSPEAKABLE.search(text):
            return text
        self._refuse("NUL or half a character in text", "write the character itself")
        return UNSPEAKABLE.sub("\ufffd", text)

    def _sequence(self) -> _Part:
        mark, following = self._mark, self._next
        values, spots = [], []
        while type(event := following()) is not _SEQUENCE_END:
            value, spot = self._part(event)
            values.append(value)
            spots.append(spot)
        return values, (mark.line + 1, mark.column + 1, spots)

    def _mapping(self) -> _Part:
        following, budget = self._next, self._budget
        start: Any = self._mark
        values: dict[str, Any] = {}
        spots: dict[str, Entry] = {}
        into: Entries | None = None
        while type(event := following()) is not _MAPPING_END:
            if type(event) is not _SCALAR or (key := event.value) in _ODD_KEYS or _is_odd_key(event):
                into = into or Entries(values, spots)
                self._entry(event, into)
                continue
            mark: Any = event.start_mark
            self._mark, key = mark, shared(key)
            budget.used += 1
            if budget.used > MAX_NODES:
                raise budget.overdrawn(self.here())
            event = following()
            if type(event) is _SCALAR and event.anchor is None and event.tag is None:
                below: Any = event.start_mark
                self._mark = below
                budget.used += 1
                if budget.used > MAX_NODES:
                    raise budget.overdrawn(self.here())
                value = self._text(event)
                entry: Entry = (mark.line + 1, mark.column + 1, below.line + 1, below.column + 1)
            else:
                value, spot = self._part(event)
                entry = (mark.line + 1, mark.column + 1, *spot)
            if key in spots:
                self._repeated(key, spots[key][0], mark)
            else:
                values[key] = value
                spots[key] = entry
        if into is not None and into.merged:
            self._budget.nodes(into.merge(), self.here)
        return values, (start.line + 1, start.column + 1, spots)

    # Keys

    def _entry(self, event: Any, into: Entries) -> None:
        """Any entry of a mapping, also one whose key is quoted, tagged, empty, a merge or no scalar."""
        mark = self._mark = event.start_mark
        is_merge = type(event) is _SCALAR and event.value == "<<" and not event.style and event.tag is None
        key = self._key(event)
        part = self._part(self._next())
        if key is None:
            return
        first = into.merge_line if is_merge else into.spots.get(key, (0,))[0]
        if first:
            self._repeated(key, first, mark)
        elif is_merge:
            into.merge_line = mark.line + 1
            self._merge_later(part, into)
        else:
            into.values[key] = part[0]
            into.spots[key] = (mark.line + 1, mark.column + 1, *part[1])

    def _repeated(self, key: str, first: int, mark: Any) -> None:
        hint = f"it is first in line {first}; remove one of them"
        place = Place(self.path, mark.line + 1, mark.column + 1)
        self._budget.report(Problem("PL-102", f"duplicate key `{short(key)}`", place, hint=hint))

    def _merge_later(self, part: _Part, into: Entries) -> None:
        found = sources(*part)
        if found is None:
            message = "a merge key takes a mapping or a list of mappings"
            place = Place(self.path, *part[1][:2])
            self._budget.report(Problem("PL-106", message, place, hint="quote `<<` if it is a name"))
        into.merged = found or []

    def _key(self, event: Any) -> str | None:
        """The text of a key; None for one that is refused, with what it holds read past."""
        if type(event) is not _SCALAR:
            self._refuse("a key that is not text", 'quote a template: "{{ … }}"')
            self._part(event)
            return None
        value, spot = self._scalar_key(event)
        if event.anchor:
            self._anchors[event.anchor] = Node(value, spot)
        self._budget.nodes(1, self.here)
        if not event.style and (event.value in {"", "~"} or value is None):
            self.nameless = self.nameless or not event.value
            self._refuse("a key without a name", "give it a name, or quote it")
            return None
        return str(value)

    def _scalar_key(self, event: yaml.ScalarEvent) -> _Part:
        if event.style or event.tag not in {None, "!"}:
            return self._scalar(event)
        spot: Spot = (self._mark.line + 1, self._mark.column + 1, None)
        return None if event.value in _EMPTY else event.value, spot

    def _place_nothing(self, entries: dict[str, Entry]) -> None:
        """In `{key: }` the parsers disagree about where the nothing stands; so it stands with its key."""
        for key, entry in entries.items():
            line, column, below = spot_of(entry)
            if below is None and (line, column) in self._nothing:
                entries[key] = (*entry[:2], *entry[:2])

    # Refusals

    def _check_tag(self, event: Any, allowed: frozenset[str] | tuple[str, ...]) -> bool:
        tag = event.tag
        if tag is None or tag == "!" or tag in allowed:
            return True
        shown = "!!" + tag.removeprefix("tag:yaml.org,2002:") if tag.startswith("tag:yaml.org,2002:") else tag
        self._refuse(f"tag `{short(shown)}` is not allowed here", "remove the tag")
        return False

    def _accept(self, value: scalars.Scalar | scalars.Refused, text: str) -> scalars.Scalar:
        if not isinstance(value, scalars.Refused):
            return value
        self._refuse(f"`{short(text)}`: {value.reason}", value.hint)
        return text

    def _refuse(self, message: str, hint: str) -> None:
        self._budget.report(Problem("PL-106", message, self.here(), hint=hint))


def _is_odd_key(event: Any) -> bool:
    """Whether there may be more to a key than its text."""
    return event.anchor or event.tag or (event.style == '"' and UNSPEAKABLE.search(event.value) is not None)
