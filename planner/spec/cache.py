"""Whether results of earlier runs are used again (reference, section 10.1; design: "Semantics", item 6)."""

from __future__ import annotations

from typing import Annotated, Literal

from planner.spec.shape import BoolOrTemplate, OrTemplate, Section, WholeOrTemplate

__all__ = ["Cache", "CacheSection"]

CacheSection = Literal["init", "connections", "containers"]
"""Parts of a run that may count."""


class Cache(Section, live="disable ttl io sections"):
    """When an equal run that has succeeded stands in for this one."""

    disable: BoolOrTemplate | None = None
    """true for never, false for always; by default children of DAGs and sweeps use the cache, others do not."""
    ttl: WholeOrTemplate | None = None
    """Seconds since the end of the earlier run, after which it does not count; no limit by default."""
    io: Annotated[tuple[str, ...] | str, OrTemplate(tuple[str, ...])] | None = None
    """Names of the inputs and outputs that must be equal; all of them by default."""
    sections: Annotated[tuple[CacheSection, ...] | str, OrTemplate(tuple[CacheSection, ...])] | None = None
    """Parts of the run that must be equal: `init`, `connections`, `containers`; all three by default, `[]` is none."""
