"""Words for people: how values are named in messages, and which known word someone meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from planner.spec.synonyms import SYNONYMS

__all__ = ["called", "kind_of", "listed", "nearest", "short", "some"]

_MANY = 10


def short(text: str) -> str:
    """User text as it may stand in a message: one line, 60 characters at most."""
    line = " ".join(text[:400].split())
    return line if len(line) <= 60 else line[:59] + "…"


def kind_of(value: object) -> str:
    """What a YAML value is."""
    match value:
        case None:
            return "empty"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case dict():
            return "a mapping"
        case list() | tuple():
            return "a list"
        case _:
            return type(value).__name__


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that `word` was probably meant to be, or ""."""
    options = {option.lower(): option for option in known}
    plain = word[:40].replace("_", "").lower()
    if plain in options:
        return options[plain]
    for meant in SYNONYMS.get(plain.replace("-", ""), ()):
        if options.get(meant.lower()) == meant:
            return meant
    found = difflib.get_close_matches(plain, options, 1, 0.6)
    return options[found[0]] if found else ""


def listed(options: Iterable[str]) -> str:
    """Words as an enumeration: `a`, `b` or `c`."""
    *most, last = (f"`{option}`" for option in options)
    return f"{', '.join(most)} or {last}" if most else last


def some(names: Sequence[str], between: str = ", ") -> str:
    """Names in a row, of many the first ones and the last."""
    if len(names) <= _MANY:
        return between.join(map(short, names))
    return between.join([*map(short, names[: _MANY - 2]), f"… {len(names) - _MANY + 1} more …", short(names[-1])])


def called(parts: Sequence[str | int], root: str) -> str:
    """How a value is called in a message, by the keys and indexes that lead to it; `root` where none do."""
    match parts:
        case ():
            return root
        case (*_, str() as name, int() as index):
            return f"item {index + 1} of `{short(name)}`"
        case (*_, str() as name):
            return f"field `{short(name)}`"
        case _:
            return "the item"
