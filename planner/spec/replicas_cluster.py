"""Distributed runs that are clusters of their own: Ray, Dask and Spark (reference, sections 11.5, 11.6 and 24)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from planner.spec.clashes import Clash, Said
from planner.spec.kubernetes import Kubernetes
from planner.spec.replicas import Replica
from planner.spec.shape import Arguments, BoolOrTemplate, Name, OrTemplate, Printed, Section, WholeOrTemplate, fault
from planner.spec.workload import Connections, Volumes

__all__ = [
    "AutoscalerOptions",
    "DaskCluster",
    "DaskJob",
    "RayCluster",
    "RayJob",
    "RayReplica",
    "SparkJob",
]


class RayReplica(Replica, identity="min_replicas max_replicas ray_start_params"):
    """A group of equal nodes of Ray."""

    min_replicas: WholeOrTemplate | None = None
    """The fewest of them, where their number follows the work; 1 by default."""
    max_replicas: WholeOrTemplate | None = None
    """The most of them; 1 by default."""
    ray_start_params: dict[str, Printed] | None = None
    """Arguments of `ray start`, by name without dashes."""


class AutoscalerOptions(Section, live="upscaling_mode image_pull_policy resources"):
    """How the number of nodes follows the work."""

    upscaling_mode: Literal["Conservative", "Default", "Aggressive"] | None = None
    """How fast nodes are added; `Default` by default."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    """When the image of the autoscaler is pulled."""
    resources: Annotated[dict[str, Any] | str, Kubernetes("ResourceRequirements")] | None = None
    """What the autoscaler asks for."""


_Settings = Annotated[dict[str, Any] | str, OrTemplate(dict[str, Any])]
_Texts = Annotated[dict[str, Printed] | str, OrTemplate(dict[str, Printed])]


class Ray(Section, identity="entrypoint runtime_env ray_version head workers", live="metadata"):
    """What the kinds of Ray share."""

    entrypoint: str | None = None
    """The command that is handed to the cluster as a job."""
    runtime_env: _Settings | None = None
    """The surroundings of the job: Ray's `runtime_env`."""
    metadata: _Texts | None = None
    """What is noted with the job."""
    ray_version: str | None = None
    """The version of Ray in the images."""
    head: RayReplica | None = None
    """The head node."""
    workers: dict[Name, RayReplica] | None = None
    """Groups of worker nodes, by name."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """A group of workers that is called like the head."""
        if isinstance(said["workers"], dict) and "head" in said["workers"]:
            yield (), fault("PL-211", "`head` is the name of the head node", "call it otherwise", ("workers", "head"))


class RayCluster(Ray, identity="kind", live="enable_in_tree_autoscaling autoscaler_options"):
    """A cluster of Ray that stays up; with `entrypoint`, until that has ended."""

    kind: Literal["raycluster"] = "raycluster"
    """Which kind of run it is."""
    enable_in_tree_autoscaling: BoolOrTemplate | None = None
    """Whether the number of nodes follows the work; false by default."""
    autoscaler_options: AutoscalerOptions | None = None
    """How it does."""


class RayJob(Ray, identity="kind"):
    """A job on a cluster of Ray of its own."""

    kind: Literal["rayjob"] = "rayjob"
    """Which kind of run it is."""


class DaskCluster(Section, identity="kind scheduler worker min_replicas max_replicas"):
    """A cluster of Dask that stays up."""

    kind: Literal["daskcluster"] = "daskcluster"
    """Which kind of run it is."""
    scheduler: Replica | None = None
    """The scheduler."""
    worker: Replica | None = None
    """Workers."""
    min_replicas: WholeOrTemplate | None = None
    """The fewest workers; their number follows the work where both bounds are there."""
    max_replicas: WholeOrTemplate | None = None
    """The most workers."""


class DaskJob(Section, identity="kind job scheduler worker"):
    """A program with a cluster of Dask of its own."""

    kind: Literal["daskjob"] = "daskjob"
    """Which kind of run it is."""
    job: Replica | None = None
    """The program, which decides."""
    scheduler: Replica | None = None
    """The scheduler."""
    worker: Replica | None = None
    """Workers."""


class SparkJob(
    Section,
    identity="kind connections volumes type spark_version python_version deploy_mode main_class main_application_file "
    "arguments hadoop_conf spark_conf hadoop_config_map spark_config_map executor driver",
):
    """An application of Spark."""

    kind: Literal["sparkjob"] = "sparkjob"
    """Which kind of run it is."""
    connections: Connections | None = None
    """Connections that driver and executors are given."""
    volumes: Volumes | None = None
    """Volumes that driver and executors can mount."""
    type: Literal["java", "scala", "python", "r"] | None = None
    """The language of the application."""
    spark_version: str | None = None
    """The version of Spark in the images."""
    python_version: str | None = None
    """The version of Python in the images."""
    deploy_mode: Literal["cluster", "client", "in_cluster_client"] | None = None
    """Where the driver runs; `cluster` by default."""
    main_class: str | None = None
    """The class that is run, in Java and Scala."""
    main_application_file: str | None = None
    """The file that is run."""
    arguments: Arguments | None = None
    """Arguments of the application."""
    hadoop_conf: _Texts | None = None
    """Settings of Hadoop."""
    spark_conf: _Texts | None = None
    """Settings of Spark."""
    hadoop_config_map: _Settings | None = None
    """Config map with files of Hadoop."""
    spark_config_map: _Settings | None = None
    """Config map with files of Spark."""
    executor: Replica | None = None
    """The executors."""
    driver: Replica | None = None
    """The driver, which decides."""
