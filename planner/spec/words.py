"""Words for people: how values are named in messages, and which known word someone meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["kind_of", "listed", "nearest", "short"]

_SYNONYMS = {
    "min": "ge",
    "max": "le",
    "enum": "options",
    "choices": "options",
    "default": "value",
    "retries": "maxRetries",
}


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
    if _SYNONYMS.get(word) in options.values():
        return _SYNONYMS[word]
    found = difflib.get_close_matches(word[:40].replace("_", "").lower(), options, 1, 0.6)
    return options[found[0]] if found else ""


def listed(options: Iterable[str]) -> str:
    """Words as an enumeration: `a`, `b` or `c`."""
    *most, last = (f"`{option}`" for option in options)
    return f"{', '.join(most)} or {last}" if most else last
