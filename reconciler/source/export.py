"""Trees of a repository as folders, written from blobs: no checkout, no filters, no hooks, nothing outside.

First everything that will be written is gathered and judged as values, then it is written beside its place and
renamed. Symlinks come last and are never written through. A symlink is kept when following it step by step, other
symlinks included, never leaves its tree.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO

from reconciler.errors import Refused, Transient
from reconciler.source.model import Entry, Exported, LeftOut, Limits
from reconciler.source.objects import Raw, Store, parse_tree

__all__ = ["write"]

_LONGEST_TARGET = 4096
_MOST_LINKS = 40
_CHUNK = 256 << 10

Steps = tuple[bytes, ...]
"""A path below the part's root, by components."""


@dataclass(slots=True)
class _Part:
    """One exported entry with everything below it."""

    base: Steps
    files: dict[Steps, Raw] = field(default_factory=dict)
    folders: list[Steps] = field(default_factory=list)
    links: dict[Steps, Raw] = field(default_factory=dict)
    modules: list[Steps] = field(default_factory=list)

    def add(self, place: Steps, raw: Raw) -> None:
        """Sort an entry by its kind."""
        match raw.kind:
            case "blob":
                self.files[place] = raw
            case "tree":
                self.folders.append(place)
            case "symlink":
                self.links[place] = raw
            case "submodule":
                self.modules.append(place)

    def __len__(self) -> int:
        return len(self.files) + len(self.folders) + len(self.links) + len(self.modules)


def write(store: Store, parts: Mapping[str, Entry], into: Path, limits: Limits) -> Exported:
    """Write `parts` below the new folder `into`; blocking. Laws of `port.Source.export`."""
    gathered = [_gather(store, place, entry, limits) for place, entry in sorted(parts.items())]
    targets = _targets(store, gathered)
    kept, left_out = _judge(gathered, targets)
    files = {part.base + place: raw for part in gathered for place, raw in part.files.items()}
    folders = [part.base + place for part in gathered for place in part.folders]
    done = Exported(len(files) + len(kept), tuple(sorted(left_out, key=lambda item: item.path)))
    if into.exists():
        return done
    _check_size(store, files.values(), limits)
    scratch = into.with_name(f".{into.name}.{secrets.token_hex(6)}.part")
    try:
        _write_all(store, scratch, folders, files)
        _write_links(scratch, kept)
        _settle(scratch, into)
    except FileExistsError as error:
        raise Refused(f"the exported parts hold one name twice: {_below(error, scratch)}") from error
    except OSError as error:
        raise Transient(f"cannot write to {into.parent}: {error.strerror}") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return done


def _gather(store: Store, place: str, entry: Entry, limits: Limits) -> _Part:
    """Everything at and below `entry`, read level by level."""
    part = _Part(_components(place))
    if entry.kind != "tree":
        if not part.base:
            raise Refused("a file cannot take the place of the whole folder")
        mode = {"blob": 0o100755 if entry.executable else 0o100644, "symlink": 0o120000, "submodule": 0o160000}
        part.add((), Raw(part.base[-1], mode[entry.kind], entry.id))
        return part
    part.folders.append(())
    level: list[tuple[Steps, str]] = [((), entry.id)]
    while level:
        trees = store.read(sorted({ident for _, ident in level}))
        below: list[tuple[Steps, str]] = []
        for folder, ident in level:
            for raw in parse_tree(trees[ident].data, len(ident) // 2):
                part.add((*folder, raw.name), raw)
                if raw.kind == "tree":
                    below.append(((*folder, raw.name), raw.id))
            _check_shape(part, len(folder), limits)
        level = below
    return part


def _check_shape(part: _Part, depth: int, limits: Limits) -> None:
    if len(part) > limits.entries:
        raise Refused(f"the exported tree has more than {limits.entries} files and folders")
    if depth >= limits.depth:
        raise Refused(f"the exported tree has folders deeper than {limits.depth}")


def _components(place: str) -> Steps:
    path = PurePosixPath(place)
    if path.is_absolute() or ".." in path.parts or "\0" in place:
        raise Refused(f"an export goes to a path below its folder, not to {place[:80]!r}")
    return tuple(os.fsencode(part) for part in path.parts)


def _targets(store: Store, parts: Iterable[_Part]) -> dict[str, bytes]:
    """What symlinks point to, by blob id; those too long to be a path are not read."""
    ids = sorted({raw.id for part in parts for raw in part.links.values()})
    sizes = store.sizes(ids)
    found = store.read([ident for ident in ids if sizes[ident] <= _LONGEST_TARGET])
    return {ident: item.data for ident, item in found.items()}


def _judge(parts: Sequence[_Part], targets: Mapping[str, bytes]) -> tuple[dict[Steps, bytes], list[LeftOut]]:
    kept: dict[Steps, bytes] = {}
    left_out: list[LeftOut] = []
    for part in parts:
        links = {place: targets.get(raw.id, b"") for place, raw in part.links.items()}
        for place, target in links.items():
            if _stays_inside(place, links):
                kept[part.base + place] = target
            else:
                left_out.append(LeftOut(_shown(part.base + place), "the symlink leaves its tree"))
        left_out += [LeftOut(_shown(part.base + place), "submodules are not followed") for place in part.modules]
    return kept, left_out


def _stays_inside(place: Steps, links: Mapping[Steps, bytes]) -> bool:
    """Whether following the symlink at `place` step by step never leaves the tree."""
    if not place:
        return False
    at: list[bytes] = []
    todo = list(reversed(place))
    followed = 0
    while todo:
        step = todo.pop()
        if step == b"..":
            if not at:
                return False
            at.pop()
            continue
        at.append(step)
        target = links.get(tuple(at))
        if target is None:
            continue
        followed += 1
        if followed > _MOST_LINKS or not target or b"\0" in target or target.startswith(b"/"):
            return False
        at.pop()
        todo += [part for part in reversed(target.split(b"/")) if part not in {b"", b"."}]
    return True


def _check_size(store: Store, files: Iterable[Raw], limits: Limits) -> None:
    raws = list(files)
    sizes = store.sizes(sorted({raw.id for raw in raws}))
    if sum(sizes[raw.id] for raw in raws) > limits.export:
        raise Refused(f"the exported tree has more than {limits.export >> 20} MiB")


def _write_all(store: Store, root: Path, folders: Sequence[Steps], files: Mapping[Steps, Raw]) -> None:
    root.mkdir(mode=0o755, parents=True)
    for folder in folders:
        _join(root, folder).mkdir(mode=0o755, parents=True, exist_ok=True)
    places: dict[str, list[tuple[Path, int]]] = {}
    for place, raw in files.items():
        file = _join(root, place)
        file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        places.setdefault(raw.id, []).append((file, 0o555 if raw.executable else 0o444))

    def take(ident: str, size: int, stream: IO[bytes]) -> None:
        first, *others = places[ident]
        _write_file(*first, stream, size)
        for other in others:
            with first[0].open("rb") as again:
                _write_file(*other, again, size)

    store.copy(sorted(places), take)


def _write_file(file: Path, mode: int, stream: IO[bytes], size: int) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        left = size
        while data := stream.read(min(left, _CHUNK)):
            left -= len(data)
            out.write(data)
        os.fchmod(out.fileno(), mode)


def _write_links(root: Path, links: Mapping[Steps, bytes]) -> None:
    for place, target in links.items():
        link = _join(root, place)
        link.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        link.symlink_to(os.fsdecode(target))


def _settle(scratch: Path, into: Path) -> None:
    """Rename into place; when another caller was first, its equal result stays."""
    try:
        scratch.rename(into)
    except OSError:
        if not into.is_dir():
            raise


def _below(error: OSError, root: Path) -> str:
    name = str(error.filename or "")
    return name.removeprefix(f"{root}/").encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _join(root: Path, place: Steps) -> Path:
    return root.joinpath(*(os.fsdecode(part) for part in place))


def _shown(place: Steps) -> str:
    return b"/".join(place).decode("utf-8", "backslashreplace")
