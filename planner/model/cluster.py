"""What a spec may ask of a cluster: the rules that the daemon's configuration sets.

By default a run asks for nothing that Kubernetes' pod security level *restricted* forbids, nor for more of its
namespace than its own pod. The configuration opts out of single rules by their names. Nothing here knows a spec.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Allow", "ClusterRules"]


class Allow(StrEnum):
    """What the configuration may allow specs to ask for (`backends.kubernetes.allow`)."""

    ROOT = "root"  # user 0
    PRIVILEGED = "privileged"
    PRIVILEGE_ESCALATION = "privilegeEscalation"
    CAPABILITIES = "capabilities"  # further ones than NET_BIND_SERVICE
    UNCONFINED = "unconfined"  # other profiles of seccomp, AppArmor and SELinux than the runtime's
    PROC_MOUNT = "procMount"
    SYSCTLS = "sysctls"
    HOST_PATH = "hostPath"
    HOST_NETWORK = "hostNetwork"
    HOST_PID = "hostPID"
    HOST_IPC = "hostIPC"
    HOST_PORTS = "hostPorts"
    NODE_NAME = "nodeName"
    NODE_SELECTION = "nodeSelection"  # nodeSelector, affinity and tolerations
    PRIORITY = "priority"  # priority classes and numbers
    SCHEDULER = "schedulerName"
    VOLUMES = "volumes"  # drivers of volumes beyond those of level restricted
    HOST_PROBES = "hostProbes"  # probes and lifecycle handlers that ask another host than the pod
    TOKENS = "serviceAccountTokens"


@dataclass(frozen=True, slots=True)
class ClusterRules:
    """What specs may ask for.

    Attributes:
        allow: what is allowed of that which is not by default.
        service_accounts: accounts that a spec may name.
        secrets: globs of the secrets and config maps that a spec may name; None for all but our own.
        annotations: globs of the annotations that a spec may set; None for all but those that controllers go by.
        user: the numeric user that programs run as whose spec has none; None for the image's own, which must be a
            number other than 0.
        agent: whether Plumbline's agent is in run pods, which brings code and takes artifacts away.
        group: the group that owns the volumes of a pod, where the spec has none; None for none.
    """

    allow: frozenset[Allow] = frozenset({Allow.NODE_SELECTION, Allow.PRIORITY, Allow.SCHEDULER})
    service_accounts: tuple[str, ...] = ()
    secrets: tuple[str, ...] | None = None
    annotations: tuple[str, ...] | None = None
    user: int | None = 65_532
    group: int | None = 65_532
    agent: bool = False
