"""Numbers of things in sentences."""

from __future__ import annotations

__all__ = ["many"]


def many(count: int, word: str) -> str:
    """So many of what `word` names, such as `1 node` and `2 nodes`."""
    return f"{count} {word}{'' if count == 1 else 's'}"
