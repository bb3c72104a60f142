"""Local files that are uploaded before a run (reference, section 10.6): no volumes of a pod."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from planner.spec.forms import Short
from planner.spec.shape import Section, fault

__all__ = ["Mount", "Mounts"]


class Mount(Section, identity="from_ to"):
    """One path of the machine on which a command is given."""

    from_: Annotated[str, Field(min_length=1, alias="from")]
    """Path there."""
    to: str | None = None
    """Folder of the run that it is put into; where it is put by its own name when left out."""


def _mount(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    source, _, target = value.partition(":")
    if not source:
        raise fault("PL-204", "a mount without a path to upload", "write `from:to`, or `from` alone")
    return {"from": source, "to": target} if target else {"from": source}


Mounts = tuple[Annotated[Mount, Short(_mount, {"type": "string", "pattern": "^[^:]"})], ...]
"""Mounts, each as `from:to`, as `from`, or as a mapping."""
