"""Git objects as bytes and as values, and the walk that makes a whole tree of them.

What is read is checked against its id, so that a damaged copy is an error and never a different tree. This module
runs no process; where objects come from is a `Store`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO, Protocol

from reconciler.errors import Refused
from reconciler.source.model import Commit, Entry, Kind, Limits, Tree

__all__ = [
    "DamagedError",
    "MissingError",
    "Object",
    "Raw",
    "Store",
    "TreeReader",
    "algorithm_of",
    "blob_data",
    "encode_tree",
    "header_hash",
    "object_id",
    "parse_commit",
    "parse_tree",
]

_KINDS: Mapping[int, Kind] = {0o04: "tree", 0o10: "blob", 0o12: "symlink", 0o16: "submodule"}
_REMEMBERED = 100_000
_SUBJECT = 1000


class MissingError(Exception):
    """An object is not there. `name` is what was asked for."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class DamagedError(Exception):
    """An object is there and not what its id says, or what must be there is not."""


@dataclass(frozen=True, slots=True)
class Object:
    """One object as read: its id, git's type, and its bytes, which match the id."""

    id: str
    type: str
    data: bytes


class Store(Protocol):
    """Where objects come from. Blocking; one caller at a time."""

    def read(self, ids: Sequence[str]) -> Mapping[str, Object]:
        """All of `ids`, checked.

        Raises:
            MissingError: one is not there.
            DamagedError: one does not match its id.
        """
        ...

    def sizes(self, ids: Sequence[str]) -> Mapping[str, int]:
        """Bytes of all of `ids`, without reading them; errors as for `read`."""
        ...

    def copy(self, ids: Sequence[str], take: Callable[[str, int, IO[bytes]], None]) -> None:
        """Hand each of `ids` to `take` as id, size and a stream of exactly that many bytes; errors as for `read`."""
        ...


@dataclass(frozen=True, slots=True)
class Raw:
    """One entry as a tree object has it."""

    name: bytes
    mode: int
    id: str

    @property
    def kind(self) -> Kind:
        """What the mode says it is."""
        return _KINDS[self.mode >> 12]

    @property
    def executable(self) -> bool:
        """Whether a blob has its exec bit."""
        return self.kind == "blob" and bool(self.mode & 0o100)

    @property
    def text(self) -> str:
        r"""The name for people and keys; bytes that are not UTF-8 become `\xff`."""
        return self.name.decode("utf-8", "backslashreplace")


def object_id(kind: str, data: bytes, algorithm: str = "sha1") -> str:
    """The id that git gives to `data` as an object of type `kind`."""
    return header_hash(kind, len(data), algorithm, data)


def header_hash(kind: str, size: int, algorithm: str, data: bytes = b"") -> str:
    """The hex id of a header and `data`."""
    digest = hashlib.new(algorithm, f"{kind} {size}\0".encode(), usedforsecurity=False)
    digest.update(data)
    return digest.hexdigest()


def algorithm_of(ident: str) -> str:
    """The hash of a repository whose ids look like `ident`."""
    return "sha1" if len(ident) == 40 else "sha256"


def parse_tree(data: bytes, width: int) -> tuple[Raw, ...]:
    """The entries of a tree object whose ids are `width` bytes.

    Raises:
        Refused: it is malformed, or a name would leave its folder.
    """
    found: list[Raw] = []
    position = 0
    while position < len(data):
        space = data.find(b" ", position, position + 8)
        end = data.find(b"\0", space)
        if space < 0 or end < 0 or end + 1 + width > len(data):
            raise Refused("a tree of the repository is malformed: check it with git fsck")
        found.append(_raw(data[position:space], data[space + 1 : end], data[end + 1 : end + 1 + width]))
        position = end + 1 + width
    return tuple(found)


def _raw(mode: bytes, name: bytes, ident: bytes) -> Raw:
    if not re.fullmatch(rb"[0-7]{5,7}", mode) or int(mode, 8) >> 12 not in _KINDS:
        raise Refused("a tree of the repository has an unknown kind of entry: check it with git fsck")
    if name in {b"", b".", b".."} or b"/" in name or name.lower() == b".git":
        raise Refused(f"a tree of the repository has an entry named {name[:80]!r}: remove it")
    return Raw(name, int(mode, 8), ident.hex())


def encode_tree(entries: Iterable[Raw]) -> bytes:
    """The tree object of `entries`, in git's order."""
    ordered = sorted(entries, key=lambda raw: raw.name + b"/" if raw.kind == "tree" else raw.name)
    return b"".join(f"{raw.mode:o} ".encode() + raw.name + b"\0" + bytes.fromhex(raw.id) for raw in ordered)


def blob_data(item: Object) -> bytes:
    """The bytes of a blob.

    Raises:
        Refused: it is something else.
    """
    if item.type != "blob":
        raise Refused(f"{item.id} is a {item.type}, not a blob")
    return item.data


def parse_commit(ident: str, data: bytes) -> Commit:
    """The commit of a commit object.

    Raises:
        Refused: it is malformed.
    """
    head, _, message = data.partition(b"\n\n")
    fields: dict[bytes, list[bytes]] = {}
    for line in head.split(b"\n"):
        name, _, value = line.partition(b" ")
        fields.setdefault(name, []).append(value)
    encoding = fields.get(b"encoding", [b"utf-8"])[0].decode("ascii", "replace")
    try:
        tree = fields[b"tree"][0].decode("ascii")
        at = _committed_at(fields[b"committer"][0])
    except (KeyError, UnicodeDecodeError) as error:
        raise Refused(f"commit {ident} is malformed: check it with git fsck") from error
    author = _text(fields.get(b"author", [b""])[0], encoding).rpartition(">")
    parents = tuple(value.decode("ascii", "replace") for value in fields.get(b"parent", []))
    subject = _text(message.lstrip(b"\n").split(b"\n", 1)[0], encoding)[:_SUBJECT]
    return Commit(ident, tree, at, subject, author[0] + author[1], parents)


def _committed_at(value: bytes) -> datetime:
    """The instant in `Name <address> seconds zone`; what no calendar holds becomes the epoch."""
    found = re.search(rb"> (-?\d{1,15})(?: [-+]\d+)?$", value)
    try:
        return datetime.fromtimestamp(int(found[1]) if found else 0, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _text(data: bytes, encoding: str) -> str:
    head = data[: 4 * _SUBJECT]
    try:
        return head.decode(encoding, "replace")
    except (ValueError, LookupError):
        return head.decode("utf-8", "replace")


@dataclass(slots=True)
class TreeReader:
    """Reads whole trees and remembers folders, so that a small change costs its own folders only.

    A folder is remembered with its place, as its entries hold whole paths.
    """

    limits: Limits
    _folders: dict[tuple[str, str], tuple[Entry, ...]] = field(default_factory=dict)

    def read(self, store: Store, root: str) -> Tree:
        """The whole tree `root`.

        Raises:
            DamagedError: something of it is missing or not what its id says.
            Refused: it is over the limits or malformed.
        """
        entries: dict[str, Entry] = {}
        level = [("", root)]
        depth = 0
        while level:
            depth += 1
            if depth > self.limits.depth:
                raise Refused(f"the repository has folders deeper than {self.limits.depth}")
            self._learn(store, level)
            level = self._gather(level, entries)
        return Tree(root, entries)

    def _gather(self, level: list[tuple[str, str]], entries: dict[str, Entry]) -> list[tuple[str, str]]:
        below: list[tuple[str, str]] = []
        for place in level:
            folder = self._folders[place]
            for entry in folder:
                entries[entry.path] = entry
                if entry.kind == "tree":
                    below.append((entry.path + "/", entry.id))
            if len(entries) > self.limits.entries:
                raise Refused(f"the repository has more than {self.limits.entries} files and folders")
        return below

    def _learn(self, store: Store, level: list[tuple[str, str]]) -> None:
        """Remember the folders of `level` that are new."""
        new = [place for place in level if place not in self._folders]
        if not new:
            return
        if len(new) > self.limits.entries:
            raise Refused(f"the repository has more than {self.limits.entries} files and folders")
        raws = _read_trees(store, {ident for _, ident in new})
        sized = {raw.id for folder in raws.values() for raw in folder if raw.kind in {"blob", "symlink"}}
        try:
            sizes = store.sizes(sorted(sized))
        except MissingError as error:
            raise DamagedError(f"{error.name} is missing") from error
        if len(self._folders) + len(new) > _REMEMBERED:
            keep = set(level)
            self._folders = {place: folder for place, folder in self._folders.items() if place in keep}
        for place in new:
            self._folders[place] = _entries(place[0], raws[place[1]], sizes)


def _read_trees(store: Store, ids: Collection[str]) -> dict[str, tuple[Raw, ...]]:
    try:
        found = store.read(sorted(ids))
    except MissingError as error:
        raise DamagedError(f"{error.name} is missing") from error
    if wrong := [item.id for item in found.values() if item.type != "tree"]:
        raise Refused(f"{wrong[0]} is not a tree: check the repository with git fsck")
    return {ident: parse_tree(item.data, len(ident) // 2) for ident, item in found.items()}


def _entries(prefix: str, raws: Sequence[Raw], sizes: Mapping[str, int]) -> tuple[Entry, ...]:
    taken: set[str] = set()
    made: list[Entry] = []
    for raw in raws:
        name = raw.text
        while name in taken:  # an escaped name may meet a file that is really called so
            name += "\\"
        taken.add(name)
        made.append(Entry(prefix + name, raw.kind, raw.id, sizes.get(raw.id, 0), raw.executable))
    return tuple(made)
