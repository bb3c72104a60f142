"""Policies that hold for one root: when it runs, what a change does to it, and what is kept of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from planner.model.retention import Retention

__all__ = ["OnChange", "Policy", "RunPolicy"]


class RunPolicy(StrEnum):
    """When a root without schedule runs."""

    ON_CHANGE = "on-change"
    ON_COMMIT = "on-commit"
    MANUAL = "manual"


class OnChange(StrEnum):
    """What happens to what runs when its root changed and it is not carried over."""

    FINISH = "finish"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Policy:
    """Policies that hold for one root, from `.plumbline.yaml` within the daemon's ceilings. All are live fields.

    Attributes:
        run: when it runs.
        on_change: what happens to running children of the generation before.
        self_heal: whether a dead service is started again.
        progress_deadline: seconds in which a service must get ready.
        prune: whether its removal from the repository stops it.
        retention: how many of its runs are kept, and how long; None for what the daemon says.
    """

    run: RunPolicy = RunPolicy.ON_CHANGE
    on_change: OnChange = OnChange.FINISH
    self_heal: bool = True
    progress_deadline: float = 600.0
    prune: bool = True
    retention: Retention | None = None
