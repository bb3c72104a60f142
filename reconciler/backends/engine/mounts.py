"""What a container sees of this machine beside its run: volumes of its spec, and what connections lead to. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from planner.canon import Json
from planner.spec.catalogue import Connection
from planner.spec.queues import amount
from reconciler.errors import Refused

__all__ = ["Object", "bind", "folders_of", "mounts_of"]

Object = dict[str, Any]
VOLUMES = "volumes"
"""Folder of an attempt with what its `emptyDir` volumes hold."""


def bind(source: str, target: str, *, read_only: bool = False) -> Object:
    """A folder of this machine. It must be there: the engine makes none, and a container without it does not start."""
    return {"Type": "bind", "Source": source, "Target": target, "ReadOnly": read_only}


def mounts_of(pod: Mapping[str, Json], base: str, connections: Mapping[str, Connection]) -> Iterator[Object]:
    """What a spec mounts, and what its connections bring.

    Raises:
        Refused: there is no such connection or volume.
    """
    volumes = {str(volume.get("name")): volume for volume in _listed(pod.get("volumes"))}
    container = pod.get("container")
    for mount in _listed(container.get("volumeMounts") if isinstance(container, Mapping) else None):
        name = str(mount.get("name"))
        if name not in volumes:
            raise Refused(f"container.volumeMounts: there is no volume {name!r}")
        yield _volume(volumes[name], str(mount["mountPath"]), base, read_only=mount.get("readOnly") is True)
    names = pod.get("connections")
    for name in dict.fromkeys(map(str, names if isinstance(names, list | tuple) else ())):
        if name not in connections:
            raise Refused(f"there is no connection {name!r} in the configuration")
        yield from _leads(connections[name])


def folders_of(pod: Mapping[str, Json]) -> list[str]:
    """Folders below that of the attempt that its volumes are."""
    named = [(str(volume.get("name")), volume.get("emptyDir")) for volume in _listed(pod.get("volumes"))]
    return [name for name, said in named if isinstance(said, Mapping) and said.get("medium") != "Memory"]


def _volume(volume: Mapping[str, Any], target: str, base: str, *, read_only: bool) -> Object:
    if isinstance(path := volume.get("hostPath"), Mapping):
        return bind(str(path.get("path")), target, read_only=read_only)
    if isinstance(claim := volume.get("persistentVolumeClaim"), Mapping):
        return _named(str(claim.get("claimName")), target, read_only=read_only or claim.get("readOnly") is True)
    said = volume.get("emptyDir")
    if isinstance(said, Mapping) and said.get("medium") == "Memory":
        size = amount(str(said.get("sizeLimit") or ""))
        options: Object = {"TmpfsOptions": {"SizeBytes": int(size)}} if size else {}
        return {"Type": "tmpfs", "Target": target, **options}
    return bind(f"{base}/{VOLUMES}/{volume.get('name')}", target, read_only=read_only)


def _named(source: str, target: str, *, read_only: bool) -> Object:
    """A named volume, which the engine makes where there is none."""
    return {"Type": "volume", "Source": source, "Target": target, "ReadOnly": read_only}


def _leads(connection: Connection) -> Iterator[Object]:
    schema = connection.schema_fields
    read_only = schema.get("readOnly") is True
    if connection.kind == "volume_claim":
        yield _named(str(schema["volumeClaim"]), str(schema["mountPath"]), read_only=read_only)
    elif connection.kind == "host_path":
        yield bind(str(schema["hostPath"]), str(schema["mountPath"]), read_only=read_only)


def _listed(said: Json) -> Iterator[Mapping[str, Any]]:
    for one in said if isinstance(said, list | tuple) else ():
        if isinstance(one, Mapping):
            yield one
