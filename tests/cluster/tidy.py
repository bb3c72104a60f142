"""Remove what a cluster leaves behind when its processes have ended: the link, control groups, the folder.

Its mounts, its other links, its rules and its processes go with its namespaces. The link does too, some moments later.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.layout import INSTANCES, Instance

GROUPS = Path("/sys/fs/cgroup")
PATIENCE = 20.0
"""Seconds until processes that were killed have left their control groups."""


@contextmanager
def locked(instance: Instance) -> Iterator[bool]:
    """Hold the instance's lock, if nobody does: whether it is held. The file says by which process."""
    instance.lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(instance.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f"{os.getpid()}\n".encode())
            yield True
    finally:
        os.close(descriptor)


def leftovers() -> None:
    """Tidy after every keeper that was killed itself."""
    for instance in map(Instance, range(INSTANCES)):
        if instance.folder.exists():
            with locked(instance) as held:
                if held:
                    tidy(instance)


def groups(instance: Instance) -> list[Path]:
    """The control groups of the instance, in every hierarchy (in the one, where the machine has version 2)."""
    return [path for path in (GROUPS / instance.group, *GROUPS.glob(f"*/{instance.group}")) if path.is_dir()]


def make_groups(instance: Instance) -> None:
    """A group of the instance in every hierarchy: a kubelet takes only one that is there."""
    if (GROUPS / "cgroup.controllers").exists():
        (GROUPS / instance.group).mkdir(exist_ok=True)
        return
    for hierarchy in GROUPS.iterdir():
        if (hierarchy / "cgroup.procs").exists() and not hierarchy.is_symlink():
            (hierarchy / instance.group).mkdir(exist_ok=True)


def tidy(instance: Instance) -> None:
    """Whoever calls holds the lock, and the first process of the node has ended."""
    show = ["ip", "link", "show", instance.name]
    if subprocess.run(show, capture_output=True, check=False).returncode == 0:
        subprocess.run(["ip", "link", "delete", instance.name], capture_output=True, check=False)
    end = time.monotonic() + PATIENCE
    while True:
        try:
            for group in groups(instance):
                for folder in sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True):
                    folder.rmdir()
                group.rmdir()
            shutil.rmtree(instance.folder, ignore_errors=False)
        except FileNotFoundError:
            if not instance.folder.exists():
                return
        except OSError:
            if time.monotonic() > end:
                raise
        else:
            return
        time.sleep(0.05)
