"""Containers of a spec's own: init containers, and those beside the program.

They are Kubernetes' and written as such; here they get a name, what a program sees, and the security of the pod.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from planner.canon import Json
from planner.compile.cluster import container_name
from planner.compile.clustered import is_container
from reconciler.backends.kubernetes import layout
from reconciler.backends.kubernetes.render.connections import brought
from reconciler.backends.kubernetes.render.parts import Object, Part, filled, is_true, objects
from reconciler.backends.kubernetes.render.security import container_context
from reconciler.backends.kubernetes.settings import KubernetesSettings
from reconciler.errors import Refused
from reconciler.ports import Order

__all__ = ["init_containers", "sidecars"]

_LISTS = ("env", "envFrom", "volumeMounts")


def init_containers(pod: Mapping[str, Json], main: Object, settings: KubernetesSettings) -> Iterator[Object]:
    """The init containers that a spec has itself, in their order.

    Args:
        pod: what the spec says of its pod.
        main: the container of the program, whose mounts they see.
        settings: of the backend.

    Raises:
        Refused: one has no image.
    """
    entries = objects(pod.get("init"))
    own = [mount for mount in main["volumeMounts"] if mount["name"] == layout.VOLUME]
    for index, entry in enumerate(entries):
        if not is_container(entry):
            continue
        connection = entry.get("connection")
        part = brought([connection] if connection else [], settings.connections)
        yield _container(dict(entry["container"]), f"init-{index}", (part, own), settings)


def sidecars(order: Order, main: Object, connections: Part, settings: KubernetesSettings) -> Iterator[Object]:
    """The containers beside the program: they see its variables and mounts.

    Raises:
        Refused: one has no image.
    """
    plugin = order.run.plugins.get("sidecar")
    alone = is_true(plugin.get("noConnections")) if isinstance(plugin, Mapping) else False
    left: frozenset[str] = frozenset()
    if alone:
        left = frozenset(str(one["name"]) for one in (*connections.env, *connections.volumes))
    shared = Part(
        env=tuple(one for one in main.get("env", ()) if one["name"] not in left),
        env_from=tuple(one for one in main.get("envFrom", ()) if not alone or one not in connections.env_from),
    )
    mounts = [one for one in main.get("volumeMounts", ()) if one["name"] not in left]
    for index, said in enumerate(objects(order.run.gang.replicas[0].pod.get("sidecars"))):
        yield _container(said, f"sidecar-{index}", (shared, mounts), settings)


def _container(
    said: dict[str, Any], name: str, seen: tuple[Part, list[Object]], settings: KubernetesSettings
) -> Object:
    """A container with what it sees; what it says itself holds, but for variables of the contract."""
    name = container_name(said, name)
    if not said.get("image"):
        raise Refused(f"the container {name} needs an image")
    part, mounts = seen
    own = {"name": name, **{field: value for field, value in said.items() if field not in {*_LISTS, "name"}}}
    env = {one["name"]: one for one in (*objects(said.get("env")), *part.env)}
    paths = {one["mountPath"]: one for one in (*mounts, *part.mounts, *objects(said.get("volumeMounts")))}
    own["securityContext"] = container_context(said.get("securityContext"), settings.rules)
    lists = filled(
        env=list(env.values()),
        envFrom=[*objects(said.get("envFrom")), *part.env_from],
        volumeMounts=list(paths.values()),
    )
    return {**own, **lists}
