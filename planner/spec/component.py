"""Components: reusable templates of one run (reference, sections 2 and 3)."""

from __future__ import annotations

from typing import Literal

from planner.spec.document import DocumentFields
from planner.spec.io import Ios
from planner.spec.run import Run

__all__ = ["Component"]


class Component(DocumentFields, identity="kind inputs outputs run", inert="name"):
    """What can run, with what inputs; it runs only through an operation."""

    kind: Literal["component"] = "component"
    """What document it is."""
    inputs: Ios | None = None
    """Values that it takes."""
    outputs: Ios | None = None
    """Values that its runs give."""
    run: Run
    """What runs, told apart by `kind`."""
