"""What is kept of a run that is over: its folder, its logs and its claims; their size, and their removal.

Claims go last, one by one: a removal that was cut off goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from planner.keys import Key
from reconciler.backends.machine.claims import Claims
from reconciler.backends.machine.removal import remove_tree
from reconciler.disk import sizes
from reconciler.errors import Transient

__all__ = ["forget", "weigh"]


def forget(claims: Claims, runs: Path, run: Key, attempts: int) -> None:
    """Remove all that is kept of a run.

    Raises:
        Transient: an attempt has not been cleaned, or something cannot be removed.
    """
    keys = _attempts(run, attempts)
    for key in keys:
        claim = claims.find(key)
        if claim is not None and not claim.cleaned():
            raise Transient(f"{key} was not cleaned, so nothing of its run is removed")
    for folder in (*_files(claims, runs, run, keys), *(claims.claims / claims.name(key) for key in keys)):
        remove_tree(folder)
        if folder.is_dir() and not folder.is_symlink():
            raise Transient(f"{folder} cannot be removed whole")


def weigh(claims: Claims, runs: Path, run: Key, attempts: int) -> int:
    """Bytes on the disk of all that is kept of a run."""
    return sum(size for folder in _files(claims, runs, run, _attempts(run, attempts)) for size in sizes(folder))


def _files(claims: Claims, runs: Path, run: Key, attempts: Sequence[Key]) -> list[Path]:
    return [runs / claims.name(run), *(claims.logs / claims.name(key) for key in attempts)]


def _attempts(run: Key, count: int) -> list[Key]:
    return [run.at_attempt(number) for number in range(1, count + 1)]
