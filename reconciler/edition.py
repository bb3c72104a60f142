"""What plans here: a name for this code with the calendar that it goes by.

What an instant of a schedule is may differ between versions of this program, of croniter and of the time zone
database. A root that was found to rest by another edition is planned when the daemon starts. Told from names, sizes and
times of files, which cost little; where they differ without need, one start takes longer. This module must never look
into configuration: what that changes of an operation is another target, which is recorded.
"""

from __future__ import annotations

import hashlib
import os
import zoneinfo
from collections.abc import Iterator
from importlib import metadata, util
from pathlib import Path

__all__ = ["edition"]

_COPIES = ("posix", "right", "__pycache__")
"""Folders with the zones once more, and what is made of the code."""


def edition() -> str:
    """The name of this edition: equal as long as the same planner reads the same calendar."""
    seen = hashlib.sha256(metadata.version("croniter").encode())
    for folder in (*_packages("planner", "reconciler"), *map(Path, zoneinfo.TZPATH), *_packages("tzdata")):
        for line in _listing(str(folder), ""):
            seen.update(line.encode("utf-8", "surrogateescape") + b"\0")
        seen.update(b"\0")
    return seen.hexdigest()[:32]


def _packages(*names: str) -> list[Path]:
    specs = [util.find_spec(name) for name in names]
    return [Path(place) for spec in specs if spec for place in spec.submodule_search_locations or ()]


def _listing(top: str, below: str) -> Iterator[str]:
    """A line for every file under a folder, in an order that is always the same; none where there is no such folder."""
    try:
        with os.scandir(Path(top, below)) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        name = f"{below}/{entry.name}".lstrip("/")
        if entry.is_dir():
            yield from () if entry.name in _COPIES else _listing(top, name)
            continue
        about = entry.stat(follow_symlinks=False)
        yield f"{name} {about.st_size} {about.st_mtime_ns}"
