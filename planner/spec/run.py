"""Runtimes: the closed union of what `run` can be (reference, sections 11, 12 and 24).

A new kind is a model here or beside it, a line in the union, and a `lower` function in compile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from planner.spec.clashes import refuse
from planner.spec.early_stopping import EarlyStopping
from planner.spec.environment import Environment
from planner.spec.replicas import MPIJob, PytorchJob, TFJob
from planner.spec.replicas_cluster import DaskCluster, DaskJob, RayCluster, RayJob, SparkJob
from planner.spec.shape import TEMPLATE, BoolOrTemplate, CountOrTemplate, OrTemplate, Section, fault, is_template
from planner.spec.words import kind_of
from planner.spec.workload import Connections, Volumes, Workload

if TYPE_CHECKING:
    from planner.spec.component import Component
    from planner.spec.operation import Operation

__all__ = [
    "RUN_KINDS",
    "CleanerJob",
    "Dag",
    "DaskCluster",
    "DaskJob",
    "Job",
    "LeafRun",
    "MPIJob",
    "NotifierJob",
    "PytorchJob",
    "RayCluster",
    "RayJob",
    "Run",
    "Service",
    "SparkJob",
    "TFJob",
    "TunerJob",
]

RUN_KINDS = (
    "job", "service", "dag", "notifier", "cleaner", "tuner", "tfjob", "pytorchjob", "mpijob", "raycluster", "rayjob",
    "daskcluster", "daskjob", "sparkjob",
)  # fmt: skip
"""The kinds of the union."""


class Job(Workload, identity="kind"):
    """A program that ends."""

    kind: Literal["job"] = "job"
    """Which kind of run it is."""


class NotifierJob(Workload, identity="kind"):
    """A program that ends, and tells somebody of another run."""

    kind: Literal["notifier"] = "notifier"
    """Which kind of run it is."""


class CleanerJob(Workload, identity="kind"):
    """A program that ends, and removes what is left of others."""

    kind: Literal["cleaner"] = "cleaner"
    """Which kind of run it is."""


class TunerJob(Workload, identity="kind"):
    """A program that ends, and suggests values for a sweep."""

    kind: Literal["tuner"] = "tuner"
    """Which kind of run it is."""


def _ports(value: object) -> tuple[int, ...] | str:
    if isinstance(value, str) and is_template(value):
        return value
    if not isinstance(value, list | tuple):
        raise fault("PL-203", f"{{field}} must be a list of port numbers, not {kind_of(value)}")
    refuse(_bad_ports(value))
    return tuple(value)


def _bad_ports(ports: Sequence[object]) -> Iterator[PydanticCustomError]:
    seen: set[int] = set()
    for index, port in enumerate(ports):
        if isinstance(port, bool) or not isinstance(port, int):
            yield fault("PL-203", f"{{field}} must be a port number, not {kind_of(port)}", at=(index,))
        elif not 1 <= port <= 65_535:
            yield fault("PL-204", f"{port} is not a port", "use 1 to 65535", (index,))
        elif port in seen:
            yield fault("PL-211", f"port {port} is declared twice", "remove one of them", (index,))
        else:
            seen.add(port)


_PORTS = {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 65_535}, "uniqueItems": True}
Ports = Annotated[tuple[int, ...] | str, PlainValidator(_ports), WithJsonSchema({"anyOf": [_PORTS, TEMPLATE]})]
"""Port numbers, or a template of them."""


class Service(Workload, identity="kind ports replicas is_external rewrite_path"):
    """A program that stays up."""

    kind: Literal["service"] = "service"
    """Which kind of run it is."""
    ports: Ports | None = None
    """Declared ports; those of its container by default."""
    replicas: CountOrTemplate | None = None
    """How many; 1 by default."""
    is_external: BoolOrTemplate | None = None
    """Whether nothing of ours stands in front of it; false by default."""
    rewrite_path: BoolOrTemplate | None = None
    """Whether a base URL is cut off requests; false by default. Services here have no base URL."""


class Dag(
    Section,
    identity="kind operations",
    live="environment concurrency early_stopping",
    inert="components connections volumes",
):
    """Operations that wait for one another (reference, section 12)."""

    kind: Literal["dag"] = "dag"
    """Which kind of run it is."""
    operations: tuple[Operation, ...] | None = None
    """Needed in the end: compile refuses a DAG without any."""
    components: tuple[Component, ...] | None = None
    """Named templates for `dagRef`."""
    environment: Annotated[Environment | str, OrTemplate(Environment)] | None = None
    """Pushed to every child."""
    connections: Connections | None = None
    """Connections that the configuration must have; they are not pushed to children."""
    volumes: Volumes | None = None
    """Taken and not used: children say their own."""
    concurrency: CountOrTemplate | None = None
    """Children at work at once; no limit by default."""
    early_stopping: tuple[EarlyStopping, ...] | None = None
    """Rules by which it ends before all of its children have."""


LeafRun = (
    Job
    | Service
    | NotifierJob
    | CleanerJob
    | TunerJob
    | TFJob
    | PytorchJob
    | MPIJob
    | RayCluster
    | RayJob
    | DaskCluster
    | DaskJob
    | SparkJob
)
"""Kinds that execute something themselves."""

Run = Annotated[LeafRun | Dag, Field(discriminator="kind")]
"""What a component runs, told apart by `kind`."""
