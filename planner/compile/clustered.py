"""What of an operation only a cluster goes by: where a run is put, what is beside it, which ends count for what.

These sections are live: what a run gives does not depend on them, so they are in no leaf digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from planner.canon import Json
from planner.model.desired import CompiledOperation, Leaf
from planner.model.gang import Lifetime

__all__ = ["Clustered", "cluster_of"]

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
