"""Reading objects of Kubernetes as JSON: conditions, instants, states of containers. Nothing here knows what they mean.

What is missing reads as empty: objects may be trimmed, and a server of another version leaves fields out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

__all__ = [
    "Object",
    "annotation",
    "condition",
    "container",
    "containers",
    "denied",
    "instant",
    "section",
    "terminated",
    "text",
]

Object = Mapping[str, Any]
"""A JSON object of Kubernetes, or a part of one."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def section(value: Object, *path: str) -> Object:
    """The mapping at a path; empty where there is none."""
    for name in path:
        found = value.get(name)
        if not isinstance(found, Mapping):
            return {}
        value = found
    return value


def text(value: Object, name: str) -> str:
    """The text of a field; "" where there is none."""
    found = value.get(name)
    return found if isinstance(found, str) else ""


def annotation(value: Object, name: str) -> str:
    """An annotation of an object; "" where there is none."""
    return text(section(value, "metadata", "annotations"), name)


def condition(value: Object, kind: str) -> Object:
    """A condition that is true; empty where it is not, or there is none."""
    return _condition(value, kind, "True")


def _condition(value: Object, kind: str, status: str) -> Object:
    listed = section(value, "status").get("conditions") or ()
    return next((one for one in listed if one.get("type") == kind and one.get("status") == status), {})


def denied(value: Object, kind: str) -> Object:
    """A condition that is false; empty where it is not, or there is none."""
    return _condition(value, kind, "False")


def instant(value: Object, name: str) -> datetime | None:
    """An instant of a field; None where there is none, or the one that stands for none."""
    said = text(value, name)
    if not said:
        return None
    try:
        found = datetime.fromisoformat(said).astimezone(UTC)
    except ValueError:
        return None
    return found if found > _EPOCH else None


def containers(pod: Object) -> Sequence[Object]:
    """States of the containers of a pod, those before and beside the program first."""
    status = section(pod, "status")
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def container(pod: Object, name: str) -> Object:
    """The state of one container; empty where nothing is known of it."""
    return next((one for one in containers(pod) if one.get("name") == name), {})


def terminated(status: Object) -> Object:
    """How a container ended; empty where it did not."""
    return section(status, "state", "terminated")
