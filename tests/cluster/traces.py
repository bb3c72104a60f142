"""What of this machine a cluster could change: looked at before it comes and after it has gone."""

from __future__ import annotations

import fcntl
import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster import start, tidy
from tests.cluster.init import KERNEL
from tests.cluster.layout import Instance

ANOTHER = re.compile(r"plumbline-\d+")
"""Another cluster of this machine may come and go meanwhile."""
PLACES = re.compile(r"/clusters/\d|netns|containerd|kubelet|/proc/sys|/var/log")
"""Where a node mounts something."""
NS_GET_PARENT = 0xB702
"""Of linux/nsfs.h: the namespace above one of pids."""


def machine() -> dict[str, object]:
    """Its links, routes, rules without their counters, mounts and kernel settings, without those of clusters."""
    settings = {name: _read(Path("/proc/sys", name)) for name in (*KERNEL, "net/ipv4/ip_forward")}
    rules = ["nft", "--stateless", "list", "ruleset"]
    return {
        "links": _without_clusters("ip", "-json", "link"),
        "routes": _without_clusters("ip", "-json", "route", "show", "table", "all"),
        "rules": subprocess.run(rules, check=True, capture_output=True, text=True).stdout,
        "mounts": sorted(line for line in Path("/proc/self/mountinfo").read_text().splitlines() if PLACES.search(line)),
        "settings": settings,
    }


@contextmanager
def watched(instance: Instance) -> Iterator[int]:
    """The pid namespace of a node that lives. While it is open no other namespace gets its number."""
    with Path("/proc", str(start.first(instance)), "ns", "pid").open("rb") as space:
        yield space.fileno()


def of(instance: Instance, space: int) -> dict[str, object]:
    """Whatever is left of one whose pid namespace is watched: nothing, when it has gone."""
    links = subprocess.run(["ip", "-json", "link"], check=True, capture_output=True, text=True).stdout
    left = {
        "processes": [path.name for path in Path("/proc").iterdir() if path.name.isdigit() and _below(path, space)],
        "groups": tidy.groups(instance),
        "links": [link["ifname"] for link in json.loads(links) if link["ifname"] == instance.name],
        "folder": [instance.folder] if instance.folder.exists() else [],
    }
    return {name: found for name, found in left.items() if found}


def _below(process: Path, space: int) -> bool:
    """Whether a process lives in a pid namespace, or in one below it, as those of containers do."""
    number = os.fstat(space).st_ino
    try:
        found = os.open(process / "ns" / "pid", os.O_RDONLY)
    except OSError:  # it has ended
        return False
    try:
        while os.fstat(found).st_ino != number:
            above = fcntl.ioctl(found, NS_GET_PARENT)
            os.close(found)
            found = above
    except PermissionError:  # above this process's own
        return False
    finally:
        os.close(found)
    return True


def _without_clusters(*command: str) -> list[object]:
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [item for item in json.loads(shown) if not ANOTHER.fullmatch(item.get("ifname") or item.get("dev") or "")]


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() and os.access(path, os.R_OK) else None
