"""What of an operation only a cluster goes by: where a run is put, what is beside it, which ends count for what.

These sections are live: what a run gives does not depend on them, so they are in no leaf digest. Why a leaf cannot run
in a cluster is told here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from planner.canon import Json
from planner.compile import cluster
from planner.compile.given import CompileConfig
from planner.model.desired import CompiledOperation, Leaf
from planner.model.gang import Gang, Lifetime

__all__ = ["Clustered", "cluster_of", "handled", "is_container", "refusal"]

_ABOUT_RUNS = frozenset({"notifications"})
"""Plugins that say something of runs and nothing of their pods."""


class Clustered(TypedDict, total=False):
    """Fields of a bound run; those that say nothing are left out."""

    namespace: str
    plugins: Mapping[str, Json]
    failure_policy: Mapping[str, Json]
    progress_deadline: float | None


def cluster_of(operation: CompiledOperation) -> Clustered:
    """What a bound run says of it."""
    found = Clustered()
    namespace = operation.sections.get("namespace")
    if isinstance(namespace, str) and namespace:
        found["namespace"] = namespace
    plugins = operation.section("plugins")
    if said := {name: value for name, value in plugins.items() if name not in _ABOUT_RUNS}:
        found["plugins"] = said
    policy = operation.section("termination").get("podFailurePolicy")
    if isinstance(policy, Mapping) and policy:
        found["failure_policy"] = policy
    if isinstance(operation.body, Leaf) and operation.body.gang.lifetime is Lifetime.ALWAYS:
        found["progress_deadline"] = operation.policy.progress_deadline
    return found


def refusal(leaf: Leaf, config: CompileConfig, kind: str) -> str:
    """Why a leaf cannot run in the cluster of a configuration, or ""; templates are looked at again at the start."""
    gang = leaf.gang
    if any(group.role != "main" for group in gang.replicas):
        who = f"a run of kind {kind}" if kind else "a run of several groups"
        return f"{who} needs the operator of its kind, and none is set up here"
    if not all(group.container.image for group in gang.replicas):
        return "Kubernetes runs images, and the container has none: set `container.image`"
    if config.cluster is None:
        return ""
    if not config.cluster.agent and (wanted := handled(gang)):
        return f"{wanted} reaches a pod by Plumbline's agent: set `agent` in `backends.kubernetes`"
    return next(cluster.reasons(gang, config.cluster), "")


def handled(gang: Gang) -> str:
    """What of a gang somebody must put in place before its program starts, or ""."""
    if gang.code:
        return "code of the repository (init: git)"
    entries = [entry for group in gang.replicas for entry in _entries(group.pod)]
    return "what `init` puts in place" if any(not is_container(entry) for entry in entries) else ""


def _entries(pod: Mapping[str, Json]) -> list[Mapping[str, Json]]:
    listed = pod.get("init")
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list | tuple) else []


def is_container(entry: Mapping[str, Json]) -> bool:
    """Whether an entry of `init` is a container of the spec's own, with or without a connection."""
    return "container" in entry and entry.keys() <= {"container", "connection", "path"}
