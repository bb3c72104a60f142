"""Which kind of state a word is, for a colour beside it: the one table for terminals, pages and graphs. Pure.

The word itself is always shown: a colour says nothing to who does not see it.
"""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Tone", "tone"]


class Tone(StrEnum):
    """Kinds of states."""

    GOOD = "good"
    """As it should be."""
    BAD = "bad"
    """A person may have to do something."""
    BUSY = "busy"
    """It goes on by itself."""
    IDLE = "idle"
    """Over, or nothing to do with it."""


_GOOD = frozenset({"succeeded", "ready", "success", "scheduled", "listening", "in force"})
_BAD = frozenset({"failed", "failure", "error", "upstream_failed", "refused", "held", "down", "unknown", "invalid"})
_BUSY = frozenset(
    {"running", "starting", "processing", "retrying", "warning", "pending", "stopping", "queued", "unschedulable"}
    | {"created", "on_schedule", "waiting", "removing"}
)


def tone(word: str) -> Tone:
    """The kind of a state, by its word in the API; `idle` for a word of none."""
    if word in _GOOD:
        return Tone.GOOD
    if word in _BAD:
        return Tone.BAD
    return Tone.BUSY if word in _BUSY else Tone.IDLE
