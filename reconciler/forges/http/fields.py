"""Reading what a forge sent, none of which has to be as its documentation says. Decides nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["commit_of", "is_number", "items_of", "number_of", "text_of"]

_NUMBER = re.compile(r"[1-9][0-9]{0,17}")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def text_of(value: Any, *path: str) -> str:
    """The text at `path`; "" where there is none."""
    found = _at(value, path)
    return found if isinstance(found, str) else ""


def number_of(value: Any, *path: str) -> str:
    """The whole number at `path`, as it is written; "" where there is none, or a negative one."""
    found = _at(value, path)
    return str(found) if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else ""


def is_number(text: str) -> bool:
    """Whether a text is a number that a forge gives to things, and so may be part of a path."""
    return _NUMBER.fullmatch(text) is not None


def commit_of(value: Any, *path: str) -> str:
    """The full id of a commit at `path`; "" where there is none."""
    found = text_of(value, *path)
    return found if _COMMIT.fullmatch(found) else ""


def items_of(value: Any, *path: str) -> list[Mapping[str, Any]]:
    """The mappings of the list at `path`; none where there is no list."""
    found = _at(value, path)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []
