"""What of this machine a cluster could change: looked at before it comes and after it has gone."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

from tests.cluster import tidy
from tests.cluster.init import KERNEL
from tests.cluster.layout import Instance

ANOTHER = re.compile(r"plumbline-\d+")
"""Another cluster of this machine may come and go meanwhile."""


def machine() -> dict[str, object]:
    """Its links, routes, rules, mounts and kernel settings, without those of clusters."""
    settings = {name: _read(Path("/proc/sys", name)) for name in (*KERNEL, "net/ipv4/ip_forward")}
    return {
        "links": _without_clusters("ip", "-json", "link"),
        "routes": _without_clusters("ip", "-json", "route", "show", "table", "all"),
        "rules": subprocess.run(["nft", "list", "ruleset"], check=True, capture_output=True, text=True).stdout,
        "mounts": sorted(line.split(" ", 1)[1] for line in Path("/proc/self/mountinfo").read_text().splitlines()),
        "settings": settings,
    }


def of(instance: Instance, spaces: set[str]) -> dict[str, object]:
    """Whatever is left of one: nothing, when it has gone. `spaces` are its namespaces, from when it lived."""
    links = subprocess.run(["ip", "-json", "link"], check=True, capture_output=True, text=True).stdout
    left = {
        "processes": sorted(path.name for path in processes() if namespaces(path) & spaces),
        "groups": tidy.groups(instance),
        "links": [link["ifname"] for link in json.loads(links) if link["ifname"] == instance.name],
        "folder": [instance.folder] if instance.folder.exists() else [],
    }
    return {name: found for name, found in left.items() if found}


def processes() -> list[Path]:
    return [path for path in Path("/proc").iterdir() if path.name.isdigit()]


def namespaces(process: Path) -> set[str]:
    """The namespaces of a process that a cluster's node has for itself; of a process that has ended none."""
    found = set()
    for kind in ("pid", "net", "mnt"):
        try:
            found.add((process / "ns" / kind).readlink().name)
        except OSError:
            return set()
    return found - {Path("/proc/self/ns", kind).readlink().name for kind in ("pid", "net", "mnt")}


def _without_clusters(*command: str) -> list[object]:
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [item for item in json.loads(shown) if not ANOTHER.fullmatch(item.get("ifname") or item.get("dev") or "")]


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() and os.access(path, os.R_OK) else None
