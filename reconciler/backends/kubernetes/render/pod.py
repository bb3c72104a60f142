"""The pod of an attempt: the program's container, what runs before and beside it, and where it is put."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from planner.canon import Json
from planner.model.gang import Lifetime
from reconciler.backends.kubernetes import layout, names
from reconciler.backends.kubernetes.render import files
from reconciler.backends.kubernetes.render.connections import brought
from reconciler.backends.kubernetes.render.containers import init_containers, sidecars
from reconciler.backends.kubernetes.render.fields import ENVIRONMENT, copied
from reconciler.backends.kubernetes.render.parts import Object, Part, filled, is_true, joined, objects
from reconciler.backends.kubernetes.render.program import program, variables
from reconciler.backends.kubernetes.render.security import pod_context
from reconciler.backends.kubernetes.settings import KubernetesSettings
from reconciler.ports import Order

__all__ = ["limited", "template"]

_LONGEST = 2**31 - 1
"""Seconds that Kubernetes takes as a deadline: 68 years."""
_CARRY = 600
"""Seconds beyond its grace in which the sidecar of a job that has ended may hand over what is left."""
_BEHIND = 60
"""Seconds after which a job whose pod has those ends where the daemon, which is more exact, did not end it in time."""
_HOST = ("hostNetwork", "hostPID", "hostIPC")


def template(order: Order, settings: KubernetesSettings, labels: Mapping[str, str], *, token: bool) -> Object:
    """The template of an attempt's pods.

    Args:
        order: of the attempt.
        settings: of the backend.
        labels: of the pods.
        token: whether the attempt has one for the daemon.

    Raises:
        Refused: it can never run on this backend.
    """
    gang = order.run.gang
    said = gang.replicas[0].pod
    environment = _section(said.get("environment"))
    context = pod_context(environment.get("securityContext"), settings.rules)
    connections = brought(said.get("connections"), settings.connections)
    contract = files.part(order, settings, context, token=token)
    whole = joined(
        [
            Part(volumes=tuple(objects(said.get("volumes")))),
            _shm(order),
            connections,
            variables(order, settings, files.where(order, settings)),
            contract,
        ]
    )
    main = program(order, settings, whole)
    once = gang.lifetime is Lifetime.ONCE
    hands_over = once and token and bool(settings.agent.image)
    spec = filled(
        restartPolicy="Never" if once else "Always",
        activeDeadlineSeconds=_deadline(order, hands_over=hands_over) if once else None,
        terminationGracePeriodSeconds=_grace(order, hands_over=hands_over),
        automountServiceAccountToken=settings.mounts_tokens,
        enableServiceLinks=False,
        **_placed(environment, settings),
        securityContext=context,
        initContainers=[
            *whole.init,
            *init_containers(said, main, settings),
            *files.sidecar(settings, context, token=token),
        ],
        containers=[main, *sidecars(order, main, connections, settings)],
        volumes=list(whole.volumes),
    )
    annotations = {**gang.annotations, **whole.annotations, names.KEY: str(order.key)}
    annotations.setdefault("kubectl.kubernetes.io/default-container", layout.MAIN)
    return {"metadata": {"labels": dict(labels), "annotations": annotations}, "spec": spec}


def _section(value: Json) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _grace(order: Order, *, hands_over: bool) -> int:
    """Seconds between TERM and KILL where Kubernetes ends a pod by itself."""
    return max(1, math.ceil(order.run.grace)) + (_CARRY if hands_over else 0)


def limited(order: Order) -> dict[str, str]:
    """Annotations of a workload that say when the daemon ends it, and with which grace; none without a timeout."""
    if order.run.timeout is None:
        return {}
    return {names.TIMEOUT: f"{order.run.timeout:g}", names.GRACE: f"{order.run.grace:g}"}


def _deadline(order: Order, *, hands_over: bool) -> int | None:
    """Seconds that the pod may be at work, in whole ones; it counts from when a node has it, not while it waits."""
    timeout = order.run.timeout
    return None if timeout is None else min(max(1, math.ceil(timeout)) + (_BEHIND if hands_over else 0), _LONGEST)


def _shm(order: Order) -> Part:
    """Shared memory of more than 64 MB, which counts as memory of the container."""
    said = order.run.plugins.get("shm", True)
    mounts = objects(_section(order.run.gang.replicas[0].pod.get("container")).get("volumeMounts"))
    if not is_true(said) or any(str(mount.get("mountPath", "")).rstrip("/") == layout.SHM for mount in mounts):
        return Part()
    volume = {"name": layout.VOLUME_SHM, "emptyDir": {"medium": "Memory"}}
    return Part(volumes=(volume,), mounts=({"name": layout.VOLUME_SHM, "mountPath": layout.SHM},))


def _placed(said: Mapping[str, Any], settings: KubernetesSettings) -> Object:
    """Where it runs, as whom, and what of its host it sees. What the configuration says of nodes holds over a spec."""
    pull = dict.fromkeys([*settings.image_pull_secrets, *(said.get("imagePullSecrets") or ())])
    host = {name: True for name in _HOST if is_true(said.get(name))}
    return {
        **{name: value for name, value in copied(ENVIRONMENT, said).items() if name not in _HOST},
        "nodeSelector": {**(said.get("nodeSelector") or {}), **settings.node_selector},
        "tolerations": [*settings.tolerations, *(said.get("tolerations") or ())],
        "serviceAccountName": said.get("serviceAccountName") or settings.service_account,
        "imagePullSecrets": [{"name": name} for name in pull],
        "priorityClassName": said.get("priorityClassName") or settings.priority_class,
        **host,
    }
