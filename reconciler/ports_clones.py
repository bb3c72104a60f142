"""The port of other repositories, for `init: git` with a `url` or a connection. The laws of ports stand in `ports`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

__all__ = ["Asked", "Clones"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a spec names of another repository.

    Attributes:
        url: of the repository; "" for that of the connection.
        revision: a branch, a tag or a full commit id; "" for what the connection says, else the default branch.
        connection: name of the connection that opens it; "" for none.
    """

    url: str = ""
    revision: str = ""
    connection: str = ""

    def __str__(self) -> str:
        return self.url or f"the connection `{self.connection}`"


class Clones(Protocol):
    """Content of repositories that the configuration allows, pinned by commit.

    Every call raises `Refused` where the configuration or the repository says no for good, and `Transient` where it
    cannot be had now.
    """

    async def commit_of(self, asked: Asked) -> str:
        """The commit that the revision names now."""
        ...

    async def tree_of(self, asked: Asked, commit: str) -> str:
        """The id of the tree of a commit, once that is here; a `Transient` says that it is on its way."""
        ...

    async def export(self, asked: Asked, tree: str, dest: Path) -> None:
        """Write the content of `tree` to the new folder `dest`, as code of the followed repository is written."""
        ...
