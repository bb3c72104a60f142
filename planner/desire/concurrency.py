"""What a due tick does beside the runs of earlier ticks that are still active (design 4.7: `concurrencyPolicy`).

Knows no schedule and no record; `planner.desire.schedule` carries it out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from planner.desire.ticks import text_of
from planner.model.schedule import ConcurrencyPolicy

__all__ = ["Decision", "Replace", "Skip", "Start", "admit_tick"]


@dataclass(frozen=True, slots=True)
class Start:
    """The tick starts."""


@dataclass(frozen=True, slots=True)
class Skip:
    """The tick does not start: it becomes a record with this reason."""

    reason: str


@dataclass(frozen=True, slots=True)
class Replace:
    """The runs of these earlier ticks are stopped, then the tick starts."""

    ticks: tuple[datetime, ...]


Decision = Start | Skip | Replace


def admit_tick(policy: ConcurrencyPolicy, active: Sequence[datetime]) -> Decision:
    """What a due tick does beside the runs of earlier ticks that are active, given by their scheduled instants."""
    if not active:
        return Start()
    match policy:
        case "allow":
            return Start()
        case "forbid":
            more = f" and {len(active) - 1} more" if len(active) > 1 else ""
            return Skip(f"concurrencyPolicy is forbid and the run of {text_of(min(active))}{more} is active")
        case "replace":
            return Replace(tuple(sorted(active)))
        case _:
            assert_never(policy)
