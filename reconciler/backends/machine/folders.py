"""Makes and removes what lies beside the state: working folders, artifacts, files of the run contract.

The run's user owns only what it may write. The folders above belong to the daemon, so that a run cannot put a
symlink where the daemon or a supervisor writes.
"""

from __future__ import annotations

import errno
import functools
import json
import os
import pwd
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path

from planner.canon import Json
from planner.model.gang import CodeTree
from reconciler.backends import code, contract
from reconciler.backends.machine import inits, prepare
from reconciler.backends.machine.account import Account
from reconciler.backends.machine.draft import Draft
from reconciler.backends.machine.own import Own, copied, noted
from reconciler.backends.machine.removal import remove_tree
from reconciler.errors import Refused

__all__ = ["fill", "forget_scratch", "make_artifacts", "make_home", "make_runs", "trees_cache"]

TRACKING = "plumbline_tracking.py"


def trees_cache(runs: Path) -> Path:
    """Where exported trees are kept."""
    return runs / ".trees"


def make_runs(runs: Path, account: Account) -> None:
    """Make the folder of the runs, with those above it that are missing: the run's user can pass what we make."""
    passable = _passable(account)
    for folder in reversed((runs, *runs.parents)):
        try:
            folder.mkdir(mode=passable)
        except FileExistsError:
            continue
        folder.chmod(passable)  # whatever the umask
    trees_cache(runs).mkdir(mode=0o700, exist_ok=True)


def fill(draft: Draft, account: Account, trees: Sequence[tuple[CodeTree, Path]]) -> None:
    """Make the files of an attempt: nothing of it existed before, so nothing is overwritten.

    Raises:
        Refused: two code trees overlap, `init` cannot be done, or a folder belongs to another user.
        OSError: the disk said no.
    """
    passable = _passable(account)
    home = draft.attempt.parent
    Path(draft.record["replicas"][0]["log"]).parent.mkdir(mode=0o700, exist_ok=True)
    make_home(home, account)
    _folder(draft.attempt, passable)
    files = [file for entries in draft.init.values() for file in inits.kept(entries)]
    make_artifacts(draft.own, home, account, files)
    for member, context in zip(draft.members, draft.contexts, strict=True):
        _folder(member.base, passable)
        for name in ("work", "io"):
            _folder(member.base / name, 0o700)
        work = member.base / "work"
        for tree, content in trees:
            code.place(content, tree, work)
        prepare.place(draft.init[member.role], work, draft.runs)
        work.chmod(0o700)
        account.owns_tree(work)
        account.owns(member.base / "io")
        _contract(member.base, context, account)


def _passable(account: Account) -> int:
    """The mode of a folder of the daemon that the run's user passes through."""
    return 0o711 if account.switched else 0o700


def make_home(home: Path, account: Account) -> None:
    """Make the folder of a run: the daemon's, which the run's user can pass.

    Raises:
        Refused: what is there is not the daemon's.
    """
    _folder(home, _passable(account))


def make_artifacts(
    own: Own, home: Path, account: Account, files: Iterable[tuple[str, bytes, int]], *, links: bool = False
) -> None:
    """The run's own folder, the same for all its attempts: from its first one on it is the program's.

    It appears whole, by rename, so nothing is ever made or changed in one that a program had. `files` are in it
    from the beginning: those that `init` writes, and what it is a copy of (`own.copied` has what `links` means).

    Raises:
        Refused: it belongs to another user than runs have now, or that of an earlier round is gone.
    """
    folder, copy = own.folder, own.earlier is not None and own.earlier.copy
    if own.earlier is not None and not copy:
        noted(home, own)
    if (owner := _owner(folder)) is not None:
        if owner != account.uid:
            raise Refused(
                f"{folder} belongs to {_name(owner)}, and runs are {_name(account.uid)} now: start a new run, or give "
                "that folder with all in it to the new user"
            )
        return
    fresh = home / f".artifacts.{os.urandom(6).hex()}"
    try:
        for made in (fresh, fresh / "outputs"):
            made.mkdir(mode=0o700)
            made.chmod(0o700)  # whatever the umask
        if copy:
            copied(own, fresh, links=links)
        for name, content, mode in files:
            place = fresh / "outputs" / name
            if not place.is_dir():
                place.unlink(missing_ok=True)  # a file of a copy may be another run's too
                place.write_bytes(content)
                place.chmod(mode)
        account.owns_tree(fresh)
        fresh.rename(folder)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise  # else another daemon of this state was first
    finally:
        remove_tree(fresh)


def _owner(folder: Path) -> int | None:
    """Who owns `folder`; None where there is nothing.

    Raises:
        Refused: it is no folder, but something that leads elsewhere.
    """
    try:
        handle = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno not in {errno.ENOTDIR, errno.ELOOP}:
            raise
        raise Refused(f"{folder} is no folder: remove it") from error
    try:
        return os.fstat(handle).st_uid
    finally:
        os.close(handle)


def _name(uid: int) -> str:
    try:
        return f"user {pwd.getpwuid(uid).pw_name}"
    except KeyError:
        return f"user {uid}"


def _contract(base: Path, context: Mapping[str, Json], account: Account) -> None:
    path = base / "context.json"
    _file(path, json.dumps(context, ensure_ascii=False).encode(), 0o400)
    account.owns(path)
    lib = base / "lib"
    _folder(lib, 0o700)
    tracking = _tracking()
    if tracking is not None:
        _file(lib / TRACKING, tracking, 0o600)
    _traces(lib / contract.TRACES, context)
    account.owns_tree(lib)


def _traces(folder: Path, context: Mapping[str, Json]) -> None:
    """Where the tracking library of Polyaxon finds the folder of the run, as the program sees it."""
    run = context["run"]
    assert isinstance(run, Mapping)
    (folder / "runs").mkdir(mode=0o700, parents=True)
    (folder / "runs" / contract.trace_id(run)).symlink_to(str(context["artifacts"]))


@functools.cache
def _tracking() -> bytes | None:
    """The module that programs import; None where this Plumbline comes without it."""
    found = resources.files("reconciler").joinpath("tracking.py")
    return found.read_bytes() if found.is_file() else None


def _file(path: Path, content: bytes, mode: int) -> None:
    """A new file of the daemon's with exactly `mode`, whatever the umask."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb", 0) as file:
        file.write(content)
        os.fchmod(file.fileno(), mode)


def _folder(path: Path, mode: int) -> None:
    """A folder of the daemon's with exactly `mode`, whatever the umask.

    Raises:
        Refused: what is there is not the daemon's.
    """
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        if _owner(path) != os.geteuid():
            why = "does not belong to the user of the daemon, so it must not be written to: move it away"
            raise Refused(f"{path} {why}") from None
    path.chmod(mode)


def forget_scratch(attempt: Path) -> None:
    """Remove the working folders of an ended attempt; its outputs, metrics and context stay."""
    if not attempt.is_dir():
        return
    with os.scandir(attempt) as entries:
        for base in entries:
            for name in ("work", "lib"):
                remove_tree(Path(base.path, name))
