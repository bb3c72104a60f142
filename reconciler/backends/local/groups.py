"""Control groups (cgroup v2): where a run's processes may be put, and whether ending the daemon ends them.

Everything is read from /proc/self; nothing is written here. The parent process tries the places in order.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

__all__ = ["candidates", "killing_unit"]

PROC = Path("/proc/self")


def candidates(instance: str, root: Path, proc: Path = PROC) -> tuple[str, ...]:
    """Folders in which the groups of `instance` with state `root` could be made, the best first.

    The best is the furthest from the daemon's own group, which a service manager may kill with the daemon.
    """
    mount = _mount(proc)
    own = _own(proc)
    if mount is None or own is None:
        return ()
    name = f"plumbline-{re.sub(r'[^a-zA-Z0-9_-]', '-', instance)[:40]}-{_short(str(root))}"
    steps = (Path(), *reversed(Path(own.strip("/")).parents), Path(own.strip("/")))
    folders = dict.fromkeys(mount / step for step in steps)
    return tuple(str(folder / name) for folder in folders if os.access(folder / "cgroup.procs", os.W_OK))


def killing_unit(moved_to: str | None, proc: Path = PROC) -> str | None:
    """The service unit whose restart would kill the runs, as far as control groups tell; None when none.

    Args:
        moved_to: the group that the parent moved to, if it could.
        proc: for tests.
    """
    units = [_unit(path) for hierarchy, path in _groups(proc) if hierarchy == "name=systemd" or not moved_to]
    return next((unit for unit in units if unit), None)


def _unit(path: str) -> str | None:
    parts = reversed(path.split("/"))
    return next((part for part in parts if part.endswith(".service") and not part.startswith("user@")), None)


def _mount(proc: Path) -> Path | None:
    """Where cgroup v2 is mounted; on a hybrid system it is below the others."""
    for line in _lines(proc / "mountinfo"):
        before, _, after = line.partition(" - ")
        if after.split(" ", 1)[0] == "cgroup2":
            return Path(before.split(" ")[4].encode().decode("unicode_escape"))
    return None


def _own(proc: Path) -> str | None:
    return next((path for hierarchy, path in _groups(proc) if hierarchy == ""), None)


def _groups(proc: Path) -> Sequence[tuple[str, str]]:
    """Hierarchy ("" for cgroup v2) and path of each group that we are in."""
    fields = [line.split(":", 2) for line in _lines(proc / "cgroup")]
    return [(entry[1], entry[2]) for entry in fields if len(entry) == 3]


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
