"""Runtimes: the closed union of what `run` can be (reference, sections 11 and 12).

A new kind is a model here or beside it, a line in the union, and a `lower` function in compile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PlainValidator
from pydantic_core import PydanticCustomError

from planner.spec.clashes import refuse
from planner.spec.container import Container
from planner.spec.environment import Environment
from planner.spec.init import InitEntry
from planner.spec.shape import BoolOrTemplate, CountOrTemplate, Section, fault, is_template
from planner.spec.words import kind_of

if TYPE_CHECKING:
    from planner.spec.component import Component
    from planner.spec.operation import Operation

__all__ = ["RUN_KINDS", "Dag", "Job", "Run", "Service"]

RUN_KINDS = ("job", "service", "dag")
"""The kinds of the union."""


class Job(Section, identity="kind init container", live="environment"):
    """A program that ends."""

    kind: Literal["job"] = "job"
    environment: Environment | None = None
    init: tuple[InitEntry, ...] | None = None
    container: Container | None = None
    """Needed in the end: compile refuses a job without one."""


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


class Service(Section, identity="kind init container ports replicas is_external rewrite_path", live="environment"):
    """A program that stays up."""

    kind: Literal["service"] = "service"
    environment: Environment | None = None
    init: tuple[InitEntry, ...] | None = None
    container: Container | None = None
    """Needed in the end: compile refuses a service without one."""
    ports: Annotated[tuple[int, ...] | str, PlainValidator(_ports)] | None = None
    """Declared ports, or text with a template."""
    replicas: CountOrTemplate | None = None
    """How many; 1 by default."""
    is_external: BoolOrTemplate | None = None
    """Whether nothing of ours stands in front of it; false by default."""
    rewrite_path: BoolOrTemplate | None = None
    """Whether a base URL is cut off requests; false by default. Services here have no base URL."""


class Dag(Section, identity="kind operations", live="environment concurrency", inert="components"):
    """Operations that wait for one another (reference, section 12)."""

    kind: Literal["dag"] = "dag"
    operations: tuple[Operation, ...] | None = None
    """Needed in the end: compile refuses a DAG without any."""
    components: tuple[Component, ...] | None = None
    """Named templates for `dagRef`."""
    environment: Environment | None = None
    """Pushed to every child."""
    concurrency: CountOrTemplate | None = None
    """Children at work at once; no limit by default."""


Run = Annotated[Job | Service | Dag, Field(discriminator="kind")]
"""What a component runs, told apart by `kind`."""
