"""`raycluster`, `rayjob`, `daskcluster`, `daskjob`, `sparkjob` (reference, sections 11.5, 11.6, 18.1 and 24).

Clusters are services: they stay up. Jobs have a program that decides when all of it ends.
"""

from __future__ import annotations

from dataclasses import replace

from planner.compile.ground import Ground
from planner.compile.kinds.groups import gang_of, one_of
from planner.model.gang import Gang, Lifetime
from planner.spec.run import DaskCluster, DaskJob, RayCluster, RayJob, SparkJob

__all__ = ["lower_dask", "lower_ray", "lower_spark"]


def lower_ray(said: RayCluster | RayJob, ground: Ground) -> Gang | None:
    """The gang of a Ray cluster: its head decides, or the job that the head is handed.

    A cluster with an `entrypoint` ends with it, like a job.
    """
    groups = {"head": said.head, **(said.workers or {})}
    gang = gang_of(said, groups, one_of(said, ("head",), groups, ground), ground)
    if isinstance(said, RayJob) and not said.entrypoint:
        message = "a run of kind `rayjob` needs an `entrypoint`"
        ground.report.add(ground.origin.problem("PL-202", message, "add the command that is its job"))
    return _staying(gang) if isinstance(said, RayCluster) and not said.entrypoint else gang


def lower_dask(said: DaskCluster | DaskJob, ground: Ground) -> Gang | None:
    """The gang of a Dask cluster: the scheduler decides, or the program that it is for."""
    groups = {"scheduler": said.scheduler, "worker": said.worker}
    if isinstance(said, DaskCluster):
        return _staying(gang_of(said, groups, one_of(said, ("scheduler",), groups, ground), ground))
    groups["job"] = said.job
    return gang_of(said, groups, one_of(said, ("job",), groups, ground), ground)


def lower_spark(said: SparkJob, ground: Ground) -> Gang | None:
    """The gang of a Spark application: the driver decides."""
    groups = {"driver": said.driver, "executor": said.executor}
    return gang_of(said, groups, one_of(said, ("driver",), groups, ground), ground)


def _staying(gang: Gang | None) -> Gang | None:
    return None if gang is None else replace(gang, lifetime=Lifetime.ALWAYS)
