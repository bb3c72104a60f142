"""What is brought into a pod before its program starts: what `init` names, its own artifacts, those of other runs.

It is said by the order of the attempt alone. Before the pod is made all of it is looked at, so that what cannot be done
is refused with the words of the other backends, and what other repositories have is fetched. It goes as archives, piece
by piece: nothing is held in memory, and nothing of it is kept for a pod. What must never be read here: what no order
names, or anything through a link.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TypeVar

import anyio
import anyio.to_thread

from planner.canon import Json
from planner.compile.clustered import is_container
from planner.keys import Key
from planner.model.artifacts import Artifact
from planner.model.gang import CodeTree
from planner.model.run import Stamp
from reconciler import archive
from reconciler.backends import below, code, given
from reconciler.backends.below import Nothing
from reconciler.backends.code import Trees
from reconciler.backends.kubernetes import layout
from reconciler.backends.kubernetes.reads import Read, reads
from reconciler.backends.kubernetes.render.parts import objects
from reconciler.backends.machine import clones, folders, inits, restoring
from reconciler.backends.machine.account import Account
from reconciler.backends.machine.inits import Put
from reconciler.backends.machine.own import MOST_COPIED, Runs, artifacts_of, home_of, own_of
from reconciler.errors import Refused, Transient
from reconciler.ports import Order
from reconciler.ports_clones import Clones
from reconciler.ports_pods import Part, Wanted

__all__ = ["Bringing", "Sources", "entries_of"]

T = TypeVar("T")

_AT_ONCE = 16
"""Archives that are read at the same time, in threads that are not those of reconciling."""
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Sources:
    """Where what is brought comes from.

    Attributes:
        left: the folder with what each run left, by its name.
        trees: code of the repository.
        clones: code of other repositories; None where there is none to be had.
        cache: of exported trees.
    """

    left: Path
    trees: Trees
    clones: Clones | None
    cache: Path


def entries_of(order: Order) -> list[Json]:
    """The entries of `init` that somebody must put in place, as the agent counts them."""
    said = order.run.gang.replicas[0].pod.get("init")
    return [entry for entry in objects(said) if not is_container(entry)]


class Bringing:
    """Archives for the pods of one instance and project."""

    def __init__(self, sources: Sources, owner: Stamp) -> None:
        """Touches nothing."""
        self._sources = sources
        self._owner = owner
        self._runs = Runs(sources.left, layout.RUNS)
        self._account = Account(os.geteuid(), os.getegid(), (), "/", switched=False)
        self._limiter = anyio.CapacityLimiter(_AT_ONCE)
        # What was found to be fine by a call that ran out of time: a look at a million files outlives one.
        self._looked: set[Key] = set()

    async def ready(self, order: Order) -> None:
        """See that all that an order asks for can be brought, and make the folder that its run leaves artifacts in.

        Raises:
            Refused: something can never be done; the message names it.
            Transient: not now, or it is on its way.
        """
        entries = entries_of(order)
        home = home_of(order.key, self._owner, self._sources.left)
        trees: list[tuple[CodeTree, Path]] = []
        if entries:
            code.check(order.run.gang.code)
            await self._thread(lambda: self._sources.cache.mkdir(mode=0o700, parents=True, exist_ok=True))
            contents = await code.fetch(self._sources.trees, order.run.gang.code, self._sources.cache)
            others = await clones.fetch(self._sources.clones, entries, home, self._sources.cache)
            trees = [*zip(order.run.gang.code, contents, strict=True), *others.trees]
            if order.key not in self._looked:
                await self._thread(lambda: self._look(order.key, trees, entries))
            await self._thread(lambda: self._pinned(home, others))
        await self._thread(lambda: self._begun(order, home, entries))
        self._looked.discard(order.key)

    async def bring(self, order: Order, wanted: Wanted) -> AsyncIterator[bytes]:
        """See `reconciler.ports_pods.Desk.bring`."""
        match wanted.part:
            case Part.INIT:
                entries = entries_of(order)
                if wanted.number >= len(entries):
                    raise Refused(f"{order.key} has no entry {wanted.number} of init")
                return await self._entry(order, entries[wanted.number])
            case Part.OWN:
                own = own_of(order.key, order.run.earlier, self._owner, self._sources.left)
                return self._stream(_if_there(_folder(own.folder, "", "")))
            case Part.RUNS:
                found = reads(order)
                if wanted.number >= len(found):
                    raise Refused(f"{order.key} reads no run {wanted.number}")
                return self._stream(self._read(found[wanted.number]))

    async def missing(self, order: Order) -> Sequence[str]:
        """See `reconciler.keeper.Restorer.missing`."""
        read = [one.run for one in reads(order)]
        return await self._thread(lambda: restoring.gone(order, self._owner, self._runs, read))

    async def restore(
        self, name: str, entries: Sequence[Artifact], pieces: Callable[[Artifact], AsyncIterator[bytes]]
    ) -> None:
        """See `reconciler.keeper.Restorer.restore`."""
        await self._thread(lambda: self._sources.left.mkdir(mode=0o700, parents=True, exist_ok=True))
        await restoring.restore(self._sources.left / name, self._account, entries, pieces, self._thread)

    async def let_go(self, run: Key, *, remove: bool) -> int:
        """See `reconciler.keeper.Dropper.let_go`."""
        home = home_of(run, self._owner, self._sources.left)
        return await self._thread(lambda: restoring.let_go(home, remove=remove))

    # --- before the pod ---

    def _look(self, key: Key, trees: Sequence[tuple[CodeTree, Path]], entries: Sequence[Json]) -> None:
        self._checked(trees, entries)
        self._looked.add(key)

    def _checked(self, trees: Sequence[tuple[CodeTree, Path]], entries: Sequence[Json]) -> None:
        """Refuse what cannot be done, and what would be put where something is."""
        there = {path: is_folder for tree, content in trees for path, is_folder in _names(tree, content)}
        for put in inits.puts(entries, self._runs, _BACKEND):
            target, is_folder = str(put.target), put.kind == "folder"
            taken = next((path for path in _above(target) if there.get(path) is False), "")
            if not taken and target in there and not (is_folder and there[target]):
                taken = target
            if taken:
                raise Refused(f"init: {taken} is there already: give it another place")
            there[target] = is_folder

    def _pinned(self, home: Path, cloned: clones.Cloned) -> None:
        self._home(home)
        clones.pin(home, cloned)

    def _begun(self, order: Order, home: Path, entries: Sequence[Json]) -> None:
        self._home(home)
        own = own_of(order.key, order.run.earlier, self._owner, self._sources.left)
        folders.make_artifacts(own, home, self._account, inits.kept(entries), links=True)

    def _home(self, home: Path) -> None:
        home.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folders.make_home(home, self._account)

    # --- archives ---

    async def _entry(self, order: Order, entry: Json) -> AsyncIterator[bytes]:
        """An entry of `init`, with names from the working folder on."""
        if inits.is_clone(entry):
            home = home_of(order.key, self._owner, self._sources.left)
            cloned = await clones.fetch(self._sources.clones, [entry], home, self._sources.cache)
            return self._stream(member for tree, content in cloned.trees for member in _tree(content, tree.target))
        # Once for what is refused, as there is no way to say that in the middle of an archive.
        await self._thread(lambda: deque(inits.puts([entry], self._runs, _BACKEND), 0))
        return self._stream(member for put in inits.puts([entry], self._runs, _BACKEND) for member in _put(put))

    def _read(self, read: Read) -> Iterator[bytes]:
        """What is there of another run, with names from the folder of all runs on."""
        folder = artifacts_of(self._runs.folder / read.run)
        return _if_there(_folder(folder, read.path, f"{read.run}/artifacts"))

    async def _stream(self, members: Iterable[bytes]) -> AsyncIterator[bytes]:
        """An archive of members, in pieces of some size, as each of them costs a change of threads."""
        left = iter(members)
        while piece := await self._thread(partial(_some, left)):
            yield piece
        yield archive.END

    async def _thread(self, work: Callable[[], T]) -> T:
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._limiter)
        except OSError as error:
            raise Transient(f"what a pod asks for cannot be read now: {error.strerror or error}") from error


_BACKEND = "the Kubernetes backend"


def _some(left: Iterator[bytes]) -> bytes:
    found, size = [], 0
    for piece in left:
        found.append(piece)
        size += len(piece)
        if size >= _PIECE:
            break
    return b"".join(found)


def _put(put: Put) -> Iterator[bytes]:
    name = str(put.target)
    if put.kind == "folder":
        yield archive.head(name, 0, size=None)
    elif put.root is None:
        yield archive.head(name, 0, size=len(put.text), executable=bool(put.mode & 0o100))
        yield put.text + archive.filling(len(put.text))
    elif put.entry is None:
        yield archive.head(name, 0, size=None)
        yield from _if_there(_folder(put.root, "outputs", name, inside=True))
    else:
        yield from given.member(put.root, put.entry, name)


def _if_there(members: Iterator[bytes]) -> Iterator[bytes]:
    """Nothing where there is nothing: a program of this machine would find that, too."""
    try:
        yield from members
    except Nothing:
        return


def _folder(root: Path, path: str, under: str, *, inside: bool = False) -> Iterator[bytes]:
    """What is at `path` in a folder that a program filled, named as there, or from `path` on, below `under`.

    Raises:
        Nothing: there is nothing.
        Refused: it holds too much.
    """
    with below.opened(root, path) as (_, entry):
        pass
    found = below.entries(root, path, most=MOST_COPIED + 1) if entry.kind == "folder" else iter((entry,))
    for count, one in enumerate(found):
        if count == MOST_COPIED:
            raise Refused(f"{root} has more than {MOST_COPIED:,} files, which are not copied")
        if one.kind in {"file", "folder"}:
            name = one.path.removeprefix(f"{path}/") if inside else one.path
            yield from given.member(root, one, f"{under}/{name}" if under else name)


def _names(tree: CodeTree, content: Path) -> Iterator[tuple[str, bool]]:
    """What of code is in the working folder, and whether it is a folder; a link is none."""
    if content.is_file():
        yield tree.target or PurePosixPath(tree.source).name, False
    for where, inner, files in os.walk(content):
        place = PurePosixPath(tree.target, Path(where).relative_to(content))
        yield str(place), True
        for name in (*inner, *files):
            yield str(place / name), name in inner and not Path(where, name).is_symlink()


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _tree(content: Path, under: str) -> Iterator[bytes]:
    """A folder of the cache below `under`: what is in there is ours, links stay links."""
    yield archive.head(under, 0, size=None)
    for where, inner, files in os.walk(content):
        place = PurePosixPath(under, Path(where).relative_to(content))
        for name in sorted((*inner, *files)):
            path = Path(where, name)
            if path.is_symlink():
                yield archive.link(str(place / name), str(path.readlink()))
            elif path.is_dir():
                yield archive.head(str(place / name), 0, size=None)
            else:
                yield from _file(path, str(place / name))


def _file(path: Path, name: str) -> Iterator[bytes]:
    with path.open("rb") as file:
        facts = os.fstat(file.fileno())
        yield archive.head(name, 0, size=facts.st_size, executable=bool(facts.st_mode & 0o100))
        yield from iter(lambda: file.read(_PIECE), b"")
        yield archive.filling(facts.st_size)
