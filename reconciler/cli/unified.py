"""A unified diff that costs no more than the files have lines.

`difflib` alone looks again and again through all that is left of a file with many small changes. So what both files
have once, and in the same order, is taken for equal first, and `difflib` compares what is between.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

__all__ = ["unified"]

_CONTEXT = 3
"""Equal lines that are shown around a change."""

Change = tuple[int, int, int, int]
"""Lines of the one file, from and to, that are others of the other file."""


def unified(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """The hunks of a diff of two files, each a header and its lines; without names of files.

    Args:
        before: lines with their ends.
        after: the same.
    """
    hunk: list[Change] = []
    for change in _changes(before, after):
        if hunk and change[0] - hunk[-1][1] > 2 * _CONTEXT:
            yield from _shown(before, after, hunk)
            hunk = []
        hunk.append(change)
    if hunk:
        yield from _shown(before, after, hunk)


def _shown(before: Sequence[str], after: Sequence[str], hunk: Sequence[Change]) -> Iterator[str]:
    (first, _, other, _), (_, last, _, end) = hunk[0], hunk[-1]
    lead, rest = min(_CONTEXT, first), min(_CONTEXT, len(before) - last)
    yield f"@@ -{_range(first - lead, last + rest)} +{_range(other - lead, end + rest)} @@\n"
    at = first - lead
    for start, stop, new, new_stop in hunk:
        yield from (f" {line}" for line in before[at:start])
        yield from (f"-{line}" for line in before[start:stop])
        yield from (f"+{line}" for line in after[new:new_stop])
        at = stop
    yield from (f" {line}" for line in before[last : last + rest])


def _range(start: int, stop: int) -> str:
    """Lines as a header names them: the first and how many, or the one before where there are none."""
    count = stop - start
    return f"{start + 1}" if count == 1 else f"{start + 1 if count else start},{count}"


def _changes(before: Sequence[str], after: Sequence[str]) -> Iterator[Change]:
    at, new = 0, 0
    for line, other in (*_anchors(before, after), (len(before), len(after))):
        matcher = SequenceMatcher(None, before[at:line], after[new:other])
        for tag, start, stop, new_start, new_stop in matcher.get_opcodes():
            if tag != "equal":
                yield at + start, at + stop, new + new_start, new + new_stop
        at, new = line + 1, other + 1


def _anchors(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int]]:
    """Places of lines that both have once, as many as are in the same order."""
    known, counts = Counter(before), Counter(after)
    places = {line: at for at, line in enumerate(after) if counts[line] == 1}
    return _rising([(at, places[line]) for at, line in enumerate(before) if known[line] == 1 and line in places])


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The most of the pairs, in their order, whose second numbers rise."""
    ends: list[int] = []
    last: list[int] = []
    previous: list[int | None] = []
    for index, (_, number) in enumerate(pairs):
        at = bisect_left(ends, number)
        previous.append(last[at - 1] if at else None)
        ends[at : at + 1] = [number]
        last[at : at + 1] = [index]
    found: list[tuple[int, int]] = []
    step = last[-1] if last else None
    while step is not None:
        found.append(pairs[step])
        step = previous[step]
    return found[::-1]
