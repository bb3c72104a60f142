"""What all kinds of run that execute something have, once or for each group of processes (reference, section 11.1)."""

from __future__ import annotations

from typing import Annotated, Any

from planner.spec.container import Container
from planner.spec.environment import Environment
from planner.spec.init import InitEntry
from planner.spec.kubernetes import Kubernetes
from planner.spec.shape import OrTemplate, Section

__all__ = ["Connections", "Volumes", "Workload"]

Connections = Annotated[tuple[str, ...] | str, OrTemplate(tuple[str, ...])]
"""Names of connections, or a template of them."""
Volumes = Annotated[list[Any] | str, Kubernetes("Volume[]")]
"""Volumes of Kubernetes, or a template of them."""


class Workload(Section, identity="init container connections volumes sidecars", live="environment"):
    """A program and what is around it."""

    environment: Environment | None = None
    """Labels, placement, and what of its host it sees."""
    container: Container | None = None
    """The program itself. It is needed in the end: compile refuses a run without one."""
    connections: Connections | None = None
    """Connections that it is given, by the name that the configuration has for them."""
    volumes: Volumes | None = None
    """Volumes that its containers can mount; none is mounted by itself."""
    init: tuple[InitEntry, ...] | None = None
    """What is put in place before it starts, in this order."""
    sidecars: tuple[Container, ...] | None = None
    """Containers that run beside it; they see the variables and mounts that it sees."""
