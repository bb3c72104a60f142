"""Components: reusable templates of one run (reference, sections 2 and 3)."""

from __future__ import annotations

from typing import Literal

from planner.spec.io import Ios
from planner.spec.run import Run
from planner.spec.shape import Name, Names, Section
from planner.spec.termination import Termination
from planner.spec.version import Version

__all__ = ["Component"]


class Component(
    Section,
    identity="kind inputs outputs run",
    live="queue termination",
    inert="version name description tags",
):
    """What can run, with what inputs; it runs only through an operation."""

    version: Version | None = None
    """Required at the top of a document only."""
    kind: Literal["component"] = "component"
    name: Name | None = None
    description: str | None = None
    tags: Names | None = None
    queue: str | None = None
    termination: Termination | None = None
    inputs: Ios | None = None
    outputs: Ios | None = None
    run: Run
