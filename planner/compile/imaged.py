"""The image of an operation with a build: one that is there when it starts, and that nobody knows before."""

from __future__ import annotations

from dataclasses import replace

from planner.model.gang import Gang

__all__ = ["BUILT_IMAGE", "with_built_image"]

BUILT_IMAGE = "built_image"
"""The name under which an operation is given it."""


def with_built_image(gang: Gang) -> Gang:
    """The gang, all of whose groups run in it."""
    image = f"{{{{ {BUILT_IMAGE} }}}}"
    groups = (replace(group, container=replace(group.container, image=image)) for group in gang.replicas)
    return replace(gang, replicas=tuple(groups))
