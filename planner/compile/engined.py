"""Why a leaf cannot run as a container of the engine of a machine.

Asked when a spec is compiled, of what is known then, and again of every value before anything is made of it: a template
is no way around a rule. Nothing here talks to an engine.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from planner.canon import Json
from planner.compile.scope import has_template
from planner.model.engine import EngineAllow, EngineRules
from planner.model.gang import Gang, Replica
from planner.spec.catalogue import Connection

__all__ = ["DONE", "USED", "VOLUMES", "engine_reasons"]

DONE = frozenset({"connections", "volumes", "container.volumeMounts"})
"""What the processes of a machine have not, and a container has."""
USED = frozenset({*DONE, "container.securityContext", "container.imagePullPolicy"})
"""Fields beside those of a process that make a difference to a container."""
VOLUMES = ("emptyDir", "hostPath", "persistentVolumeClaim")
"""Kinds of volumes that an engine has: a folder of the attempt, one of the machine, a named volume."""
_SECURITY = frozenset({"privileged", "allowPrivilegeEscalation", "capabilities", "readOnlyRootFilesystem"})
_OURS = "/plumbline"
_WHOLE = frozenset({"/", "/run", "/run/podman", "/var", "/var/run", "/var/run/podman", "/proc", "/sys", "/dev"})
_SOCKETS = ("docker.sock", "podman.sock", "containerd.sock", "crio.sock")


def engine_reasons(
    gang: Gang, rules: EngineRules | None, connections: Mapping[str, Connection] | None
) -> Iterator[str]:
    """One sentence each, the path first.

    Args:
        gang: its values as far as they are known.
        rules: of the configuration; None where they are not known.
        connections: the catalogue; None where it is not known.
    """
    for group in gang.replicas:
        if not group.container.image:
            yield "a container engine runs images, and the container has none: set `container.image`"
        yield from _connections(group, connections)
        yield from _volumes(group, rules)
        yield from _mounts(group)
        yield from _security(_section(group.pod, "container"), rules)


def _connections(group: Replica, known: Mapping[str, Connection] | None) -> Iterator[str]:
    names = group.pod.get("connections")
    for name in names if isinstance(names, list | tuple) else ():
        found = (known or {}).get(str(name))
        if found is not None and (found.secret is not None or found.config_map is not None):
            yield f"connections: `{name}` brings a secret or config map, which needs a backend with Kubernetes"


def _volumes(group: Replica, rules: EngineRules | None) -> Iterator[str]:
    for index, volume in _items(group.pod.get("volumes")):
        at = f"volumes[{index}]"
        kinds = sorted(volume.keys() - {"name"})
        if len(kinds) != 1 or kinds[0] not in VOLUMES:
            what = ", ".join(f"`{kind}`" for kind in kinds) or "nothing"
            yield f"{at}: a container engine has volumes of the kinds {', '.join(VOLUMES)}, and this is {what}"
        elif kinds[0] == "hostPath":
            yield from _refused(f"{at}.hostPath", EngineAllow.HOST_PATH, rules)
            path = str(_section(volume, "hostPath").get("path", ""))
            if not has_template(path) and _is_socket(path):
                yield f"{at}.hostPath: `{path}` gives all of the machine away, and is never mounted"
        elif kinds[0] == "persistentVolumeClaim":
            yield from _refused(f"{at}.persistentVolumeClaim", EngineAllow.VOLUMES, rules)


def _is_socket(path: str) -> bool:
    """Whether a folder of the machine is, or holds, what leads to an engine."""
    clean = posixpath.normpath(f"/{path}").replace("//", "/")
    return clean.endswith(_SOCKETS) or clean in _WHOLE


def _mounts(group: Replica) -> Iterator[str]:
    names = {str(volume.get("name")) for _, volume in _items(group.pod.get("volumes"))}
    for index, mount in _items(_section(group.pod, "container").get("volumeMounts")):
        at = f"container.volumeMounts[{index}]"
        path = str(mount.get("mountPath", ""))
        if str(mount.get("name")) not in names and not has_template(str(mount.get("name"))):
            yield f"{at}: there is no volume `{mount.get('name')}`"
        if has_template(path):
            continue
        clean = posixpath.normpath(path)
        if not path.startswith("/") or clean == "/":
            yield f"{at}.mountPath: `{path}` is no folder of a container: write it from the root on"
        elif clean == _OURS or clean.startswith(f"{_OURS}/"):
            yield f"{at}.mountPath: `{_OURS}` is Plumbline's own: take another folder"
        for name in sorted(mount.keys() - {"name", "mountPath", "readOnly"}):
            yield f"{at}.{name} needs a backend with Kubernetes"


def _security(container: Mapping[str, Any], rules: EngineRules | None) -> Iterator[str]:
    said = _section(container, "securityContext")
    at = "container.securityContext"
    if said.get("privileged") is True:
        yield from _refused(f"{at}.privileged", EngineAllow.PRIVILEGED, rules)
    if said.get("allowPrivilegeEscalation") is True:
        yield from _refused(f"{at}.allowPrivilegeEscalation", EngineAllow.PRIVILEGE_ESCALATION, rules)
    if _section(said, "capabilities").get("add"):
        yield from _refused(f"{at}.capabilities.add", EngineAllow.CAPABILITIES, rules)
    for name in sorted(said.keys() - _SECURITY):
        yield f"{at}.{name} needs a backend with Kubernetes: a container's user is that of `backends.engine`"


def _refused(what: str, allow: EngineAllow, rules: EngineRules | None) -> Iterator[str]:
    if rules is not None and allow not in rules.allow:
        yield f"{what} is not allowed here: only `{allow}` in `backends.engine.allow` allows it"


def _section(value: Json, name: str) -> Mapping[str, Any]:
    found = value.get(name) if isinstance(value, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _items(listed: Json) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for index, one in enumerate(listed if isinstance(listed, list | tuple) else ()):
        if isinstance(one, Mapping):
            yield index, one
