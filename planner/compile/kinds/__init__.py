"""One module a family of kinds of `run`, each with `lower` functions (design: "A kind is a spec model ...")."""

from __future__ import annotations

from typing import assert_never

from planner.compile.ground import Ground
from planner.compile.kinds import clusters, job, kubeflow, service
from planner.model.gang import Gang
from planner.spec import run as spec

__all__ = ["lower_leaf"]


def lower_leaf(run: spec.LeafRun, ground: Ground) -> Gang | None:
    """The gang of a run that executes something, its texts as written; None with problems.

    Args:
        run: the run.
        ground: where it is written, and what may be looked at.
    """
    match run:
        case spec.Job() | spec.NotifierJob() | spec.CleanerJob() | spec.TunerJob():
            return job.lower(run, ground)
        case spec.Service():
            return service.lower(run, ground)
        case spec.TFJob():
            return kubeflow.lower_tf(run, ground)
        case spec.PytorchJob():
            return kubeflow.lower_pytorch(run, ground)
        case spec.MPIJob():
            return kubeflow.lower_mpi(run, ground)
        case spec.RayCluster() | spec.RayJob():
            return clusters.lower_ray(run, ground)
        case spec.DaskCluster() | spec.DaskJob():
            return clusters.lower_dask(run, ground)
        case spec.SparkJob():
            return clusters.lower_spark(run, ground)
        case _:
            assert_never(run)
