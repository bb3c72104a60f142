"""How much is kept: part of the configuration. Runs by the rule that `.plumbline.yaml` has too, all else by its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator

from planner.spec.clashes import fault
from planner.spec.repository import Retention
from planner.spec.shape import Duration, Whole

__all__ = ["DaemonRetention"]

_LEAST_COMMITS = 500


def _day(value: timedelta) -> timedelta:
    if value < timedelta(days=1):
        raise fault("PL-204", "{field} must be a day or more", "senders repeat an event for hours")
    return value


def _hour(value: timedelta) -> timedelta:
    if value < timedelta(hours=1):
        raise fault("PL-204", "{field} must be an hour or more", "a run may be about to use it")
    return value


def _commits(value: int) -> int:
    if value < _LEAST_COMMITS:
        hint = "so many are said again where the forge has lost them"
        raise fault("PL-204", f"{{field}} must be {_LEAST_COMMITS} or more", hint)
    return value


class DaemonRetention(Retention):
    """What is kept of runs where `.plumbline.yaml` says nothing, and of what belongs to no run."""

    events: Annotated[Duration, AfterValidator(_day)] = timedelta(days=30)
    """How long an event that was received is known: a sender may repeat it so long, and it counts once."""
    history: Annotated[Duration, AfterValidator(_day)] = timedelta(days=90)
    """How long facts of no run, and answers to commands, are kept."""
    commits: Annotated[Whole, AfterValidator(_commits)] = 5000
    """The newest so many planned commits keep what they say: in the ledger, and as notes."""
    caches: Annotated[Duration, AfterValidator(_hour)] = timedelta(days=14)
    """How long exported trees and copies of other repositories are kept after their last use."""
