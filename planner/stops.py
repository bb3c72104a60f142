"""Every stop has a reason, and the reason decides (design: "Every stop has a reason").

One table, read by the fold (which attempts count as failures) and by `planner.desire` (what comes after an end).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from planner.model.status import StopReason

__all__ = ["TABLE", "Effect", "Row", "counts_as_failure", "effect_of"]


class Effect(StrEnum):
    """What the end of an attempt means for what is wanted."""

    ENDED = "ended"  # has happened
    DECIDED = "decided"  # stays down until retry, run or a new generation
    WITHDRAWN = "withdrawn"  # wanted again only if desired state still wants it
    LOST = "lost"  # a new attempt by retry policy


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: the effect, and whether such an end uses up a retry when it was not a success."""

    effect: Effect
    counts: bool


TABLE: Mapping[StopReason, Row] = MappingProxyType(
    {
        StopReason.EXITED: Row(Effect.ENDED, counts=True),
        StopReason.TIMEOUT: Row(Effect.ENDED, counts=True),
        StopReason.EARLY_STOPPING: Row(Effect.ENDED, counts=False),
        StopReason.REPLACED: Row(Effect.ENDED, counts=False),
        StopReason.CULLED: Row(Effect.ENDED, counts=False),
        StopReason.FATAL: Row(Effect.ENDED, counts=True),
        StopReason.BY_PERSON: Row(Effect.DECIDED, counts=False),
        StopReason.DELETED: Row(Effect.DECIDED, counts=False),
        StopReason.PRUNED: Row(Effect.WITHDRAWN, counts=False),
        StopReason.SUPERSEDED: Row(Effect.WITHDRAWN, counts=False),
        StopReason.DRAINED: Row(Effect.WITHDRAWN, counts=False),
        StopReason.NODE_LOST: Row(Effect.LOST, counts=True),
        StopReason.EVICTED: Row(Effect.LOST, counts=False),
        StopReason.PREEMPTED: Row(Effect.LOST, counts=False),
        StopReason.IGNORED: Row(Effect.LOST, counts=False),
        StopReason.LOST: Row(Effect.LOST, counts=True),
    }
)


def effect_of(reason: StopReason) -> Effect:
    """What an end for `reason` means."""
    return TABLE[reason].effect


def counts_as_failure(reason: StopReason, exit_code: int | None) -> bool:
    """Whether an attempt that ended so uses up one of `maxRetries`."""
    return TABLE[reason].counts and not (reason is StopReason.EXITED and exit_code == 0)
