"""Diffs of files: as those of difflib, and no dearer than the files are long."""

from __future__ import annotations

import difflib
import random
from collections.abc import Iterator, Sequence

import pytest

from reconciler.cli.unified import unified

pytestmark = pytest.mark.unit


def lines(text: str) -> list[str]:
    return [f"{word}\n" for word in text.split()]


CASES = {
    "nothing": ("", ""),
    "equal": ("a b c", "a b c"),
    "all new": ("", "a b"),
    "all gone": ("a", ""),
    "one in the middle": ("a b c d e f g h i", "a b c d X f g h i"),
    "two far from each other": ("a b c d e f g h i j k l", "X b c d e f g h i j k Y"),
    "two near each other": ("a b c d e f g h", "X b c d e f g Y"),
    "a line more": ("a b c", "a b X c"),
    "a line less": ("a b c", "a c"),
    "lines that are there twice": ("a x b x c x", "a x X b x c"),
}


@pytest.mark.parametrize(("before", "after"), CASES.values(), ids=CASES)
def test_it_is_that_of_difflib(before, after):
    expected = list(difflib.unified_diff(lines(before), lines(after)))[2:]
    assert list(unified(lines(before), lines(after))) == expected


def patched(before: Sequence[str], hunks: Sequence[str]) -> Iterator[str]:
    """The other file, of the first one and the diff."""
    at = 0
    for line in hunks:
        if line.startswith("@@"):
            start, _, count = line.split()[1][1:].partition(",")
            begin = int(start) if count == "0" else int(start) - 1
            yield from before[at:begin]
            at = begin
        elif line[0] == "+":
            yield line[1:]
        else:
            assert line[1:] == before[at]
            at += 1
            if line[0] == " ":
                yield line[1:]
    yield from before[at:]


def test_it_leads_from_one_file_to_the_other():
    dice = random.Random(7)
    for _ in range(300):
        before, after = ([f"{dice.randrange(30)}\n" for _ in range(dice.randrange(40))] for _ in range(2))
        after = dice.choice([after, sorted(before), [*before[5:], *before[:5]], before])
        assert list(patched(before, list(unified(before, after)))) == after


def test_many_small_changes_are_compared_one_by_one(monkeypatch):
    sizes: list[int] = []

    def counted(junk: None, before: Sequence[str], after: Sequence[str]) -> difflib.SequenceMatcher[str]:
        sizes.append(len(before) * len(after))
        return difflib.SequenceMatcher(junk, before, after)

    monkeypatch.setattr("reconciler.cli.unified.SequenceMatcher", counted)
    before = [line for number in range(4_000) for line in (f"name: {number}\n", "options: [1]\n", "delay: true\n")]
    after = [line for number in range(4_000) for line in (f"name: {number}\n", "validation:\n", "  options: [1]\n")]
    assert list(patched(before, list(unified(before, after)))) == after
    assert max(sizes) <= 4
    assert len(sizes) <= 4_001
