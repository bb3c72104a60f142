"""An order as the objects of a cluster, in the order in which they are applied.

What its pod needs comes before the workload, so that a pod never waits for it; a crash in between leaves a config map
under a name that the next `ensure` uses again. What leads to the workload comes after it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from planner.canon import Json
from planner.compile import cluster
from planner.keys import Key
from planner.model.gang import Gang, Lifetime
from planner.model.run import Stamp
from reconciler.backends import contract
from reconciler.backends.kubernetes import layout, names
from reconciler.backends.kubernetes.reads import own_folder
from reconciler.backends.kubernetes.render import files, job, service
from reconciler.backends.kubernetes.render.parts import Object
from reconciler.backends.kubernetes.settings import KubernetesSettings
from reconciler.errors import Refused
from reconciler.ports import Order

__all__ = ["Manifests", "knows", "namespace_of", "render", "tombstone"]


@dataclass(frozen=True, slots=True)
class Manifests:
    """The objects of one attempt, each as JSON for the API server.

    Attributes:
        namespace: of all of them.
        name: of the workload, and the value of the label that all have in common.
        before: what the pod needs: the config map, and the secret with its token. Config maps are immutable.
        workload: the Job or Deployment. Who makes it, starts the program.
        after: Service and Ingress or HTTPRoute: of the service and not of the attempt, the newest of which has them.
    """

    namespace: str
    name: str
    before: tuple[Object, ...]
    workload: Object
    after: tuple[Object, ...] = ()

    @property
    def listed(self) -> tuple[Object, ...]:
        """All of them in the order in which they are applied."""
        return (*self.before, self.workload, *self.after)


def render(order: Order, settings: KubernetesSettings, token: str = "") -> Manifests:
    """The objects of an order.

    Args:
        order: with every value rendered.
        settings: of the backend.
        token: by which the agent of this attempt may ask the daemon; "" for none.

    Raises:
        Refused: it can never run here.
    """
    gang = order.run.gang
    _check(order, settings, token)
    metadata = _metadata(order, namespace_of(order, settings))
    said = {**gang.annotations, **metadata["annotations"]}
    kept = {**metadata, "annotations": said, "finalizers": [names.FINALIZER]}
    after: tuple[Object, ...] = ()
    if gang.lifetime is Lifetime.ONCE:
        workload = job.job(order, settings, kept, token=bool(token))
    else:
        after = tuple(service.beside(order, settings, metadata))
        ways = {names.WAYS: " ".join(item["kind"] for item in after)} if after else {}
        kept = {**kept, "annotations": {**kept["annotations"], **ways}}
        workload = service.deployment(order, settings, kept, token=bool(token))
    return Manifests(
        namespace=metadata["namespace"],
        name=metadata["name"],
        before=_before(order, settings, metadata, token),
        workload=workload,
        after=after,
    )


def _before(order: Order, settings: KubernetesSettings, metadata: Object, token: str) -> tuple[Object, ...]:
    own = {**metadata, "name": names.files_name(order.key, order.stamp)}
    content = files.config_map(order, settings)
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": own, "immutable": True, **content}
    if not token:
        return (held,)
    own = {**metadata, "name": names.token_name(order.key, order.stamp)}
    return (held, {"apiVersion": "v1", "kind": "Secret", "metadata": own, "immutable": True, **files.secret(token)})


def _metadata(order: Order, namespace: str) -> Object:
    return {
        "name": names.object_name(order.key, order.stamp),
        "namespace": namespace,
        "labels": names.labels_of(order),
        "annotations": names.annotations_of(order),
    }


def _check(order: Order, settings: KubernetesSettings, token: str) -> None:
    gang = order.run.gang
    said = list(dict.fromkeys(cluster.reasons(gang, settings.rules)))
    if said:
        more = f"; and {len(said) - 3} more" if len(said) > 3 else ""
        raise Refused("; ".join(said[:3]) + more)
    if len(gang.replicas) != 1:
        raise Refused("a run of several groups needs the operator of its kind, and none is set up here")
    group = gang.replicas[0]
    if gang.lifetime is Lifetime.ONCE and group.count != 1:
        raise Refused(f"a job is one pod, and {group.count} are asked for")
    if not group.container.image:
        raise Refused("Kubernetes runs images, and the container has none: set `container.image`")
    wanted = files.needs_agent(order)
    if wanted and not settings.agent.image:
        raise Refused(f"{wanted} reaches a pod by Plumbline's agent: set backends.kubernetes.agent.image")
    if wanted and not (settings.agent.contact and token):
        raise Refused(f"{wanted} reaches a pod from the daemon: set backends.kubernetes.agent.contact")


def namespace_of(order: Order, settings: KubernetesSettings) -> str:
    """Where an order runs.

    Raises:
        Refused: the configuration does not allow it there.
    """
    named = order.run.namespace or settings.namespace
    if named != settings.namespace and named not in settings.run_namespaces:
        raise Refused(
            f"operations may not run in the namespace {named!r}: add it to `namespaces` in the daemon's configuration"
        )
    return named


def knows(order: Order, settings: KubernetesSettings) -> dict[str, Json]:
    """What templates may ask of `globals` that only this backend knows."""
    gang: Gang = order.run.gang
    found = contract.attempt_globals(layout.RUNS, own_folder(order), gang.ports)
    named = order.run.namespace or settings.namespace
    return {**found, "context_path": layout.CONTEXT, "namespace": named}


def tombstone(key: Key, stamp: Stamp, settings: KubernetesSettings, stop: Mapping[str, Json]) -> Object:
    """The Job of an attempt that was told to end before it was made: it takes the name, and starts nothing.

    Args:
        key: of the attempt.
        stamp: whose object it is.
        settings: of the backend.
        stop: what is noted of the stop.
    """
    name = names.object_name(key, stamp)
    container = {"name": layout.MAIN, "image": "plumbline.dev/never-started"}
    pod = {"restartPolicy": "Never", "automountServiceAccountToken": False, "containers": [container]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": settings.namespace,
            "labels": names.labels_of_stamp(key, stamp),
            "annotations": {**names.annotations_of_stamp(key, stamp), names.STOP: json.dumps(stop, sort_keys=True)},
            "finalizers": [names.FINALIZER],
        },
        "spec": {
            "suspend": True,
            "parallelism": 0,  # where a queue takes every job of its namespace, and lets it begin, no pod begins
            "completions": 1,
            "backoffLimit": 0,
            "template": {"metadata": {"labels": {names.OBJECT: name}}, "spec": pod},
        },
    }
