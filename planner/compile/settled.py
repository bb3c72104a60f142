"""Templates that stand for a section as a whole, or in sections that must be known before anything runs.

Such a template is evaluated once the inputs are bound, and what it gives is read as what was written would be. Decides
nothing about what the sections mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from pydantic import ValidationError

from planner.canon import Json
from planner.compile.ground import known
from planner.compile.inputs import report_flaws
from planner.compile.origin import Origin, Report
from planner.compile.patch import Placed, with_field
from planner.compile.scope import UNKNOWN, final, has_template
from planner.compile.template import Scope, bind
from planner.spec import faults
from planner.spec.component import Component
from planner.spec.document import DocumentFields
from planner.spec.places import Places, pointer
from planner.spec.plain import plain
from planner.spec.shape import Section

__all__ = ["settled", "whole", "whole_sections"]

S = TypeVar("S", bound=Section)

_WHOLE = ("cache", "termination", "plugins", "build", "hooks")
"""Fields of a component that a template may stand for."""


def whole_sections(component: Placed[Component], scope: Scope, report: Report) -> Placed[Component]:
    """The component with what its templates for whole sections give; a section with a problem is left out."""
    for name in _WHOLE:
        written = getattr(component.section, name)
        if isinstance(written, str):
            origin = component.origin.at(name)
            value = known(written, origin, scope, report)
            read = None if value is None else _read(DocumentFields, {name: value}, origin, report)
            component = with_field(component, name, Placed(getattr(read, name, None), origin))
    return component


def settled(section: S, origin: Origin, scope: Scope, report: Report, *, partly: bool = False) -> S | None:
    """A section with its templates evaluated; None with a problem.

    Args:
        section: as written.
        origin: where.
        scope: the variables.
        report: takes problems.
        partly: whether templates may stay that wait for a run; otherwise they are a problem.
    """
    written = plain(section)
    if not has_template(written):
        return section
    errors = report.errors
    bound = bind(written, scope, report.templates())
    report_flaws(origin, bound.flaws, report)
    if bound.pending and not partly and not any(name.startswith(UNKNOWN) for name in bound.waiting_on):
        waiting = ", ".join(sorted(bound.waiting_on))
        message = f"this must be known before the run starts; it needs {waiting}"
        report.add(
            origin.below(min(bound.pending)).problem(
                "PL-406", message, "use values that the spec or the configuration has"
            )
        )
    if report.errors > errors or (bound.pending and not partly):
        return None
    return _read(type(section), final(bound) if partly else bound.value, origin, report)


def whole(kind: type[S], written: str, origin: Origin, pair: tuple[Scope, Report]) -> S | None:
    """What a template for a whole section gives; None with a problem, or where it waits for what nobody can know.

    Args:
        kind: the section that it must give.
        written: the template.
        origin: where.
        pair: the variables, and what takes problems.
    """
    scope, report = pair
    value = known(written, origin, scope, report)
    return None if value is None else _read(kind, value, origin, report)


def _read(kind: type[S], value: Json, origin: Origin, report: Report) -> S | None:
    """A value as a section; None with problems.

    A field of a component is read within `DocumentFields`: its origin is the field itself, so its name is no part of
    the pointers below it.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        part = origin.places.part(origin.pointer)
        inside = pointer(*value) if kind is DocumentFields and isinstance(value, Mapping) else ""
        for problem in faults.problems(error, kind, value, Places(part.path, part.spot)):
            at = origin.places.pointer(origin.pointer) + problem.pointer.removeprefix(inside)
            report.add(replace(problem, pointer=at))
        return None
