"""Operations with more of `termination` than a builder of `builders` gives them."""

from __future__ import annotations

from dataclasses import replace

from planner.canon import Json
from planner.compile.digests import sealed
from planner.model.desired import CompiledOperation

__all__ = ["ending"]


def ending(operation: CompiledOperation, **termination: Json) -> CompiledOperation:
    """The operation with more of `termination`: `ttl=60`, `culling={"timeout": 600}`, ...."""
    sections = {**operation.sections, "termination": termination}
    return sealed(replace(operation, sections=sections), {}, "")
