"""What connections bring into a pod: volumes, variables, secrets and config maps (reference, section 10.11).

The daemon's configuration says what a connection is, so what comes of it is allowed. No value of a secret is here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from planner.canon import Json
from planner.spec.catalogue import Connection, Resource
from reconciler.backends.kubernetes.names import RESERVED
from reconciler.backends.kubernetes.render.parts import Object, Part, filled, joined
from reconciler.errors import Refused

__all__ = ["brought"]


def brought(names: Json, catalogue: Mapping[str, Connection]) -> Part:
    """What the connections of these names bring.

    Raises:
        Refused: the configuration has none of a name.
    """
    listed = names if isinstance(names, list | tuple) else ()
    parts = []
    for name in dict.fromkeys(map(str, listed)):
        if name not in catalogue:
            raise Refused(f"there is no connection {name!r} in the configuration")
        parts.append(_part(catalogue[name]))
    return joined(parts)


def _part(connection: Connection) -> Part:
    parts = [
        _leads(connection),
        *_resource(connection.secret, "secret"),
        *_resource(connection.config_map, "configMap"),
    ]
    env = tuple({"name": name, "value": value} for name, value in (connection.env or {}).items())
    return joined([*parts, Part(env=env, annotations=connection.annotations or {})])


def _leads(connection: Connection) -> Part:
    """The volume of a connection that is one."""
    schema, name = connection.schema_fields, _volume(connection.name)
    read_only = schema.get("readOnly") is True
    if connection.kind == "volume_claim":
        source: Object = {"persistentVolumeClaim": filled(claimName=schema["volumeClaim"], readOnly=read_only or None)}
    elif connection.kind == "host_path":
        source = {"hostPath": {"path": schema["hostPath"]}}
    else:
        return Part()
    mount = filled(name=name, mountPath=schema["mountPath"], readOnly=read_only or None)
    return Part(volumes=({"name": name, **source},), mounts=(mount,))


def _volume(name: str) -> str:
    return f"{RESERVED}connection-{name.lower().replace('_', '-')}"[:63].rstrip("-")


def _resource(said: Resource | None, kind: str) -> Iterator[Part]:
    """A secret or config map: mounted, or one variable a key, or all of its keys as variables."""
    if said is None:
        return
    of_secret = kind == "secret"
    if said.mount_path is not None:
        name = _volume(f"{kind.lower()}-{said.name}".replace(".", "-"))
        items = [{"key": key, "path": key} for key in said.items or ()]
        source = filled(items=items, defaultMode=said.default_mode)
        source["secretName" if of_secret else "name"] = said.name
        mount = {"name": name, "mountPath": said.mount_path, "readOnly": True}
        yield Part(volumes=({"name": name, kind: source},), mounts=(mount,))
    elif said.items:
        reference = "secretKeyRef" if of_secret else "configMapKeyRef"
        yield Part(
            env=tuple({"name": key, "valueFrom": {reference: {"name": said.name, "key": key}}} for key in said.items)
        )
    else:
        yield Part(env_from=({"secretRef" if of_secret else "configMapRef": {"name": said.name}},))
