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
from planner.compile.ground import Ground
from planner.compile.origin import Origin, Report, info, warning
from planner.compile.policy import RootPolicy
from planner.compile.putting import unputtable
from planner.model.desired import CompiledOperation, Leaf
from planner.model.gang import Gang, Lifetime
from planner.spec.termination import Termination

__all__ = [
    "UNUSED",
    "Clustered",
    "cluster_of",
    "handled",
    "is_container",
    "refusal",
    "tell_not_asked",
    "tell_unused",
]

UNUSED = ("environment.restartPolicy", "container.restartPolicy", "container.restartPolicyRules")
"""What of a pod is not used in a cluster, as attempts are ours."""
_ABOUT_RUNS = frozenset({"notifications"})
"""Plugins that say something of runs and nothing of their pods."""


class Clustered(TypedDict, total=False):
    """Fields of a bound run; those that say nothing are left out."""

    namespace: str
    plugins: Mapping[str, Json]
    failure_policy: Mapping[str, Json]
    progress_deadline: float | None
    queue: str


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
    leaf = operation.body
    if isinstance(leaf, Leaf) and leaf.gang.lifetime is Lifetime.ALWAYS:
        found["progress_deadline"] = operation.policy.progress_deadline
    if isinstance(leaf, Leaf) and leaf.queue:
        found["queue"] = leaf.queue.replace(".", "/").rpartition("/")[2]
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
    put = [entry for group in gang.replicas for entry in _entries(group.pod) if not is_container(entry)]
    reasons = (*unputtable(put, config, "the Kubernetes backend"), *cluster.reasons(gang, config.cluster))
    return next(iter(reasons), "")


def tell_unused(gang: Gang, ground: Ground) -> None:
    """One line for what a spec says of its pods that would start its program again inside of an attempt."""
    unused = [name for group in gang.replicas for name in UNUSED if _says(group.pod, name)]
    if unused:
        message = f"not used on this backend: {', '.join(unused)}"
        hint = "`termination.maxRetries` makes further attempts; pods of services are always started again"
        ground.report.add(info(ground.origin.at(*unused[0].split(".")).problem("PL-701", message, hint)))


def tell_not_asked(said: Termination | str | None, origin: Origin, policy: RootPolicy, report: Report) -> None:
    """PL-704 for a service that is to be culled and that nobody on a cluster can ask whether it is idle."""
    if policy.backend != "kubernetes" or not isinstance(said, Termination) or said.culling is None:
        return
    words = ""
    if said.probe is not None and said.probe.exec is not None:
        words, hint = "by a command (`termination.probe.exec`)", "say how to ask it by `http`"
    elif policy.config.cluster is not None and not policy.config.cluster.agent:
        words, hint = "where no agent is in its pod", "set backends.kubernetes.agent in the daemon's configuration"
    if words:
        message = f"on a cluster nobody asks a service {words} whether it is idle: this one is not culled"
        report.add(warning(origin.at("culling").key_problem("PL-704", message, hint)))


def _says(pod: Mapping[str, Json], name: str) -> bool:
    section, _, field = name.partition(".")
    found = pod.get(section)
    return isinstance(found, Mapping) and found.get(field) not in (None, "Never")


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
