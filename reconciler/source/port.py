"""The port of a repository: what the core needs of it, with its laws. Adapters live beside this module.

A source follows one branch of one repository. It keeps its own full copy: what was fetched stays readable while the
remote is away, and what is pinned stays readable after a force-push. Every answer is about ids, so that nothing
moves between a plan and its application.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Protocol

from reconciler.source.model import Commit, Entry, Exported, Tree

__all__ = ["Source"]


class Source(Protocol):
    """One branch of one repository.

    Law: a failure is an exception, never a smaller answer. `None` from `head` and `fetch` means that the branch does
    not exist (an empty repository, a deleted branch), never that a tree is empty. Ids given to `blobs` and `export`
    come from a tree of this source.
    """

    async def head(self) -> str | None:
        """The commit id at the remote's branch: one ref check, nothing is fetched.

        Raises:
            Transient: the remote cannot be asked.
        """
        ...

    async def fetch(self) -> Commit | None:
        """Bring the copy up to date when the branch moved, and give its newest commit.

        Raises:
            Transient: the remote cannot be read; the copy is as it was.
        """
        ...

    async def commit(self, ident: str) -> Commit:
        """A commit of the copy.

        Raises:
            Transient: it is not in the copy.
            ValueError: `ident` is not a full hex id.
        """
        ...

    async def tree(self, commit: str) -> Tree:
        """The whole tree of a commit of the copy.

        Raises:
            Transient: it cannot be read whole now.
            Refused: it is over the limits or malformed.
            ValueError: `commit` is not a full hex id.
        """
        ...

    async def blobs(self, ids: Collection[str]) -> Mapping[str, bytes]:
        """The contents of all of `ids`.

        Raises:
            Transient: one of them cannot be read now.
            Refused: over the limits, or not a blob.
            ValueError: one is not a full hex id.
        """
        ...

    async def export(self, parts: Mapping[str, Entry], into: Path) -> Exported:
        """Write entries of a tree below the new folder `into`, each at its relative path (`""` for `into` itself).

        Law: `into` appears whole or not at all; one that is there already is left as it is. Files are 0444 or 0555.
        A symlink that stays inside the part it belongs to is kept; other symlinks and submodules are left out and
        reported. Nothing is flushed to disk: a cache of exports must not outlive the machine's boot.

        Raises:
            Transient: it cannot be read or written now.
            Refused: over the limits, or a name that no folder can hold.
        """
        ...

    async def pin(self, commit: str, name: str) -> None:
        """Keep `commit` readable, whatever the remote does, until `unpin(name)`. A pin of that name is moved.

        One that is not in the copy is asked of the remote by its id.

        Raises:
            Transient: the commit is not to be had, or the copy cannot be written.
            ValueError: `name` is not a ref component path, or `commit` not a full hex id.
        """
        ...

    async def unpin(self, name: str) -> None:
        """Let go of a pin; one that is not there is no error."""
        ...

    async def pins(self) -> Mapping[str, str]:
        """Pinned commit ids by name."""
        ...

    async def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `new` has `old` in its history; False for an `old` that the copy does not know."""
        ...

    async def tidy(self) -> None:
        """Do the housekeeping that fetches leave behind; for quiet times.

        Raises:
            Transient: not now.
        """
        ...

    async def close(self) -> None:
        """Let go of processes. The copy stays."""
        ...
