"""The section `previews` of the configuration: which pull requests are previewed, and how. Reads nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator

from planner.spec.clashes import Clash, Said, fault
from planner.spec.shape import Duration, Section

__all__ = ["Previews", "clashes_of_previews"]

_MOST = 50


def _pause(value: timedelta) -> timedelta:
    if value < timedelta(seconds=1):
        raise ValueError("must be a second or more")
    return value


def _patterns(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(value) > _MOST:
        raise ValueError(f"names at most {_MOST} patterns")
    if any(not pattern or pattern.startswith(("-", "refs/")) for pattern in value):
        raise ValueError("are names of branches, such as `feature/*`")
    return value


class Previews(Section):
    """What merging a pull request would do, as a status and a comment."""

    pulls: bool = True
    """Whether pull requests of the forge get one, where there is a forge that has them."""
    branches: Annotated[tuple[str, ...], AfterValidator(_patterns)] = ()
    """Branches that stand for pull requests where there is no forge, such as `feature/*`; `*` stands for anything."""
    forks: Literal["status", "comment", "off"] = "status"
    """What a pull request from another repository gets."""
    poll: Annotated[Duration, AfterValidator(_pause)] = timedelta(seconds=60)
    """Time between two looks at all pull requests that need no hint."""


def clashes_of_previews(said: Said) -> Iterator[Clash]:
    """What else of a configuration must be so where branches stand for pull requests."""
    previews, repository = said["previews"], said["repository"]
    if not (isinstance(previews, Mapping) and previews.get("branches") and isinstance(repository, Mapping)):
        return
    if not repository.get("branch"):
        message = "`previews.branches` needs `repository.branch`: all others are beside the one that is named"
        yield ("previews", "repository"), fault("PL-202", message, "name it", ("previews",))
    forge = said["forge"]
    if (forge.get("kind") if isinstance(forge, Mapping) else forge) not in {None, "notes"}:
        message = "`previews.branches` needs `forge: notes`, as a comment is a note"
        yield ("previews", "forge"), fault("PL-209", message, "leave `branches` out", ("previews",))
