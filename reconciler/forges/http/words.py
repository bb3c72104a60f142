"""Fitting words into what a forge takes. Decides no word."""

from __future__ import annotations

import hashlib

__all__ = ["fit", "fit_context", "size"]

_HASH = 8


def size(text: str) -> int:
    """Letters as most forges count them: what is beyond the first plane counts twice, as in UTF-16."""
    return len(text) + sum(letter > "\uffff" for letter in text)


def fit(text: str, most: int) -> str:
    """`text` on one line of `most` letters at most, the first words kept."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    if size(line) <= most:
        return line
    while size(line) > most - 1:
        line = line[: -max((size(line) - most) // 2, 1)]
    return f"{line.rstrip()}…"


def fit_context(context: str, most: int) -> str:
    """`context`, where it is too long cut and ended by a hash of the whole: two never become one."""
    if size(context) <= most:
        return context
    digest = hashlib.sha256(context.encode()).hexdigest()[:_HASH]
    while size(context) > most - _HASH - 1:
        context = context[:-1]
    return f"{context}~{digest}"
