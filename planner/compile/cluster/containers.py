"""Containers: the program's, those beside it, and init containers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from planner.canon import Json
from planner.compile.cluster import security, volumes
from planner.compile.cluster.words import RESERVED, Rules, items, named, refused, section
from planner.compile.scope import has_template
from planner.model.cluster import Allow
from planner.model.gang import Replica

__all__ = ["container_name", "of_group"]

_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_PROBES = ("readinessProbe", "livenessProbe", "startupProbe")


def of_group(group: Replica, rules: Rules) -> Iterator[str]:
    """Why the pod of a group may not have its containers."""
    yield from _container(section(group.pod, "container"), "container", rules)
    seen = {"main"}
    for index, one in items(group.pod, "sidecars"):
        yield from _named(container_name(one, f"sidecar-{index}"), f"sidecars[{index}]", seen)
        yield from _container(one, f"sidecars[{index}]", rules)
    for index, entry in items(group.pod, "init"):
        at = f"init[{index}]"
        yield from _entry(entry, at)
        box = section(entry, "container")
        if box:
            yield from _named(container_name(box, f"init-{index}"), f"{at}.container", seen)
            yield from _container(box, f"{at}.container", rules)


def container_name(said: Mapping[str, Any], otherwise: str) -> str:
    """What a container of a spec is called in its pod: a name as Kubernetes takes it (reference, section 22.3)."""
    return str(said.get("name") or otherwise).lower().replace("_", "-")


def _named(name: str, at: str, seen: set[str]) -> Iterator[str]:
    if has_template(name):
        return
    if not _NAME.fullmatch(name):
        yield f"{at}.name: `{name[:60]}` is not the name of a container: up to 63 letters, digits and `-`"
    elif name.startswith(RESERVED):
        yield f"{at}.name: containers named `{RESERVED}…` are Plumbline's own: give it another name"
    elif name in seen:
        yield f"{at}.name: there is another container named `{name}`: give it another name"
    seen.add(name)


def _entry(entry: Mapping[str, Any], at: str) -> Iterator[str]:
    path = entry.get("path")
    if isinstance(path, str) and (path.startswith("/") or ".." in path.split("/")):
        yield f"{at}.path: `{path}` leads out of the working folder: write it relative, without `..`"
    if section(entry, "container") and entry.keys() - {"container", "connection", "path"}:
        yield f"{at}: what the daemon puts in place is done by its own container, so `container` cannot change it"


def _container(said: Mapping[str, Any], at: str, rules: Rules) -> Iterator[str]:
    yield from security.of_container(section(said, "securityContext"), f"{at}.securityContext", rules)
    yield from volumes.of_mounts(said, at, rules)
    for index, port in items(said, "ports"):
        if port.get("hostPort"):
            yield from refused(f"{at}.ports[{index}].hostPort", Allow.HOST_PORTS, rules)
    for index, entry in items(said, "env"):
        source = section(entry, "valueFrom")
        for kind in ("secretKeyRef", "configMapKeyRef"):
            yield from named(f"{at}.env[{index}]", section(source, kind).get("name"), rules)
    for index, entry in items(said, "envFrom"):
        for kind in ("secretRef", "configMapRef"):
            yield from named(f"{at}.envFrom[{index}]", section(entry, kind).get("name"), rules)
    yield from _hosts(said, at, rules)
    if section(said, "resources").get("claims"):
        yield f"{at}.resources.claims: a spec has no claims of devices for its pod to name"


def _hosts(said: Mapping[str, Any], at: str, rules: Rules) -> Iterator[str]:
    """What has the node ask another host than the pod."""
    handlers: dict[str, Json] = {name: said.get(name) for name in _PROBES}
    handlers |= {f"lifecycle.{name}": section(said, "lifecycle").get(name) for name in ("postStart", "preStop")}
    for name, handler in handlers.items():
        for way in ("httpGet", "tcpSocket"):
            if section(handler, way).get("host"):
                yield from refused(f"{at}.{name}.{way}.host", Allow.HOST_PROBES, rules)
