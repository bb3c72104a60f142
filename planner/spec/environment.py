"""The surroundings of a run's processes (reference, section 10.8)."""

from __future__ import annotations

from planner.spec.shape import Printed, Section

__all__ = ["Environment"]


class Environment(Section, live="labels annotations"):
    """Labels for people and clusters; they are never identity."""

    labels: dict[str, Printed] | None = None
    annotations: dict[str, Printed] | None = None
