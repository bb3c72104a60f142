"""What the reference knows and Plumbline does not run yet.

Such a field is refused by name instead of being called unknown, so that nobody looks for a typing error. A field
leaves this table when its section gains it; nothing else has to change.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["LATER", "LATER_RUN_KINDS"]

_RUNTIME = frozenset({"connections", "volumes", "sidecars"})

LATER: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "Policy": frozenset({"retention", "notifications"}),
        "PolicyRule": frozenset({"retention", "notifications"}),
        "Budgets": frozenset({"trials"}),
        "Environment": frozenset(
            [
                "nodeSelector",
                "affinity",
                "tolerations",
                "nodeName",
                "serviceAccountName",
                "hostAliases",
                "securityContext",
                "imagePullSecrets",
                "hostNetwork",
                "hostPID",
                "hostIPC",
                "dnsPolicy",
                "dnsConfig",
                "schedulerName",
                "priorityClassName",
                "priority",
                "restartPolicy",
            ]
        ),
        "Job": _RUNTIME,
        "Service": _RUNTIME,
        "Dag": frozenset({"connections", "volumes", "earlyStopping"}),
        "InitEntry": frozenset(
            [
                "artifacts",
                "paths",
                "dockerfile",
                "file",
                "tensorboard",
                "lineageRef",
                "modelRef",
                "artifactRef",
                "connection",
                "container",
            ]
        ),
        "GitInit": frozenset({"url", "revision", "flags"}),
        "Container": frozenset(
            [
                "envFrom",
                "imagePullPolicy",
                "lifecycle",
                "livenessProbe",
                "startupProbe",
                "ports",
                "resizePolicy",
                "restartPolicy",
                "securityContext",
                "stdin",
                "stdinOnce",
                "terminationMessagePath",
                "terminationMessagePolicy",
                "tty",
                "volumeDevices",
                "volumeMounts",
            ]
        ),
        "EnvVar": frozenset({"valueFrom"}),
        "Resources": frozenset({"claims"}),
        "ReadinessProbe": frozenset({"grpc", "successThreshold", "terminationGracePeriodSeconds"}),
        "HttpGetAction": frozenset({"host", "scheme", "httpHeaders"}),
        "TcpSocketAction": frozenset({"host"}),
    }
)
"""YAML names of fields by the name of their section's model."""

LATER_RUN_KINDS = frozenset(
    [
        "tfjob",
        "pytorchjob",
        "mpijob",
        "daskcluster",
        "raycluster",
        "sparkjob",
        "daskjob",
        "rayjob",
        "notifier",
        "cleaner",
        "tuner",
    ]
)
"""Values of `run.kind`; templates in place of a whole section are refused in the same words."""
