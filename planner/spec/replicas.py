"""Groups of processes of distributed runs, and Kubeflow's three kinds of them (reference, section 11.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from planner.spec.clashes import Clash, Said
from planner.spec.kubernetes import Kubernetes
from planner.spec.shape import TEMPLATE, BoolOrTemplate, CountOrTemplate, Section, WholeOrTemplate, fault, is_template
from planner.spec.workload import Workload

__all__ = ["CleanPodPolicy", "ElasticPolicy", "MPIJob", "PytorchJob", "Replica", "SchedulingPolicy", "TFJob"]

CleanPodPolicy = Literal["All", "Running", "None"]
"""Which pods go when a run is done."""


class Replica(Workload, identity="replicas"):
    """A group of equal processes."""

    replicas: WholeOrTemplate | None = None
    """How many; 1 by default."""


def _least(value: object) -> object:
    if isinstance(value, dict):
        return Kubernetes("quantity{}").read(value)
    if isinstance(value, bool) or not (isinstance(value, int) or is_template(value)):
        raise fault("PL-203", "{field} must be amounts by resource, or a whole number", "write `{cpu: 4}`")
    return value


_AMOUNTS = {"type": "object", "additionalProperties": {"type": ["string", "number", "null"]}}
_LEAST = WithJsonSchema({"anyOf": [_AMOUNTS, {"type": "integer"}, TEMPLATE]})


class SchedulingPolicy(Section, live="min_available queue min_resources priority_class schedule_timeout_seconds"):
    """How a cluster gives all of the processes their places at once."""

    min_available: WholeOrTemplate | None = None
    """How many processes must have a place before any starts; all by default."""
    queue: str | None = None
    """The queue of the cluster's scheduler."""
    min_resources: Annotated[dict[str, Any] | int | str, PlainValidator(_least), _LEAST] | None = None
    """What must be free before any starts: amounts by resource name."""
    priority_class: str | None = None
    """The class of its priority."""
    schedule_timeout_seconds: WholeOrTemplate | None = None
    """Seconds to wait for places; without end by default."""


class Kubeflow(Section, live="clean_pod_policy scheduling_policy"):
    """What Kubeflow's kinds share."""

    clean_pod_policy: CleanPodPolicy | None = None
    """Which pods go when the run is done; `None`, which is no pod, by default."""
    scheduling_policy: SchedulingPolicy | None = None
    """How the processes get their places."""


class TFJob(Kubeflow, identity="kind enable_dynamic_worker success_policy chief ps worker evaluator"):
    """Distributed TensorFlow."""

    kind: Literal["tfjob"] = "tfjob"
    """Which kind of run it is."""
    enable_dynamic_worker: BoolOrTemplate | None = None
    """Whether workers may come and go; false by default."""
    success_policy: Literal["", "AllWorkers"] | None = None
    """`AllWorkers` waits for all workers; by default the chief decides, or the first worker where there is none."""
    chief: Replica | None = None
    """The process that decides."""
    ps: Replica | None = None
    """Parameter servers."""
    worker: Replica | None = None
    """Workers."""
    evaluator: Replica | None = None
    """Processes that evaluate checkpoints."""


_SPELLINGS = ("Backend", "Port", "Host", "Id", "Conf")
_Entries = Annotated[list[Any], Kubernetes("object[]")]


class ElasticPolicy(
    Section,
    identity="min_replicas max_replicas rdzv_backend rdzv_port rdzv_host rdzv_id rdzv_conf rdvz_backend rdvz_port "
    "rdvz_host rdvz_id rdvz_conf standalone n_proc_per_node max_restarts metrics metrics_",
):
    """PyTorch with workers that come and go. `rdvz…` and `Metrics` are other spellings of `rdzv…` and `metrics`."""

    min_replicas: WholeOrTemplate | None = None
    """The fewest workers; as many as there are replicas by default."""
    max_replicas: WholeOrTemplate | None = None
    """The most workers; as many as there are replicas by default."""
    rdzv_backend: str | None = None
    """How workers find one another: `c10d`, `etcd` or `etcd-v2`."""
    rdzv_port: CountOrTemplate | None = None
    """The port that they meet at."""
    rdzv_host: str | None = None
    """The host that they meet at."""
    rdzv_id: str | None = None
    """The name of the meeting."""
    rdzv_conf: _Entries | None = None
    """Further settings, each with `key` and `value`."""
    rdvz_backend: str | None = None
    """The same as `rdzvBackend`."""
    rdvz_port: CountOrTemplate | None = None
    """The same as `rdzvPort`."""
    rdvz_host: str | None = None
    """The same as `rdzvHost`."""
    rdvz_id: str | None = None
    """The same as `rdzvId`."""
    rdvz_conf: _Entries | None = None
    """The same as `rdzvConf`."""
    standalone: BoolOrTemplate | None = None
    """Whether a single node meets itself; false by default."""
    n_proc_per_node: CountOrTemplate | None = None
    """Processes of each worker; 1 by default."""
    max_restarts: WholeOrTemplate | None = None
    """How often the workers may be started again."""
    metrics: _Entries | None = None
    """What the number of workers follows: metrics of a Kubernetes autoscaler."""
    metrics_: _Entries | None = Field(default=None, alias="Metrics")
    """The same as `metrics`."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """One field in both spellings."""
        pairs = [(f"rdzv{end}", f"rdvz{end}") for end in _SPELLINGS] + [("metrics", "Metrics")]
        for right, other in pairs:
            if said[right] is not None and said.written.get(other) is not None:
                message = f"`{other}` and `{right}` are the same field"
                yield (), fault("PL-209", message, "remove one of them", (other,))


class PytorchJob(Kubeflow, identity="kind elastic_policy n_proc_per_node master worker"):
    """Distributed PyTorch."""

    kind: Literal["pytorchjob"] = "pytorchjob"
    """Which kind of run it is."""
    elastic_policy: ElasticPolicy | None = None
    """Workers that come and go; their number is fixed by default."""
    n_proc_per_node: CountOrTemplate | None = None
    """Processes of each replica; 1 by default."""
    master: Replica | None = None
    """The process that decides, of rank 0."""
    worker: Replica | None = None
    """Workers."""


class MPIJob(Kubeflow, identity="kind slots_per_worker launcher worker"):
    """MPI."""

    kind: Literal["mpijob"] = "mpijob"
    """Which kind of run it is."""
    slots_per_worker: CountOrTemplate | None = None
    """Processes of each worker; 1 by default."""
    launcher: Replica | None = None
    """The process that starts the others, and decides."""
    worker: Replica | None = None
    """Workers."""
