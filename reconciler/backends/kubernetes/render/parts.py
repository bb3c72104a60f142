"""What something adds to a pod: the one currency between the modules here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from planner.canon import Json

__all__ = ["Object", "Part", "filled", "is_true", "joined", "objects"]

Object = dict[str, Any]
"""A JSON object of Kubernetes."""


@dataclass(frozen=True, slots=True)
class Part:
    """Volumes and what containers see of them; variables; containers before the program.

    Attributes:
        volumes: of the pod.
        mounts: of the program's container.
        env: variables of it, as Kubernetes has them.
        env_from: secrets and config maps whose keys are variables of it.
        init: init containers, in their order.
        annotations: of the pod.
    """

    volumes: tuple[Object, ...] = ()
    mounts: tuple[Object, ...] = ()
    env: tuple[Object, ...] = ()
    env_from: tuple[Object, ...] = ()
    init: tuple[Object, ...] = ()
    annotations: Mapping[str, str] = field(default_factory=dict)


def joined(parts: Iterable[Part]) -> Part:
    """All of them; of equal volumes one, of equal variables the last."""
    listed = tuple(parts)
    volumes = {volume["name"]: volume for part in listed for volume in part.volumes}
    env: dict[str, Object] = {}
    for entry in (one for part in listed for one in part.env):
        env.pop(entry["name"], None)
        env[entry["name"]] = entry
    mounts = {str(mount["mountPath"]): mount for part in listed for mount in part.mounts}
    return Part(
        volumes=tuple(volumes.values()),
        mounts=tuple(mounts.values()),
        env=tuple(env.values()),
        env_from=tuple(entry for part in listed for entry in part.env_from),
        init=tuple(container for part in listed for container in part.init),
        annotations={name: text for part in listed for name, text in part.annotations.items()},
    )


def objects(value: Json) -> list[Object]:
    """The mappings of a list, each a copy of its own."""
    return [dict(one) for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []


def filled(**fields: Json) -> Object:
    """Fields that say something, by their names in Kubernetes: false and 0 do, null and what is empty do not."""
    return {name: value for name, value in fields.items() if value is not None and value not in ("", [], {}, ())}


def is_true(value: Json) -> bool:
    """Whether a switch is on, which may have come out of a template as text."""
    return value is True or value == "true"
