"""What a repository says, as values: commits, trees and their entries, and how much of them is taken.

Ids are git's own, in full hex, so that the id of a folder is the digest of its contents. This module reads nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from reconciler.errors import Refused

__all__ = ["Commit", "Entry", "Exported", "Kind", "LeftOut", "Limits", "Tree", "touched"]

Kind = Literal["blob", "tree", "symlink", "submodule"]
"""What an entry is. A symlink's blob is its target; a submodule's id names a commit elsewhere."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit.

    Attributes:
        id: full hex id.
        tree: id of its root tree.
        at: when it was committed, UTC.
        subject: first line of the message, as its author wrote it: untrusted text.
        author: `Name <address>`, as its author wrote it: untrusted text.
        parents: ids of its parents, first parent first.
    """

    id: str
    tree: str
    at: datetime
    subject: str
    author: str = ""
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    r"""One name in a tree.

    Attributes:
        path: from the root of the repository, with `/`; bytes that are not UTF-8 are written as `\xff`.
        kind: what it is.
        id: git's id of its contents; of a folder, the digest of everything below it.
        size: bytes of a blob or of a symlink's target; 0 for trees and submodules.
        executable: whether git keeps its exec bit.
    """

    path: str
    kind: Kind
    id: str
    size: int = 0
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Tree:
    """A whole tree, folders included. There is no partial one: what cannot be read whole is an error.

    Attributes:
        id: id of the root tree.
        entries: every entry below the root by its path, the same order for the same tree.
    """

    id: str
    entries: Mapping[str, Entry]

    def path_of(self, ident: str) -> str:
        """A path that has the contents `ident`; "" when none has."""
        return next((path for path, entry in self.entries.items() if entry.id == ident), "")

    def at(self, path: str) -> Entry | None:
        """The entry at `path`; the root tree itself for `""`."""
        return self.entries.get(path) if path else Entry("", "tree", self.id)

    @property
    def has_files(self) -> bool:
        """Whether it holds any file; a tree without one never removes anything (design: "Safety, both ways")."""
        return any(entry.kind == "blob" for entry in self.entries.values())


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is taken from a repository before it is refused.

    Attributes:
        entries: names in one tree, folders included.
        depth: folders above a name.
        blob: bytes of one blob of `blobs`.
        blobs: bytes of all blobs of one call of `blobs`.
        export: bytes written by one export.
    """

    entries: int = 500_000
    depth: int = 128
    blob: int = 16 << 20
    blobs: int = 256 << 20
    export: int = 8 << 30

    def check_blobs(self, sizes: Mapping[str, int], name_of: Callable[[str], str] = "blob {}".format) -> None:
        """Refuse blobs, by id and bytes, that are too large alone or together.

        Args:
            sizes: bytes by id.
            name_of: what people call a blob.

        Raises:
            Refused: the message names the first that is too large.
        """
        for ident, size in sizes.items():
            if size > self.blob:
                raise Refused(f"{name_of(ident)} has {size:,} bytes, more than the {self.blob:,} that a spec may have")
        if sum(sizes.values()) > self.blobs:
            raise Refused(f"{len(sizes)} blobs have more than {self.blobs} bytes together")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that an export left out, and why, for a problem."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Exported:
    """What an export wrote.

    Attributes:
        files: number of files and symlinks.
        left_out: symlinks that leave their tree, and submodules, in path order.
    """

    files: int
    left_out: tuple[LeftOut, ...] = ()


def touched(old: Tree, new: Tree) -> list[str]:
    """Paths of the files that differ between two trees: new ones, changed ones, and those that are gone."""
    differing = {entry.path: entry for entry in (*old.entries.values(), *new.entries.values())}
    return [
        path
        for path, entry in differing.items()
        if entry.kind != "tree" and old.entries.get(path) != new.entries.get(path)
    ]
