"""Init entries: what is put into the working folder before a run starts (reference, section 10.9; design: "Code").

Today that is the repository itself: `git` without a url.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, PlainValidator, model_validator

from planner.spec.shape import Section, fault
from planner.spec.words import kind_of, short

__all__ = ["GitInit", "InitEntry"]


def _inside(value: object) -> str:
    """A relative path in one spelling: no `.`, no empty parts, "" for the folder itself."""
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a path, not {kind_of(value)}")
    parts = [part for part in value.split("/") if part not in {"", "."}]
    if not value or value.startswith("/") or ".." in parts or "\\" in value:
        raise fault("PL-204", f"`{short(value)}` is not a path inside the folder", "write it relative, without `..`")
    return "/".join(parts)


InsidePath = Annotated[str, PlainValidator(_inside)]


class GitInit(Section, identity="paths"):
    """Code of this repository at the run's commit."""

    paths: tuple[InsidePath, ...] | None = None
    """Files and folders from the root of the repository, "" for all of it; None for the spec file's own folder."""


class InitEntry(Section, identity="git path"):
    """One entry. `- git:` alone is the folder of the spec file."""

    git: Annotated[GitInit, BeforeValidator(lambda value: {} if value is None else value)]
    path: InsidePath | None = None
    """Folder under the working folder that it is put into; None for the same place as in the repository."""

    @model_validator(mode="before")
    @classmethod
    def _not_empty(cls, value: Any) -> Any:
        if value == {}:
            raise fault("PL-202", "an init entry without anything to put in place", "write `git: {}`, or remove it")
        return value
