"""The pod failure policy of a Job: what makes the Job itself say how its pod ended, when the pod is long gone.

Every rule fails the Job, since attempts are ours: what the spec's action means for the next attempt is noted beside it
and read by `status`. Behind the rules of the spec stand two of ours. One tells disruptions (eviction, preemption, a
node that goes) from failures; the other has the exit code put into the words of the Job's condition. Both outlive the
pod, as the Job does that our finalizer keeps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from planner.canon import Json
from reconciler.backends.kubernetes import layout
from reconciler.backends.kubernetes.render.parts import Object, objects
from reconciler.errors import Refused

__all__ = ["Action", "failure_policy"]

_MOST = 18
"""Rules of a spec: Kubernetes takes 20."""
_MAIN = frozenset({"main", "polyaxon-main"})
"""What specs call the container of the program."""


class Action(StrEnum):
    """What a rule means for the next attempt."""

    IGNORE = "Ignore"  # it does not count
    COUNT = "Count"
    FAIL = "FailJob"  # there is none
    DISRUPTED = "Disrupted"  # ours: evicted, preempted, or its node went
    EXITED = "Exited"  # ours: the program ended by itself


def failure_policy(said: Mapping[str, Json], containers: Collection[str]) -> tuple[Object, Sequence[Action]]:
    """The policy, and what each of its rules means.

    Args:
        said: of the spec: a PodFailurePolicy, or empty.
        containers: names of the containers of the pod.

    Raises:
        Refused: a rule can never hold here.
    """
    rules, actions = [], []
    written = objects(said.get("rules"))
    if len(written) > _MOST:
        raise Refused(f"podFailurePolicy has {len(written)} rules, and {_MOST} are the most")
    for index, rule in enumerate(written):
        rules.append(_rule(rule, f"podFailurePolicy.rules[{index}]", containers))
        actions.append(_action(rule, index))
    rules.append({"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]})
    codes = {"containerName": layout.MAIN, "operator": "NotIn", "values": [0]}
    rules.append({"action": "FailJob", "onExitCodes": codes})
    return {"rules": rules}, [*actions, Action.DISRUPTED, Action.EXITED]


def _action(rule: Mapping[str, Any], index: int) -> Action:
    said = rule.get("action")
    if said not in {"Ignore", "Count", "FailJob"}:
        raise Refused(f"podFailurePolicy.rules[{index}]: the action {said} is not for a run of one pod")
    return Action(str(said))


def _rule(rule: Mapping[str, Any], called: str, containers: Collection[str]) -> Object:
    codes: Object = rule.get("onExitCodes") or {}
    conditions = objects(rule.get("onPodConditions"))
    if bool(codes) == bool(conditions):
        raise Refused(f"{called} needs either onExitCodes or onPodConditions")
    if conditions:
        return {"action": "FailJob", "onPodConditions": [{"status": "True", **one} for one in conditions]}
    name = codes.get("containerName") or layout.MAIN
    name = layout.MAIN if name in _MAIN else name
    if name not in containers:
        raise Refused(f"{called}: the run has no container {name!r}")
    values = sorted(set(_numbers(codes.get("values"))))
    return {
        "action": "FailJob",
        "onExitCodes": {"containerName": name, "operator": codes.get("operator", "In"), "values": values},
    }


def _numbers(values: Json) -> Iterator[int]:
    for value in values if isinstance(values, list | tuple) else ():
        if isinstance(value, int):
            yield value
