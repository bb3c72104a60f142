"""Small edits of a YAML or JSON text at the places of its nodes: everything else stays as it is, to the byte.

Each function gives the edits of one change, or none where the text is not in a form that it knows; it must never guess.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, order=True)
class Edit:
    """`text` in place of what is from `start` to `end`."""

    start: int
    end: int
    text: str


def applied(text: str, edits: Iterable[Edit]) -> str:
    """The text with the edits; of two that overlap the first one only."""
    parts, at = [], 0
    for edit in sorted(set(edits)):
        if edit.start >= at:
            parts += [text[at : edit.start], edit.text]
            at = edit.end
    return "".join([*parts, text[at:]])


@dataclass(frozen=True, slots=True)
class Source:
    """A text whose nodes are known.

    Attributes:
        text: of the file.
        is_json: whether all strings have double quotes.
    """

    text: str
    is_json: bool = False

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

    def wrapped(self, entry: Entry, outer: str, inner: str, *, flow: bool) -> list[Edit]:
        """An entry below a new key: `inner: value` as `outer: {inner: value}`, or as two lines."""
        key, value = entry
        if not self._plain(entry) or not (name := self._like(key, outer)):
            return []
        start = key.start_mark.index
        if flow:
            opened = Edit(value.start_mark.index, value.start_mark.index, f"{{{self._like(key, inner)}: ")
            return [Edit(start, self._end(key), name), opened, Edit(self._end(value), self._end(value), "}")]
        indent = " " * (key.start_mark.column + 2)
        rest = self._shifted(self._end(key), self._end(value), 2)
        return [Edit(start, self._end(value), f"{name}:{self._newline}{indent}{self._like(key, inner)}{rest}")]

    def moved(self, mapping: yaml.MappingNode, entry: Entry, into: Entry, inner: str) -> list[Edit]:
        """An entry of a mapping as the first one of the mapping that is in another entry, and not empty."""
        (key, value), (_, target) = entry, into
        gone = self._without(mapping, entry)
        if not isinstance(target, yaml.MappingNode) or not target.value or not gone:
            return []
        if not self._plain(entry) or not self._plain(into):
            return []
        first = target.value[0][0].start_mark
        if target.flow_style:
            flat = not isinstance(value, yaml.CollectionNode) or value.flow_style
            told = "#" in self.text[self._end(value) : gone[0].end]
            head = f"{self._like(key, inner)}: {self.raw(value)}, "
            return [*gone, Edit(first.index, first.index, head)] if flat and not told else []
        end = self._end(value) if mapping.flow_style else self._line(self._end(value))[1]
        rest = self._shifted(self._end(key), end, first.column - key.start_mark.column)
        head = f"{self._like(key, inner)}{rest}{self._newline}{' ' * first.column}"
        return [*gone, Edit(first.index, first.index, head)]

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
        begin = max(self.text.rfind("\n", 0, index), self.text.rfind("\r", 0, index)) + 1
        found = _BREAK.search(self.text, index)
        return begin, found.start() if found else len(self.text)

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
        found = _BREAK.search(self.text)
        return found[0] if found else "\n"
