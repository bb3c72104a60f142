"""When a run is tried again and when it is cut off (reference, section 10.2)."""

from __future__ import annotations

from planner.spec.shape import CountOrTemplate, Section, WholeOrTemplate

__all__ = ["Termination"]


class Termination(Section, live="max_retries timeout"):
    """Retries and limits. Values are whole numbers, or text with a template."""

    max_retries: WholeOrTemplate | None = None
    """Further attempts after a failed one; none by default."""
    timeout: CountOrTemplate | None = None
    """Seconds from the first start over all attempts; no limit by default."""
