"""A job: one Job of one pod for each attempt (decision 0078).

It never makes a second pod: attempts are ours. Nor does it remove itself: our finalizer keeps it until its end is in
the ledger, and `termination.ttl` is done by us.
"""

from __future__ import annotations

import json

from reconciler.backends.kubernetes import names
from reconciler.backends.kubernetes.render.failures import failure_policy
from reconciler.backends.kubernetes.render.parts import Object
from reconciler.backends.kubernetes.render.pod import limited, template
from reconciler.backends.kubernetes.settings import KubernetesSettings
from reconciler.ports import Order

__all__ = ["job"]


def job(order: Order, settings: KubernetesSettings, metadata: Object, *, token: bool) -> Object:
    """The workload of an attempt of a job."""
    pod = template(order, settings, metadata["labels"], token=token)
    containers = [one["name"] for one in (*pod["spec"]["containers"], *pod["spec"].get("initContainers", ()))]
    policy, actions = failure_policy(order.run.failure_policy, containers)
    # A pod that has nothing to hand over the cluster ends in time.
    limits = limited(order) if token and settings.agent.image else {}
    annotations = {**metadata["annotations"], names.FAILURES: json.dumps(actions), **limits}
    queue = settings.local_queues.get(order.run.queue)
    labels = {**metadata["labels"], **({names.QUEUE: queue} if queue else {})}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {**metadata, "labels": labels, "annotations": annotations},
        "spec": {
            **({"suspend": True} if queue else {}),  # until Kueue lets it begin
            "parallelism": 1,
            "completions": 1,
            "backoffLimit": 0,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": policy,
            "template": pod,
        },
    }
