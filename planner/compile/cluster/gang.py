"""A gang as a whole: its pods' surroundings, labels and annotations, and everything below."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from planner.canon import Json
from planner.compile.cluster import containers, security, volumes
from planner.compile.cluster.words import Rules, known, named, refused, section
from planner.model.cluster import Allow
from planner.model.gang import Gang, Replica

__all__ = ["reasons"]

_OURS = "plumbline.dev"
_RESERVED_LABELS = frozenset(
    {
        "app.kubernetes.io/managed-by",
        "job-name",
        "controller-uid",
        "pod-template-hash",
        "statefulset.kubernetes.io/pod-name",
    }
)
_RESERVED_DOMAINS = (
    "batch.kubernetes.io",
    "kueue.x-k8s.io",
    "security.alpha.kubernetes.io",
    "security.beta.kubernetes.io",
)
"""Domains of labels and annotations that controllers of the cluster go by, and would take our objects' for theirs."""
_LABEL = re.compile(r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_NAME = re.compile(
    r"(?:(?P<domain>[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?)/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)
_MOST_ANNOTATIONS = 200_000
_PLACES = ("nodeSelector", "affinity", "tolerations")
_RESOURCE = re.compile(
    r"cpu|memory|ephemeral-storage|hugepages-[0-9]+[KMG]i|[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?/[-A-Za-z0-9_.]+"
)


def reasons(gang: Gang, rules: Rules) -> Iterator[str]:
    """Why the runs of a gang may not be in a cluster with these rules: one sentence each, the path first."""
    yield from _labels("labels", gang.labels)
    yield from _annotations(gang.annotations, rules)
    for group in gang.replicas:
        said = section(group.pod, "environment")
        yield from _labels("labels", section(said, "labels"))
        yield from _annotations(section(said, "annotations"), rules)
        yield from _environment(said, rules)
        yield from volumes.of_pod(group.pod, rules)
        yield from containers.of_group(group, rules)
        yield from _resources(group)


# Labels and annotations


def _labels(field: str, said: Mapping[str, Json]) -> Iterator[str]:
    yield from _names(field, said)
    for name, value in said.items():
        text = known(value)
        if text and not _LABEL.fullmatch(text):
            yield f"environment.labels: {name}: `{text[:60]}` is no value of a label: up to 63 letters, digits, `-_.`"


def _annotations(said: Mapping[str, Json], rules: Rules) -> Iterator[str]:
    yield from _names("annotations", said)
    for name in said:
        if rules.annotations is not None and not any(fnmatchcase(name, glob) for glob in rules.annotations):
            what = f"specs may not set `{name[:60]}`: add it to `annotations` of `backends.kubernetes`"
            yield f"environment.annotations: {what}"
    if sum(len(name) + len(str(value)) for name, value in said.items()) > _MOST_ANNOTATIONS:
        yield "environment.annotations are over 200 kB, and Kubernetes takes 256 kB with ours"


def _names(field: str, said: Mapping[str, Json]) -> Iterator[str]:
    for name in said:
        found = _NAME.fullmatch(name)
        if found is None:
            yield f"environment.{field}: `{name[:60]}` is not the name of one"
            continue
        domain = found["domain"] or ""
        if _is_of(domain, _OURS) or name in _RESERVED_LABELS or any(_is_of(domain, one) for one in _RESERVED_DOMAINS):
            yield f"environment.{field}: `{name}` is not for specs: Plumbline and the cluster's controllers go by it"


def _is_of(domain: str, owner: str) -> bool:
    return domain == owner or domain.endswith(f".{owner}")


# Surroundings


def _environment(said: Mapping[str, Any], rules: Rules) -> Iterator[str]:
    for name, allow in (
        ("hostNetwork", Allow.HOST_NETWORK),
        ("hostPID", Allow.HOST_PID),
        ("hostIPC", Allow.HOST_IPC),
    ):
        if said.get(name) is True or said.get(name) == "true":
            yield from refused(f"environment.{name}", allow, rules)
    if said.get("nodeName"):
        yield from refused("environment.nodeName", Allow.NODE_NAME, rules)
    for name in _PLACES:
        if said.get(name):
            yield from refused(f"environment.{name}", Allow.NODE_SELECTION, rules)
    yield from _priority(said, rules)
    if said.get("schedulerName"):
        yield from refused("environment.schedulerName", Allow.SCHEDULER, rules)
    account = known(said.get("serviceAccountName"))
    if account and account not in rules.service_accounts:
        yield (
            f"environment.serviceAccountName: specs may not run as `{account}`: add it to `serviceAccounts` of "
            "`backends.kubernetes`"
        )
    for index, name in enumerate(said.get("imagePullSecrets") or ()):
        yield from named(f"environment.imagePullSecrets[{index}]", name, rules)
    yield from security.of_pod(section(said, "securityContext"), "environment.securityContext", rules)


def _priority(said: Mapping[str, Any], rules: Rules) -> Iterator[str]:
    if known(said.get("priorityClassName")).startswith("system-"):
        yield f"environment.priorityClassName: `{said['priorityClassName']}` is for the cluster's own pods"
    elif said.get("priorityClassName"):
        yield from refused("environment.priorityClassName", Allow.PRIORITY, rules)
    if said.get("priority") is not None:
        yield from refused("environment.priority", Allow.PRIORITY, rules)


def _resources(group: Replica) -> Iterator[str]:
    for name in dict.fromkeys((*group.container.resources, *group.container.limits)):
        if not _RESOURCE.fullmatch(name):
            known_ones = "cpu, memory, or one with a domain such as nvidia.com/gpu"
            yield f"container.resources: Kubernetes knows no resource `{name}`: {known_ones}"
