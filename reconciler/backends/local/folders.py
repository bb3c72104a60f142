"""Makes and removes what lies beside the state: working folders, artifacts, files of the run contract.

The run's user owns only what it may write. The folders above belong to the daemon, so that a run cannot put a
symlink where the daemon or a supervisor writes.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from planner.model.gang import CodeTree
from reconciler.backends.local import code
from reconciler.backends.local.account import Account
from reconciler.backends.local.draft import Draft

__all__ = ["fill", "forget_scratch", "trees_cache"]

TRACKING = "plumbline_tracking.py"


def trees_cache(runs: Path) -> Path:
    """Where exported trees are kept."""
    return runs / ".trees"


def fill(draft: Draft, account: Account, trees: Sequence[tuple[CodeTree, Path]]) -> None:
    """Make the files of an attempt: nothing of it existed before, so nothing is overwritten.

    Raises:
        Refused: two code trees overlap.
        OSError: the disk said no.
    """
    passable = 0o711 if account.switched else 0o700
    home = draft.attempt.parent
    Path(draft.record["replicas"][0]["log"]).parent.mkdir(mode=0o700, exist_ok=True)
    for folder in (home, draft.attempt):
        _folder(folder, passable)
    _artifacts(home / "artifacts", account)
    for member, context in zip(draft.members, draft.contexts, strict=True):
        _folder(member.base, passable)
        for name in ("work", "io"):
            _folder(member.base / name, 0o700)
        work = member.base / "work"
        for tree, content in trees:
            code.place(content, tree, work)
        work.chmod(0o700)
        account.owns_tree(work)
        account.owns(member.base / "io")
        _contract(member.base, json.dumps(context, ensure_ascii=False), account)


def _artifacts(folder: Path, account: Account) -> None:
    """The run's own folder, the same for all its attempts: what is there belongs to the run."""
    if folder.exists() and (folder.stat().st_uid == account.uid if account.switched else _has(folder / "outputs")):
        return  # from here on it is the program's: nothing in it can be trusted
    _folder(folder, 0o700)
    _folder(folder / "outputs", 0o700)
    account.owns(folder / "outputs")
    account.owns(folder)


def _has(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _contract(base: Path, context: str, account: Account) -> None:
    path = base / "context.json"
    path.write_text(context, encoding="utf-8")
    path.chmod(0o400)
    account.owns(path)
    lib = base / "lib"
    _folder(lib, 0o700)
    tracking = resources.files("reconciler").joinpath("tracking.py")
    if tracking.is_file():
        (lib / TRACKING).write_bytes(tracking.read_bytes())
        (lib / TRACKING).chmod(0o600)
    account.owns_tree(lib)


def _folder(path: Path, mode: int) -> None:
    path.mkdir(mode=mode, exist_ok=True)
    path.chmod(mode)  # whatever the umask


def forget_scratch(attempt: Path) -> None:
    """Remove the working folders of an ended attempt; its outputs, metrics and context stay."""
    if not attempt.is_dir():
        return
    for base in os.scandir(attempt):
        for name in ("work", "lib"):
            shutil.rmtree(Path(base.path, name), ignore_errors=True)
