"""`tfjob`, `pytorchjob`, `mpijob`: the kinds of Kubeflow (reference, section 11.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from planner.canon import Json
from planner.compile.ground import Ground
from planner.compile.kinds.groups import gang_of, one_of
from planner.model.gang import Gang
from planner.spec.run import MPIJob, PytorchJob, TFJob

__all__ = ["lower_mpi", "lower_pytorch", "lower_tf"]


def lower_tf(said: TFJob, ground: Ground) -> Gang | None:
    """The gang of a TensorFlow job: the chief decides, or the workers where there is none or all of them must end."""
    groups = {"ps": said.ps, "chief": said.chief, "worker": said.worker, "evaluator": said.evaluator}
    order = ("worker", "chief") if said.success_policy == "AllWorkers" else ("chief", "worker")
    return gang_of(said, groups, one_of(said, order, groups, ground), ground)


def lower_pytorch(said: PytorchJob, ground: Ground) -> Gang | None:
    """The gang of a PyTorch job: the master decides, or the workers where there is none."""
    groups = {"master": said.master, "worker": said.worker}
    gang = gang_of(said, groups, one_of(said, ("master", "worker"), groups, ground), ground)
    if gang is None or "elasticPolicy" not in gang.options:
        return gang
    policy = gang.options["elasticPolicy"]
    assert isinstance(policy, Mapping)
    return replace(gang, options={**gang.options, "elasticPolicy": _spelled(policy)})


def _spelled(policy: Mapping[str, Json]) -> Mapping[str, Json]:
    """An elastic policy with the names that Kubeflow has for its fields; the reference's are typing errors."""
    return {name.replace("rdvz", "rdzv").replace("Metrics", "metrics"): value for name, value in policy.items()}


def lower_mpi(said: MPIJob, ground: Ground) -> Gang | None:
    """The gang of an MPI job: the launcher decides."""
    groups = {"worker": said.worker, "launcher": said.launcher}
    return gang_of(said, groups, one_of(said, ("launcher",), groups, ground), ground)
