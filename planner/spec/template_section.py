"""The section `template`: a document that is to be filled in before it is used (reference, section 10.7)."""

from __future__ import annotations

from typing import Annotated

from planner.spec.shape import BoolOrTemplate, OrTemplate, Section

__all__ = ["TemplateSection"]


class TemplateSection(Section, live="enabled", inert="description fields"):
    """Marks a document as a template. Whether it may run is a question of its own, so no field of it is identity."""

    enabled: BoolOrTemplate | None = None
    """While true nothing of it runs; false by default."""
    description: str | None = None
    """For whoever fills it in."""
    fields: Annotated[tuple[str, ...] | str, OrTemplate(tuple[str, ...])] | None = None
    """Names of what has to be filled in, such as `run.container.image`."""
