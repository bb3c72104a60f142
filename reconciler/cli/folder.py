"""A folder of files as the tree that git would make of it, with git's own ids: what is planned before it is committed.

Reads every file once, as a commit would. Follows no symlink and never writes.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.cli.failure import Code, Failure
from reconciler.cli.repository import Repository
from reconciler.source.model import Entry, Kind, Limits, Tree
from reconciler.source.objects import Raw, encode_tree, header_hash, object_id

__all__ = ["Folder", "read"]

_CHUNK = 1 << 20
_MODES: Mapping[Kind, int] = {"tree": 0o040000, "blob": 0o100644, "symlink": 0o120000, "submodule": 0o160000}
_EXECUTABLE = 0o100755
_SKIPPED = frozenset({".git", ".hg", ".svn", "__pycache__", ".venv", "node_modules"})
"""Folders that nobody commits; only left out where no git can say what is ignored."""


@dataclass(slots=True)
class Folder:
    """A folder's tree.

    Attributes:
        top: the folder.
        tree: as git would make it.
        places: one path of each content, by its id.
    """

    top: Path
    tree: Tree
    places: Mapping[str, str] = field(default_factory=dict)

    def blobs(self, ids: Iterable[str]) -> Mapping[str, bytes]:
        """The contents of all of `ids`.

        Raises:
            Failure: a file changed while it was read.
        """
        found = {}
        for ident in ids:
            path = self.places[ident]
            try:
                data = (self.top / path).read_bytes()
            except OSError as error:
                raise _unreadable(self.top / path, error) from None
            if object_id("blob", data, "sha1" if len(ident) == 40 else "sha256") != ident:
                raise Failure(Code.ENVIRONMENT, f"{path} changed while it was read: try again")
            found[ident] = data
        return found


def read(top: Path, repository: Repository | None = None) -> Folder:
    """The tree of `top`: of the files that git has or would add where it lies in `repository`, else of all.

    Raises:
        Failure: a file cannot be read.
    """
    below = top.relative_to(repository.top).as_posix() if repository is not None else ""
    algorithm = repository.algorithm if repository is not None else "sha1"
    paths = repository.listed(below) if repository is not None else _walk(top)
    modules = repository.submodules(below) if repository is not None else {}
    files: dict[str, Entry] = {}
    for path in paths:
        _demand_shallow(top, path.split("/")[:-1])
        found = _entry(top, path, algorithm, modules)
        if found is not None:
            files[path] = found
    entries: dict[str, Entry] = {}
    root = _fold(_nested(files), "", entries, algorithm)
    places = {one.id: path for path, one in files.items() if one.kind == "blob"}
    return Folder(top, Tree(root, entries), places)


def _walk(top: Path) -> Iterator[str]:
    def refuse(error: OSError) -> None:
        raise _unreadable(Path(error.filename or top), error)

    for folder, folders, names in os.walk(top, onerror=refuse):
        _demand_shallow(top, Path(folder).relative_to(top).parts)
        folders[:] = sorted(name for name in folders if name not in _SKIPPED and not (Path(folder) / name).is_symlink())
        links = [name for name in os.listdir(folder) if (Path(folder) / name).is_symlink()]  # noqa: PTH208  plain names
        for name in sorted({*names, *links}):
            yield str((Path(folder) / name).relative_to(top))


def _demand_shallow(top: Path, folders: Sequence[str]) -> None:
    """As the daemon refuses such a tree; nor could anything go down for ever."""
    deepest = Limits().depth
    if len(folders) > deepest:
        shown = "/".join((*folders[:3], "…"))
        message = f"{top} has folders deeper than {deepest}, below {shown}: move them away, or name another folder"
        raise Failure(Code.ENVIRONMENT, message)


def _entry(top: Path, path: str, algorithm: str, modules: Mapping[str, str]) -> Entry | None:
    """The entry of one file; None for what is gone, or what git does not keep (sockets, pipes)."""
    place = top / path
    name = _text(path)
    try:
        found = place.lstat()
        if path in modules:
            return Entry(name, "submodule", modules[path])
        if stat.S_ISLNK(found.st_mode):
            target = os.fsencode(os.readlink(place))  # noqa: PTH115  bytes as they are
            return Entry(name, "symlink", object_id("blob", target, algorithm), len(target))
        if not stat.S_ISREG(found.st_mode):
            return None
        ident, size = _hash(place, found.st_size, algorithm)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(place, error) from None
    return Entry(name, "blob", ident, size, executable=bool(found.st_mode & stat.S_IXUSR))


def _hash(place: Path, size: int, algorithm: str) -> tuple[str, int]:
    if size <= _CHUNK:
        data = place.read_bytes()
        return header_hash("blob", len(data), algorithm, data), len(data)
    digest = hashlib.new(algorithm, f"blob {size}\0".encode(), usedforsecurity=False)
    with place.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest(), size


_Nested = dict[str, "_Nested | Entry"]


def _nested(files: Mapping[str, Entry]) -> _Nested:
    root: _Nested = {}
    for path, found in files.items():
        *folders, name = path.split("/")
        level = root
        for folder in folders:
            below = level.setdefault(folder, {})
            assert isinstance(below, dict)
            level = below
        level[name] = found
    return root


def _fold(level: _Nested, prefix: str, entries: dict[str, Entry], algorithm: str) -> str:
    """Put a level and everything below it into `entries`; returns the id of its tree."""
    raws = []
    for name, node in sorted(level.items()):
        path = f"{prefix}{_text(name)}"
        if isinstance(node, dict):
            entries[path] = Entry(path, "tree", "")
            node = Entry(path, "tree", _fold(node, f"{path}/", entries, algorithm))  # noqa: PLW2901  the same thing, whole
        entries[path] = node
        mode = _EXECUTABLE if node.executable else _MODES[node.kind]
        raws.append(Raw(os.fsencode(name), mode, node.id))
    return object_id("tree", encode_tree(raws), algorithm)


def _text(name: str) -> str:
    """A name as the daemon's source writes it, bytes that are not UTF-8 included."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _unreadable(place: Path, error: OSError) -> Failure:
    return Failure(Code.ENVIRONMENT, f"cannot read {place}: {error.strerror}")
