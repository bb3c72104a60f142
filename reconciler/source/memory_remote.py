"""A repository in memory: the remote of `memory.MemorySource`, with the moves of people who push.

Objects are git's own bytes, so ids and digests equal the real ones. No clock, no process.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import IO

from reconciler.source.objects import (
    MissingError,
    Object,
    Raw,
    encode_tree,
    object_id,
    parse_commit,
    parse_tree,
)

__all__ = ["Content", "File", "Link", "MemoryRepository", "Module", "ObjectStore", "history", "reachable"]

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class File:
    """A file with its exec bit; plain bytes do for others."""

    data: bytes
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A symlink."""

    target: str


@dataclass(frozen=True, slots=True)
class Module:
    """A submodule at a commit of another repository."""

    commit: str


Content = bytes | File | Link | Module


@dataclass(slots=True)
class ObjectStore:
    """Objects by id, as a `objects.Store`."""

    objects: dict[str, Object] = field(default_factory=dict)

    def add(self, kind: str, data: bytes) -> str:
        """Keep an object, and give its id."""
        ident = object_id(kind, data)
        self.objects[ident] = Object(ident, kind, data)
        return ident

    def read(self, ids: Sequence[str]) -> Mapping[str, Object]:
        """All of `ids`."""
        return {ident: self._one(ident) for ident in ids}

    def sizes(self, ids: Sequence[str]) -> Mapping[str, int]:
        """Bytes of all of `ids`."""
        return {ident: len(self._one(ident).data) for ident in ids}

    def copy(self, ids: Sequence[str], take: Callable[[str, int, IO[bytes]], None]) -> None:
        """Hand each of `ids` to `take`."""
        for ident in ids:
            data = self._one(ident).data
            take(ident, len(data), io.BytesIO(data))

    def _one(self, ident: str) -> Object:
        try:
            return self.objects[ident]
        except KeyError:
            raise MissingError(ident) from None


@dataclass(slots=True)
class MemoryRepository:
    """The remote: branches, and everything ever committed until `collect`.

    Attributes:
        branches: commit id by branch name.
        default: the branch that HEAD names.
        unreachable: why it cannot be reached; "" when it can.
    """

    branches: dict[str, str] = field(default_factory=dict)
    default: str = "main"
    unreachable: str = ""
    store: ObjectStore = field(default_factory=ObjectStore)
    _commits: int = 0

    def commit(
        self,
        files: Mapping[str, Content],
        subject: str = "change",
        *,
        branch: str | None = None,
        at: datetime | None = None,
    ) -> str:
        """Commit exactly `files` on top of a branch and move it there; gives the commit's id.

        Without `at`, each commit of the repository is a minute after the one before.
        """
        name = branch or self.default
        self._commits += 1
        parent = self.branches.get(name)
        when = at or EPOCH + timedelta(minutes=self._commits)
        signed = f"Ada <ada@localhost> {int(when.timestamp())} +0000"
        head = f"tree {self._tree(_nested(files))}\n" + (f"parent {parent}\n" if parent else "")
        ident = self.store.add("commit", f"{head}author {signed}\ncommitter {signed}\n\n{subject}\n".encode())
        self.branches[name] = ident
        return ident

    def force(self, commit: str, *, branch: str | None = None) -> None:
        """Force-push: point a branch to any commit that exists."""
        if commit not in self.store.objects:
            raise KeyError(commit)
        self.branches[branch or self.default] = commit

    def delete(self, branch: str | None = None) -> None:
        """Delete a branch."""
        del self.branches[branch or self.default]

    def collect(self) -> None:
        """Forget what no branch reaches."""
        keep = {ident for tip in self.branches.values() for ident in reachable(self.store, tip)}
        self.store.objects = {ident: item for ident, item in self.store.objects.items() if ident in keep}

    def _tree(self, folder: Mapping[str, _Node]) -> str:
        return self.store.add("tree", encode_tree(self._raw(name, node) for name, node in folder.items()))

    def _raw(self, name: str, node: _Node) -> Raw:
        encoded = name.encode()
        match node:
            case bytes():
                return Raw(encoded, 0o100644, self.store.add("blob", node))
            case File(data, executable):
                return Raw(encoded, 0o100755 if executable else 0o100644, self.store.add("blob", data))
            case Link(target):
                return Raw(encoded, 0o120000, self.store.add("blob", target.encode()))
            case Module(commit):
                return Raw(encoded, 0o160000, commit)
            case _:
                return Raw(encoded, 0o040000, self._tree(node))


_Node = Content | Mapping[str, "_Node"]


def _nested(files: Mapping[str, Content]) -> dict[str, _Node]:
    """Files by path as folders of folders."""
    root: dict[str, _Node] = {}
    for path, content in files.items():
        *folders, name = path.split("/")
        here = root
        for folder in folders:
            below = here.setdefault(folder, {})
            if not isinstance(below, dict):
                raise TypeError(f"{folder} of {path} is a file")
            here = below
        here[name] = content
    return root


def reachable(store: ObjectStore, commit: str, known: Collection[str] = ()) -> Iterator[str]:
    """Ids of a commit, its history and everything in it, each once; what is `known` is not entered."""
    waiting = [commit]
    seen: set[str] = set()
    while waiting:
        ident = waiting.pop()
        item = store.objects.get(ident)
        if item is None or ident in seen or ident in known:
            continue
        seen.add(ident)
        yield ident
        if item.type == "commit":
            parsed = parse_commit(ident, item.data)
            waiting += [parsed.tree, *parsed.parents]
        elif item.type == "tree":
            waiting += [raw.id for raw in parse_tree(item.data, 20)]


def history(store: ObjectStore, commit: str) -> Iterator[str]:
    """Ids of a commit and its ancestors, each once."""
    waiting = [commit]
    seen: set[str] = set()
    while waiting:
        ident = waiting.pop()
        if ident not in seen and ident in store.objects:
            seen.add(ident)
            yield ident
            waiting += parse_commit(ident, store.objects[ident].data).parents
