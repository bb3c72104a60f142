"""Folders of runs that are not here any more: letting go of them, which of them a run reads, and taking them back.

A folder is made anew beside its place and appears whole, so a fetch that was cut off leaves nothing that could be read.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from planner.model.artifacts import Artifact
from planner.model.run import Stamp
from reconciler.backends.machine import folders, inits
from reconciler.backends.machine.account import Account
from reconciler.backends.machine.own import Runs, artifacts_of, home_of, own_of
from reconciler.backends.machine.removal import remove_tree
from reconciler.backends.texts import texts_of
from reconciler.disk import sizes
from reconciler.ports import Order

__all__ = ["gone", "let_go", "missing", "named_by", "read_of", "restore"]

Thread = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Does something in a thread of the backend."""


def missing(order: Order, owner: Stamp, runs: Path) -> list[str]:
    """Names of the folders of other runs that `order` reads and that are not here."""
    return gone(order, owner, Runs(runs), named_by(order, runs))


def named_by(order: Order, runs: Path) -> set[str]:
    """Names of the folders of runs that the programs of `order` are told of."""
    named = re.compile(re.escape(str(runs)) + r"/([a-z0-9][a-z0-9-]*)(?:/|$)")
    return {name for text in texts_of((order.run.gang, order.run.context)) for name in named.findall(text)}


def gone(order: Order, owner: Stamp, runs: Runs, read: Iterable[str]) -> list[str]:
    """Of the folders `read`, which the programs of `order` name, and of those that it starts with, what is not here."""
    found = read_of(order, owner, runs, read)
    return [name for name in found if not artifacts_of(runs.folder / name).exists()]


def read_of(order: Order, owner: Stamp, runs: Runs, read: Iterable[str]) -> list[str]:
    """The folders of other runs among `read`, which the programs of `order` name, and those that it starts with."""
    found = set(read)
    for group in order.run.gang.replicas:
        found |= set(inits.sources(group.pod.get("init"), runs))
    source = own_of(order.key, order.run.earlier, owner, runs.folder).source
    found |= {source.parent.name} if source is not None else set()
    return sorted(found - {home_of(order.key, owner, runs.folder).name})


async def restore(
    home: Path,
    account: Account,
    entries: Sequence[Artifact],
    pieces: Callable[[Artifact], AsyncIterator[bytes]],
    thread: Thread,
) -> None:
    """Make the artifacts folder of the run whose folder is `home`.

    Raises:
        OSError: the disk said no.
    """
    fresh = home / f".artifacts.{os.urandom(6).hex()}"
    await thread(partial(_begin, home, fresh, account))
    try:
        for entry in entries:
            target = fresh / "outputs" / entry.path
            if entry.kind == "folder":
                await thread(partial(target.mkdir, 0o700, parents=True, exist_ok=True))
            else:
                await _file(target, entry, pieces(entry), thread)
        await thread(partial(_appear, home, fresh, account))
    finally:
        with anyio.CancelScope(shield=True):
            await thread(partial(remove_tree, fresh))


def _begin(home: Path, fresh: Path, account: Account) -> None:
    folders.make_home(home, account)
    for made in (fresh, fresh / "outputs"):
        made.mkdir(mode=0o700)


async def _file(target: Path, entry: Artifact, pieces: AsyncIterator[bytes], thread: Thread) -> None:
    file = await thread(partial(_create, target))
    try:
        async for piece in pieces:
            await thread(partial(file.write, piece))
    finally:
        await thread(file.close)
    await thread(partial(_finish, target, entry))


def _create(target: Path) -> Any:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return target.open("xb")


def _finish(target: Path, entry: Artifact) -> None:
    target.chmod(0o700 if entry.executable else 0o600)
    os.utime(target, (entry.modified.timestamp(),) * 2)


def _appear(home: Path, fresh: Path, account: Account) -> None:
    account.owns_tree(fresh / "outputs")
    account.owns(fresh)
    try:
        fresh.rename(home / "artifacts")
    except OSError:
        if not (home / "artifacts").exists():
            raise  # else it is here already


_GOING = ".artifacts.going."


def let_go(home: Path, *, remove: bool) -> int:
    """Bytes of the artifacts of the run whose folder is `home`, which are removed; 0 where none are there.

    Those with anything beside `outputs` stay, as a copy has nothing else. What a removal that was cut off left goes.
    """
    folder = home / "artifacts"
    for left in home.glob(f"{_GOING}*") if remove else ():
        remove_tree(left)
    if folder.is_symlink() or not folder.is_dir() or {entry.name for entry in folder.iterdir()} - {"outputs"}:
        return 0
    size = sum(sizes(folder)) or 1
    if remove:
        going = home / f"{_GOING}{os.urandom(6).hex()}"
        folder.rename(going)
        remove_tree(going)
    return size
