"""The YAML reader: bytes to plain values with places, within limits, and problems instead of exceptions.

It takes PyYAML's event stream and composes its own tree, because the loaders of PyYAML resolve YAML 1.1 words, take
duplicate keys silently and expand aliases without bounds. What it decides:

- Text is as `planner.spec.text` takes it; JSON is read as the YAML that it is.
- Values are those of the core schema (`planner.spec.scalars`). Only its tags are allowed.
- Keys are scalars and always text as written: `8080: x` and `"8080": x` are the same key, and so is `true: x` the
  key `true`. Empty keys without quotes, aliases and collections as keys are refused.
- Merge keys (`<<`) are taken: explicit keys win, then the earlier mapping of a list.
- Duplicate keys, recursive aliases, NUL and lone surrogates are refused.

With and without libyaml the values and their places are the same. The pure parser is stricter about tabs between the
words of a line, and for bad syntax it may blame a place nearby.

This module must never judge what a value means, and never raise for any bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

import yaml

from planner.canon import Json
from planner.errors import Place, Problem
from planner.spec import scalars, syntax
from planner.spec.limits import Budget, Stop
from planner.spec.nodes import Entries, Node, sources
from planner.spec.places import Places, Spot
from planner.spec.text import UNSPEAKABLE, decode
from planner.spec.words import short

__all__ = ["Read", "YamlDocument", "read"]

_COLLECTION_TAGS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One document of a file.

    Attributes:
        index: its position in the file, from 0.
        value: plain dicts, lists and scalars; aliased parts are shared, so it is read only.
        places: where each value and key stands.
        spoilt: whether the reader reported problems inside it: what they touched may be missing from `value`.
    """

    index: int
    value: Json
    places: Places
    spoilt: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """What a file holds: the documents up to the first syntax error, and all problems up to there."""

    documents: tuple[YamlDocument, ...]
    problems: tuple[Problem, ...]


class _Events(Protocol):
    def get_event(self) -> Any: ...


_Parser = Callable[[str], _Events]
_PURE: _Parser = yaml.SafeLoader
_FAST: _Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(path: str, data: bytes) -> Read:
    """The documents of a file.

    Args:
        path: named in places; `.json` at its end allows what only JSON allows.
        data: the whole file.
    """
    return _read(path, data, _FAST)


def _read(path: str, data: bytes, parser: _Parser) -> Read:
    text = decode(path, data)
    if isinstance(text, Problem):
        return Read((), (text,))
    budget = Budget()
    composer = _Composer(path, budget)
    problems = budget.problems
    try:
        composer.stream(parser(text))
    except Stop as stop:
        problems.append(stop.problem)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(path, mark.line + 1, mark.column + 1) if mark else Place(path)
        problems.append(syntax.problem(text, str(error.problem or error.context or ""), place))
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        problems.append(Problem("PL-101", f"not valid YAML: {short(str(error))}", composer.here()))
    except (RecursionError, MemoryError):
        problems.append(Problem("PL-105", "too large to read", composer.here()))
    return Read(tuple(composer.documents), tuple(problems))


# Composition


class _Composer:
    """Builds the documents of one file from its events."""

    __slots__ = ("_anchors", "_budget", "_mark", "_next", "documents", "path")

    def __init__(self, path: str, budget: Budget) -> None:
        self.path = path
        self.documents: list[YamlDocument] = []
        self._budget = budget
        self._anchors: dict[str, Node | None] = {}
        self._mark: Any = None

    def here(self) -> Place:
        """The place of the event at hand; the whole file before the first."""
        return Place(self.path, self._mark.line + 1, self._mark.column + 1) if self._mark else Place(self.path)

    def stream(self, events: _Events) -> None:
        self._next = events.get_event
        while (event := self._next()) is not None:
            if isinstance(event, yaml.DocumentStartEvent):
                self._document(event)

    def _document(self, event: yaml.DocumentStartEvent) -> None:
        self._mark = event.start_mark
        if event.version and tuple(event.version) not in {(1, 1), (1, 2)}:
            raise Stop(Problem("PL-101", "a YAML version other than 1.1 and 1.2", self.here(), hint="remove the line"))
        self._anchors.clear()
        known = len(self._budget.problems)
        node = self._compose(self._next())
        places = Places(self.path, node.spot)
        self.documents.append(YamlDocument(len(self.documents), node.value, places, len(self._budget.problems) > known))

    def _compose(self, event: Any) -> Node:
        self._mark = event.start_mark
        self._budget.nodes(1, self.here)
        if isinstance(event, yaml.ScalarEvent):
            return self._anchored(event, self._scalar(event))
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        self._check_tag(event, _COLLECTION_TAGS)
        if event.anchor:
            self._anchors[event.anchor] = None
        self._budget.depth += 1
        self._budget.levels(0, self.here)
        node = self._mapping() if isinstance(event, yaml.MappingStartEvent) else self._sequence()
        self._budget.depth -= 1
        return self._anchored(event, node)

    def _anchored(self, event: Any, node: Node) -> Node:
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, event: yaml.AliasEvent) -> Node:
        self._budget.alias(self.here)
        name = str(event.anchor)
        if name not in self._anchors:
            raise Stop(Problem("PL-101", f"alias `*{short(name)}` without an anchor before it", self.here()))
        node = self._anchors[name]
        if node is None:
            raise Stop(Problem("PL-108", f"alias `*{short(name)}` inside its own anchor", self.here()))
        self._budget.nodes(node.size - 1, self.here)
        self._budget.levels(node.height, self.here)
        spot = (self._mark.line + 1, self._mark.column + 1, node.spot[2])
        return replace(node, spot=spot)

    def _scalar(self, event: yaml.ScalarEvent) -> Node:
        spot: Spot = (self._mark.line + 1, self._mark.column + 1, None)
        text, tag = event.value, event.tag
        if tag is None or tag == "!":
            if not event.style:
                return Node(self._accept(scalars.plain(text), text), spot)
            if event.style == '"' and UNSPEAKABLE.search(text):
                self._refuse("NUL or half a character in text", "write the character itself")
                text = UNSPEAKABLE.sub("\ufffd", text)
            return Node(text, spot)
        if self._check_tag(event, scalars.CORE_TAGS):
            return Node(self._accept(scalars.tagged(tag, text), text), spot)
        return Node(text, spot)

    def _sequence(self) -> Node:
        line, column = self._mark.line + 1, self._mark.column + 1
        values, spots, size, height = [], [], 1, 0
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            node = self._compose(event)
            values.append(node.value)
            spots.append(node.spot)
            size += node.size
            height = max(height, node.height)
        return Node(values, (line, column, spots), size, height + 1)

    def _mapping(self) -> Node:
        line, column = self._mark.line + 1, self._mark.column + 1
        into = Entries({}, {})
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            self._entry(event, into)
        self._budget.nodes(into.merge(), self.here)
        return Node(into.values, (line, column, into.spots), into.size, into.height + 1)

    def _entry(self, event: Any, into: Entries) -> None:
        self._mark = event.start_mark
        line, column = self._mark.line + 1, self._mark.column + 1
        is_merge = _is_merge(event)
        key = self._key(event)
        node = self._compose(self._next())
        into.size += node.size + 1
        into.height = max(into.height, node.height)
        if key is None:
            return
        first = into.merge_line if is_merge else into.spots.get(key, (0,))[0]
        if first:
            hint = f"it is first in line {first}; remove one of them"
            place = Place(self.path, line, column)
            self._budget.report(Problem("PL-102", f"duplicate key `{short(key)}`", place, hint=hint))
        elif is_merge:
            into.merge_line = line
            self._merge_later(node, into)
        else:
            into.values[key] = node.value
            into.spots[key] = (line, column, node.spot)

    def _merge_later(self, node: Node, into: Entries) -> None:
        found = sources(node)
        if found is None:
            message = "a merge key takes a mapping or a list of mappings"
            place = Place(self.path, *node.spot[:2])
            self._budget.report(Problem("PL-106", message, place, hint="quote `<<` if it is a name"))
        into.merged = found or []

    def _key(self, event: Any) -> str | None:
        """The text of a key; None for one that is refused, with what it holds read past."""
        if not isinstance(event, yaml.ScalarEvent):
            self._refuse("a key that is not text", 'quote a template: "{{ … }}"')
            self._compose(event)
            return None
        node = self._anchored(event, self._scalar_key(event))
        self._budget.nodes(1, self.here)
        if not event.style and (event.value in {"", "~"} or node.value is None):
            self._refuse("a key without a name", "give it a name, or quote it")
            return None
        return str(node.value)

    def _scalar_key(self, event: yaml.ScalarEvent) -> Node:
        if event.style or event.tag not in {None, "!"}:
            return self._scalar(event)
        spot: Spot = (self._mark.line + 1, self._mark.column + 1, None)
        empty = event.value in {"", "~", "null", "Null", "NULL"}
        return Node(None if empty else event.value, spot)

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


def _is_merge(event: Any) -> bool:
    return isinstance(event, yaml.ScalarEvent) and event.value == "<<" and not event.style and event.tag is None
