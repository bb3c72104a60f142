"""Globs over repository paths: `*` and `?` within a name, `**` for any number of folders.

Matching is greedy with one point of return, so its cost is at most the product of the lengths whatever the pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

__all__ = ["fault_of", "matches"]

_T = TypeVar("_T")
_LONGEST = 300


def fault_of(pattern: str) -> str:
    """What is wrong with a pattern, or ""."""
    if not pattern:
        return "an empty pattern"
    if len(pattern) > _LONGEST:
        return f"a pattern of {len(pattern)} characters, more than {_LONGEST}"
    if pattern.startswith("/") or "\\" in pattern or ".." in pattern.split("/"):
        return "a pattern is relative to the root of the repository, with `/` between names"
    if any(character in pattern for character in "[]{}!"):
        return "a pattern knows `*`, `?` and `**` only"
    return ""


def matches(pattern: str, path: str) -> bool:
    """Whether a repository path fits a pattern. A pattern without wildcards also fits everything below its path."""
    names = [name for name in pattern.split("/") if name not in {"", "."}]
    parts = path.split("/")
    if not any(sign in pattern for sign in "*?"):
        return parts[: len(names)] == names
    return _greedy(names, parts, "**", _name_matches)


def _name_matches(pattern: str, name: str) -> bool:
    return _greedy(pattern, name, "*", lambda sign, character: sign in {"?", character})


def _greedy(pattern: Sequence[_T], text: Sequence[_T], star: str, one: Callable[[_T, _T], bool]) -> bool:
    """Matches item by item; `star` stands for any number of items."""
    at = here = 0
    back, resume = -1, 0
    while here < len(text):
        if at < len(pattern) and pattern[at] == star:
            back, resume = at, here
            at += 1
        elif at < len(pattern) and one(pattern[at], text[here]):
            at, here = at + 1, here + 1
        elif back >= 0:
            resume += 1
            at, here = back + 1, resume
        else:
            return False
    return all(item == star for item in pattern[at:])
