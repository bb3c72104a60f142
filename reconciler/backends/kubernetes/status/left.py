"""What a program left, as far as the pod itself carries it: outputs, metrics and artifacts in termination messages.

Without the agent the termination message of the program's container is its output file: the last 4 KiB of it. With the
agent it is the sidecar's, a JSON object; what does not fit there, the agent gives to the daemon.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from planner.canon import Json
from planner.model.artifacts import Artifacts
from reconciler.backends import outputs
from reconciler.backends.kubernetes import layout
from reconciler.backends.kubernetes.status.read import Object, container, terminated, text

__all__ = ["SCHEMA", "Left", "left_by", "left_of", "owed_by"]

SCHEMA = "plumbline.left/1"
"""What the sidecar's message says it is."""


_NOT_ITS_OWN = frozenset({"ContainerStatusUnknown", "StartError", "ContainerCannotRun"})
"""Ends whose message is the node's and not the program's."""


@dataclass(frozen=True, slots=True)
class Left:
    """What a program left.

    Attributes:
        outputs: name to value.
        metrics: the last value of each.
        artifacts: a summary of its folder; None where nobody kept it.
        message: what people should know of it, or "".
        more: whether there is more than the pod carries, which the daemon was given.
        unsent: files that the daemon did not have when the program had ended.
    """

    outputs: Mapping[str, Json] = field(default_factory=dict)
    metrics: Mapping[str, Json] = field(default_factory=dict)
    artifacts: Artifacts | None = None
    message: str = ""
    more: bool = False
    unsent: int = 0


def left_by(pod: Object) -> Left:
    """What the pod of a program that ended carries."""
    beside = container(pod, layout.SIDECAR)
    if not beside:
        ended = terminated(container(pod, layout.MAIN))
        return _of_file(text(ended, "message").encode() if text(ended, "reason") not in _NOT_ITS_OWN else b"")
    found = left_of(text(terminated(beside), "message"))
    if found is None:
        return Left(message="what it left did not come along: the sidecar ended without a word")
    return found


def owed_by(pod: Object) -> str:
    """What a program left that is missing where the daemon was not given all; "" where that is nothing."""
    beside = container(pod, layout.SIDECAR)
    left = left_of(text(terminated(beside), "message")) if beside else Left()
    if left is None:
        return "what it left"
    if left.unsent:
        return f"{left.unsent:,} of its files" if left.unsent > 1 else "a file of it"
    return "its outputs" if left.more and not left.outputs else ""


def _of_file(data: bytes) -> Left:
    """The output file, which Kubernetes cuts at its beginning."""
    remark = ""
    if len(data) >= layout.MOST_MESSAGE:
        data = data.partition(b"\n")[2]
        remark = "output file: only the last 4 KiB came along, as pods have no agent"
    found = outputs.parse(data)
    return Left(outputs=found.values, message="; ".join(filter(None, (remark, found.message))))


def left_of(message: str) -> Left | None:
    """What the sidecar says, in a pod or to the daemon; None for what is none of its words."""
    try:
        said = json.loads(message)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("schema") != SCHEMA:
        return None
    written = outputs.parse(str(said.get("output") or "").encode())
    return Left(
        outputs=written.values or _fitting(said.get("outputs")),
        metrics=_fitting(said.get("metrics")),
        artifacts=_artifacts(said.get("artifacts")),
        message="; ".join(filter(None, (str(said.get("message") or ""), written.message))),
        more=said.get("more") is True,
        unsent=unsent if isinstance(unsent := said.get("unsent"), int) else 0,
    )


def _fitting(values: Any) -> dict[str, Json]:
    """A program can have written over what the agent read: nothing is believed that no record can carry."""
    if not isinstance(values, dict):
        return {}
    return {name: value for name, value in values.items() if outputs.NAME.fullmatch(name) and outputs.fits(value)}


def _artifacts(said: Any) -> Artifacts | None:
    if not isinstance(said, dict):
        return None
    names, files, size = said.get("names"), said.get("files"), said.get("size")
    if not isinstance(names, list) or not all(isinstance(one, int) and one >= 0 for one in (files, size)):
        return None
    own = tuple(sorted(name for name in names if isinstance(name, str)))
    return Artifacts(str(said.get("folder") or ""), own, int(files or 0), int(size or 0), said.get("more") is True)
