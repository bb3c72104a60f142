"""A part of a comment: pieces of one kind, of which as many are shown as have room, and the rest is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from planner.render.budget import Limit
from planner.render.counted import many
from planner.render.foreign import code

__all__ = ["NOTE", "Section"]

NOTE = 100
"""Letters of a section's word on what it left out, without where all of it is."""


@dataclass(frozen=True, slots=True)
class Section:
    """Pieces of one kind, the most important first.

    Attributes:
        what: a piece is called.
        pieces: the text of each.
        share: of the room that is left, the most that it takes: what comes after it has some in any case.
        head: before the first.
        between: after each.
    """

    what: str
    pieces: Sequence[str]
    share: float = 1.0
    head: str = ""
    between: str = "\n\n"

    def within(self, room: int, limit: Limit, whole: str) -> str:
        """As many of them as have room, and how many have not; `whole` says where all of it is."""
        shown = limit.fitting(self.pieces, room - limit.size(self.head))
        parts = [self.between.join([self.head, *shown] if self.head else shown)] if shown else []
        if (left := len(self.pieces) - len(shown)) > 0:
            where = f" All of it: {code(whole)}" if whole else ""
            more = f"{many(left, self.what)}{' more' if shown else ''}"
            parts.append(f"**{more} did not fit here.**{where}")
        return "\n\n".join(parts)
