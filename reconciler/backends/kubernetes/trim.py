"""What of an object is kept in memory: what says how it is, and whose; never what it was asked to be.

A pod of real size has 6 kB of text and 50 kB as Python has it; what is kept of it has less than a tenth, as equal texts
of all objects are one. Nothing is renamed, so whoever reads a trimmed object reads it as the API documents it. What it
must never do: drop what `status` reads.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from typing import Any

__all__ = ["trimmed"]

Object = dict[str, Any]

_META = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "finalizers",
    "labels",
    "annotations",
)
_SPEC = (
    "suspend",
    "parallelism",
    "replicas",
    "nodeName",
    "activeDeadlineSeconds",
    "selector",
    "progressDeadlineSeconds",
)
_STATUS_DROPPED = frozenset({"hostIPs", "podIPs", "uncountedTerminatedPods", "qosClass", "resize", "managedFields"})
_CONTAINER = ("name", "ready", "started", "restartCount", "state", "lastState", "image", "imageID")
_CONDITION = ("type", "status", "reason", "message", "lastTransitionTime")
_CONTAINERS = frozenset({"containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"})
_FOREIGN = ("kubectl.kubernetes.io/", "deployment.kubernetes.io/", "cni.", "k8s.v1.cni.")
"""Annotations that others write on our objects, some of them as long as the object."""


def trimmed(told: Object) -> Object:
    """What is kept of an object as the API server told it."""
    spec: Mapping[str, Any] = told.get("spec") or {}
    kept: Object = {"metadata": _metadata(told["metadata"]), "spec": _only(spec, _SPEC)}
    kept["status"] = _status(told.get("status") or {})
    shared: Object = _shared(kept)
    return shared


def _metadata(told: Mapping[str, Any]) -> Object:
    kept = _only(told, _META)
    annotations: Mapping[str, str] = told.get("annotations") or {}
    if annotations:
        kept["annotations"] = {
            name: value for name, value in annotations.items() if not name.startswith(_FOREIGN) and len(value) <= 2048
        }
    return kept


def _status(told: Mapping[str, Any]) -> Object:
    kept: Object = {}
    for name, value in told.items():
        if name in _CONTAINERS:
            kept[name] = [_only(container, _CONTAINER) for container in value]
        elif name == "conditions":
            kept[name] = [_only(condition, _CONDITION) for condition in value]
        elif name not in _STATUS_DROPPED:
            kept[name] = value
    return kept


def _only(told: Mapping[str, Any], names: Collection[str]) -> Object:
    return {name: told[name] for name in names if told.get(name) is not None}


def _shared(value: Any) -> Any:
    """The same, of texts that are one with equal texts of other objects: labels, images and states are much alike."""
    if isinstance(value, str):
        return sys.intern(value)
    if isinstance(value, dict):
        return {sys.intern(name): _shared(each) for name, each in value.items()}
    return [_shared(each) for each in value] if isinstance(value, list) else value
