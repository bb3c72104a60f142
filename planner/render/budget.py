"""Fits pieces of text into a comment of a forge, the most important first, each whole or not at all.

A comment that is too long is refused, or cut in the middle of a fence: nobody reads anything then. What does not fit is
counted, so that a reader knows that it is there. What it must never do: cut a piece.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

__all__ = ["GITEA", "GITHUB", "GITLAB", "Limit", "Unit"]


class Unit(Enum):
    """What a forge counts."""

    CHARACTERS = auto()
    BYTES = auto()


@dataclass(frozen=True, slots=True)
class Limit:
    """The longest comment.

    Attributes:
        most: how many units.
        unit: what is counted.
    """

    most: int
    unit: Unit = Unit.CHARACTERS

    def size(self, text: str) -> int:
        """How much of the limit a text takes. What is beyond the first plane counts twice, as in UTF-16."""
        if self.unit is Unit.BYTES:
            return len(text.encode(errors="surrogatepass"))
        return len(text) + sum(letter > "\uffff" for letter in text)

    def room(self, *taken: str) -> int:
        """What is left beside texts that are there in any case, and a hundredth for what a forge may add."""
        return self.most - self.most // 100 - sum(map(self.size, taken))

    def fitting(self, pieces: Iterable[str], room: int) -> list[str]:
        """The first pieces that fit into `room` together, with an empty line each; none after one that does not."""
        found: list[str] = []
        for piece in pieces:
            room -= self.size(piece) + 2
            if room < 0:
                break
            found.append(piece)
        return found


GITHUB = Limit(65_536)
"""`body is too long (maximum is 65536 characters)`, issue comments."""
GITLAB = Limit(1_000_000)
"""A note, https://docs.gitlab.com/administration/instance_limits/#size-of-comments-and-descriptions-of-issues-merge-requests-and-epics."""
GITEA = Limit(65_535, Unit.BYTES)
"""The least that a text column of its databases holds."""
