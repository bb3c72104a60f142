"""Security contexts: Kubernetes' level *restricted*, but for what the configuration allows and a spec asks for.

What a spec may ask for is checked before (`planner.compile.cluster`); here it is laid over the defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from planner.canon import Json
from planner.model.cluster import Allow, ClusterRules
from reconciler.backends.kubernetes.render.parts import Object, filled
from reconciler.backends.kubernetes.settings import AgentSettings

__all__ = ["agent_context", "container_context", "pod_context"]


def pod_context(said: Json, rules: ClusterRules) -> Object:
    """The security context of a pod."""
    own: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
    found = filled(runAsUser=rules.user, runAsGroup=rules.group, fsGroup=rules.group)
    if rules.group is not None:
        found["fsGroupChangePolicy"] = "OnRootMismatch"
    # What is allowed is for those that ask for it: everybody else keeps to level restricted.
    if Allow.ROOT not in rules.allow or own.get("runAsUser", rules.user):
        found["runAsNonRoot"] = True
    return {**found, "seccompProfile": {"type": "RuntimeDefault"}, **own}


def container_context(said: Json, rules: ClusterRules) -> Object:
    """The security context of a container of the spec."""
    own: dict[str, Any] = dict(said) if isinstance(said, Mapping) else {}
    found: Object = {}
    capabilities = own.pop("capabilities", None) or {}
    if own.get("privileged") is not True and "SYS_ADMIN" not in (capabilities.get("add") or ()):
        found["allowPrivilegeEscalation"] = False
    if own.get("privileged") is not True and (Allow.CAPABILITIES not in rules.allow or not capabilities):
        found["capabilities"] = {"drop": ["ALL"], **filled(add=capabilities.get("add"))}
    elif capabilities:
        found["capabilities"] = capabilities
    if Allow.ROOT in rules.allow and own.get("runAsUser") == 0:
        found["runAsNonRoot"] = False
    return {**found, **own}


def agent_context(agent: AgentSettings, pod: Mapping[str, Any]) -> Object:
    """The security context of the agent's containers, beside the pod's: the same user where that has one."""
    found: Object = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    if pod.get("runAsUser") is None:
        found["runAsUser"] = agent.user
    return found
