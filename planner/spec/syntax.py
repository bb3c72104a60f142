"""Syntax errors of YAML in plain sentences.

PyYAML and libyaml word the same error differently; both are told by a part of their text. This module must never
parse: it gets the parser's words and the place.
"""

from __future__ import annotations

from collections.abc import Mapping

from planner.errors import Place, Problem
from planner.spec.words import short

__all__ = ["problem"]

_BREAKS = ("\n", "\r", "\x85", "\u2028", "\u2029")

_SENTENCES: Mapping[str, tuple[str, str]] = {
    "mapping values are not allowed": ("a `key: value` cannot stand here", "check the indentation, or quote the text"),
    "cannot start any token": ("a character that cannot start a value", "quote the text; indent with spaces, not tabs"),
    "tab character": ("a tab where spaces indent", "indent with spaces"),
    "could not find expected ':'": ("a key without its `:`", "add the `:`, or quote the text above"),
    "unexpected end of stream": ("a quote that is never closed", "close it"),
    "expected ',' or": ("a `[` or `{` that is not closed, or a `,` that is missing", "close it"),
    "node content": ("a value is missing here", "add it, or close the bracket before"),
    "expected key": ("a line that does not fit the lines above", "check its indentation and the quotes before it"),
    "expected <block end>": ("a line that does not fit the lines above", "check its indentation and the quotes"),
    "'-' indicator": ("a line that does not fit the list above", "check its indentation"),
    "document start": ("text after the end of a document", "start a new document with `---`"),
    "escape": ("an escape that YAML does not know", r"write `\\` for a backslash, or use single quotes"),
    "incompatible YAML": ("a YAML version other than 1.1 and 1.2", "remove the line"),
    "undefined tag handle": ("a tag that is not declared", "remove the tag"),
}


def problem(text: str, said: str, place: Place) -> Problem:
    """The problem for a syntax error.

    Args:
        text: the whole file, to see what stands at the place.
        said: the parser's own words.
        place: where the parser stopped.
    """
    message, hint = next((words for part, words in _SENTENCES.items() if part in said), (short(said), ""))
    lines = text.splitlines()
    if lines and place.line > len(lines) and not text.endswith(_BREAKS):
        place = Place(place.path, len(lines), len(lines[-1]) + 1)  # libyaml ends every text with a line break
    if 0 < place.line <= len(lines) and "{{" in lines[place.line - 1]:
        hint = 'quote a value that holds a template: "{{ … }}"'
    return Problem("PL-101", f"not valid YAML: {message}", place, hint=hint)
