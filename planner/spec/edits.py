"""Small edits of a YAML or JSON text at the places of its nodes: everything else stays as it is, to the byte.

Each function gives the edits of one change, or none where the text is not in a form that it knows; it must never guess.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter

import yaml

__all__ = ["Edit", "Source", "applied"]

_COLON = re.compile(r"[ \t]*:(?:[ \t]|(?=[\r\n\[{\"])|\Z)")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_BREAK = re.compile(r"\r\n|[\r\n]")
_BEFORE_LINE = re.compile(r"(?:\r\n|[\r\n])(?=[^\r\n])")
"""A line break before a line that is not empty."""
_OTHERWISE = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
"""Words that readers of YAML take for something else than text."""

Entry = tuple[yaml.Node, yaml.Node]


@dataclass(frozen=True, slots=True)
class Edit:
    """`text` in place of what is from `start` to `end`."""

    start: int
    end: int
    text: str


_IN_ORDER = attrgetter("start", "end", "text")


def applied(text: str, edits: Iterable[Edit]) -> tuple[str, bool]:
    """The text with the edits, and whether it has all of them: of two that overlap it has the first one only."""
    parts, at, whole = [], 0, True
    for edit in sorted(set(edits), key=_IN_ORDER):
        if edit.start >= at:
            parts += [text[at : edit.start], edit.text]
            at = edit.end
        else:
            whole = False
    return "".join([*parts, text[at:]]), whole


@dataclass(slots=True)
class Source:
    """A text whose nodes are known. Its lines are looked for once, as it may have one line or many.

    Attributes:
        text: of the file.
        is_json: whether all strings have double quotes.
    """

    text: str
    is_json: bool = False
    _breaks: list[tuple[int, int]] = field(init=False, repr=False)
    """Where each line break begins and ends."""

    def __post_init__(self) -> None:
        """Look for the lines."""
        self._breaks = [found.span() for found in _BREAK.finditer(self.text)]

    def raw(self, node: yaml.Node) -> str:
        """What is written for a node."""
        return self.text[node.start_mark.index : self._end(node)]

    def renamed(self, key: yaml.Node, name: str) -> list[Edit]:
        """A key by another name, in the quotes that it has."""
        return [Edit(key.start_mark.index, self._end(key), text)] if (text := self._like(key, name)) else []

    def _like(self, node: yaml.Node, text: str) -> str:
        """Text in the quotes of a node; "" where it is neither a plain nor a quoted word."""
        raw = self.raw(node)
        quotes = raw[:1] if raw[:1] in {"'", '"'} else ""
        return f"{quotes}{text}{quotes}" if raw == f"{quotes}{node.value}{quotes}" else ""

    def number(self, value: yaml.Node, text: str) -> list[Edit]:
        """A value without its quotes."""
        quoted = self._like(value, text) != text and self._like(value, text)
        return [Edit(value.start_mark.index, self._end(value), text)] if quoted else []

    def listed(self, value: yaml.Node) -> list[Edit]:
        """A list of the words that a text has between commas."""
        if not isinstance(value, yaml.ScalarNode) or not self._like(value, value.value):
            return []
        quotes = self.raw(value)[:1]
        words = [word for part in value.value.split(",") if (word := part.strip())]
        text = f"[{', '.join(self._word(word, quotes) for word in words)}]"
        return [Edit(value.start_mark.index, self._end(value), text)]

    def _word(self, word: str, quotes: str) -> str:
        if quotes == "'" and "'" not in word:
            return f"'{word}'"
        plain = _WORD.fullmatch(word) and word.lower() not in _OTHERWISE and quotes != '"' and not self.is_json
        return word if plain else json.dumps(word, ensure_ascii=False)

    def wrapped(self, mapping: yaml.MappingNode, entries: Mapping[str, Entry], outer: str) -> list[Edit]:
        """Entries of a mapping below a new key that stands where the first one did, which becomes the last there.

        `key: value` becomes `outer: {inner: value}`, or two lines.

        Args:
            mapping: has the entries.
            entries: by their names below `outer`; those after the first stay where they cannot be moved.
            outer: the new key.
        """
        (inner, entry), *others = entries.items()
        key, value = entry
        if not self._plain(entry) or not (name := self._like(key, outer)):
            return []
        start, end = key.start_mark.index, self._end(value)
        column = None if mapping.flow_style else key.start_mark.column + 2
        gone, head = self._taken(mapping, dict(others), column)
        head += self._like(key, inner)
        if column is None:
            opened = Edit(value.start_mark.index, value.start_mark.index, f"{{{head}: ")
            return [*gone, Edit(start, self._end(key), name), opened, Edit(end, end, "}")]
        rest = self._shifted(self._end(key), end, 2)
        return [*gone, Edit(start, end, f"{name}:{self._newline}{' ' * column}{head}{rest}")]

    def moved(self, mapping: yaml.MappingNode, entries: Mapping[str, Entry], into: Entry) -> list[Edit]:
        """Entries of a mapping as the first ones of the mapping that is in another entry, and not empty.

        One edit for each entry that is moved, and one more for all; see `wrapped`.
        """
        target = into[1]
        if not isinstance(target, yaml.MappingNode) or not target.value or not self._plain(into):
            return []
        first = target.value[0][0].start_mark
        gone, head = self._taken(mapping, entries, None if target.flow_style else first.column)
        return [*gone, Edit(first.index, first.index, head)] if gone else []

    def _taken(
        self, mapping: yaml.MappingNode, entries: Mapping[str, Entry], column: int | None
    ) -> tuple[list[Edit], str]:
        """The edits that remove entries, and what stands before the first entry elsewhere then, the last one first.

        Those that cannot be moved, or not together with the ones before them, are left.

        Args:
            mapping: has the entries.
            entries: by their new names.
            column: of the entries elsewhere; None in flow.
        """
        edits: list[Edit] = []
        head = ""
        for inner, entry in entries.items():
            gone = self._without(mapping, entry)
            text = self._told(mapping, entry, inner, column) if gone and self._plain(entry) else ""
            if column is None and gone and "#" in self.text[self._end(entry[1]) : gone[0].end]:
                continue
            if text and not any(one.start < gone[0].end and gone[0].start < one.end for one in edits):
                edits += gone
                head = f"{text}{head}"
        return edits, head

    def _told(self, mapping: yaml.MappingNode, entry: Entry, inner: str, column: int | None) -> str:
        """An entry by a new name, with what separates it from the next; "" where it cannot be written so."""
        key, value = entry
        if column is None:
            flat = not isinstance(value, yaml.CollectionNode) or value.flow_style
            return f"{self._like(key, inner)}: {self.raw(value)}, " if flat else ""
        end = self._end(value) if mapping.flow_style else self._line(self._end(value))[1]
        rest = self._shifted(self._end(key), end, column - key.start_mark.column)
        return f"{self._like(key, inner)}{rest}{self._newline}{' ' * column}"

    def _without(self, mapping: yaml.MappingNode, entry: Entry) -> list[Edit]:
        """The edit that removes an entry: its lines where it has them for itself, comments behind it included."""
        at = mapping.value.index(entry)
        start, end = entry[0].start_mark.index, self._end(entry[1])
        (first, _), (_, last) = self._line(start), self._line(end)
        if not mapping.flow_style and not self.text[first:start].strip(" "):
            found = _BREAK.match(self.text, last)
            return [Edit(first, found.end() if found else last, "")]
        if at + 1 < len(mapping.value):
            following = mapping.value[at + 1][0].start_mark.index
            return [Edit(start, following, "")] if "#" not in self.text[end:following] else []
        before = self._end(mapping.value[at - 1][1]) if at else start
        return [Edit(before, end, "")] if at and "#" not in self.text[before:start] else []

    def _line(self, index: int) -> tuple[int, int]:
        """Where the line of an index begins, and where its line break is."""
        at = bisect_left(self._breaks, (index,))
        begin = self._breaks[at - 1][1] if at else 0
        return begin, self._breaks[at][0] if at < len(self._breaks) else len(self.text)

    def _plain(self, entry: Entry) -> bool:
        """Whether key, colon and value follow one another: no alias, no anchor, no `?`."""
        key, value = entry
        between = self.text[self._end(key) : value.start_mark.index]
        raw = self.raw(value)
        follows = value.start_mark.index > self._end(key) and _COLON.match(between) is not None
        return follows and raw[:1] not in {"&", "*", "!", "|", ">"}

    def _shifted(self, start: int, end: int, columns: int) -> str:
        """A part of the text, with the lines after its first one further to the right; what they hold stays."""
        return _BEFORE_LINE.sub(lambda found: found[0] + " " * columns, self.text[start:end])

    def _end(self, node: yaml.Node) -> int:
        """Where a node ends: that of a block is the end of the last one in it, not of the comments after it."""
        if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
            last = node.value[-1]
            return self._end(last[1] if isinstance(last, tuple) else last)
        index = node.end_mark.index
        assert isinstance(index, int)
        if isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"} and self.text[index - 1] in "\r\n":
            return index - (2 if self.text[index - 2 : index] == "\r\n" else 1)
        return index

    @property
    def _newline(self) -> str:
        return self.text[slice(*self._breaks[0])] if self._breaks else "\n"
