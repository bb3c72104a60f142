"""One operation on its way through compile: what it is compiled with, and what is known of it so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.canon import Json
from planner.compile import variables
from planner.compile.bindings import Around, Bindings, Source
from planner.compile.ground import Ground
from planner.compile.origin import Origin, Report
from planner.compile.patch import Placed
from planner.compile.policy import RootPolicy
from planner.compile.resolve import Found
from planner.compile.template import Scope
from planner.compile.timing import CheckSchedule
from planner.compile.view import View
from planner.spec.component import Component
from planner.spec.operation import Operation

__all__ = ["Bound", "Shop", "Task"]


@dataclass(frozen=True, slots=True)
class Shop:
    """What the operations of one file are compiled with.

    Attributes:
        view: the tree.
        report: takes problems.
        policy: what holds for the file.
        check: what else can be wrong with a schedule; None to take every one.
    """

    view: View
    report: Report
    policy: RootPolicy
    check: CheckSchedule | None = None

    def globals(self) -> Mapping[str, Json]:
        """What `globals` holds when anything is compiled."""
        config = self.policy.config
        return variables.compiled(config.instance, config.project, self.policy.namespace)


@dataclass(frozen=True, slots=True)
class Task:
    """An operation, or a component that is looked at by itself.

    Attributes:
        operation: it, with its presets and what its DAG hands down; None for a component by itself.
        found: its component, with the operation laid over it.
        home: where the component is written, before anything was laid over it.
        around: the DAG around it.
        shop: what it is compiled with.
        given: names that its runs are given values of, and by what.
    """

    operation: Placed[Operation] | None
    found: Found
    home: Origin
    around: Around | None
    shop: Shop
    given: Mapping[str, Source] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bound:
    """A task with its inputs, its whole sections evaluated."""

    task: Task
    bindings: Bindings
    scope: Scope
    ground: Ground

    @property
    def component(self) -> Placed[Component]:
        """The merged component."""
        return Placed(self.task.found.component, self.task.found.origin)

    @property
    def name(self) -> str:
        """Of the operation; "" for a component by itself."""
        return (self.task.operation.section.name if self.task.operation else None) or ""
