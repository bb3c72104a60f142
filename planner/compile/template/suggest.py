"""Which known name a misspelt one was meant to be.

Bounded, since both sides come from users: names of more than 32 characters and the candidates after the first 64 are
not looked at.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

__all__ = ["meant", "nearest"]

_LENGTH = 32
_CANDIDATES = 64
_LISTED = 8


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `name` most likely stands for, or None."""
    slack = max(1, len(name) // 3)
    known = [word for word in itertools.islice(candidates, _CANDIDATES) if word and abs(len(word) - len(name)) <= slack]
    if len(name) > _LENGTH or not known:
        return None
    distance, word = min((_distance(name.lower(), word.lower()), word) for word in known)
    return word if distance <= slack else None


def meant(name: str, candidates: Iterable[str], prefix: str = "") -> str:
    """A hint for the unknown `name`: the nearest candidate after `prefix`, else what there is, else nothing."""
    known = sorted(itertools.islice(candidates, _CANDIDATES))
    close = nearest(name, known)
    if close is not None:
        return f"did you mean '{prefix}{close}'?"
    short = [word for word in known if 0 < len(word) <= _LENGTH]
    more = ", …" if len(short) > _LISTED else ""
    return f"known here: {', '.join(short[:_LISTED])}{more}" if short else ""


def _distance(left: str, right: str) -> int:
    """Levenshtein distance."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]
