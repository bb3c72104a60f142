"""Templates that stand for a section as a whole, or in sections that must be known before anything runs.

Such a template is evaluated once the inputs are bound, and what it gives is read as what was written would be. Decides
nothing about what the sections mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, TypeVar

from pydantic import ValidationError

from planner.canon import Json
from planner.compile.bindings import EACH
from planner.compile.ground import Ground, known, late_problem, left_to_trials, too_late
from planner.compile.inputs import report_flaws
from planner.compile.origin import Origin, Report
from planner.compile.patch import Placed, with_field
from planner.compile.scope import final, has_template
from planner.compile.template import Scope, bind
from planner.spec import faults
from planner.spec.component import Component
from planner.spec.document import DocumentFields
from planner.spec.places import Places, pointer
from planner.spec.plain import plain
from planner.spec.run import Dag
from planner.spec.shape import Section

__all__ = ["left_of", "settled", "whole", "whole_sections", "without_trials"]

S = TypeVar("S", bound=Section)

Stays = Literal["nothing", "trial", "run"]
"""Which templates may stay: those that wait for what each run of a sweep is given, or those that wait for any run."""

_WHOLE = ("cache", "termination", "plugins", "build", "hooks")
"""Fields of a component that a template may stand for."""


def whole_sections(component: Placed[Component], scope: Scope, report: Report) -> Placed[Component]:
    """The component with what its templates for whole sections give.

    A section with a problem is left out. A template that each run of a sweep has its own value of stays.
    """
    for name in _WHOLE:
        written = getattr(component.section, name)
        if isinstance(written, str):
            origin = component.origin.at(name)
            value = known(written, origin, scope, report)
            if value is None and left_to_trials(written, scope, report) is not None:
                continue
            read = None if value is None else _read(DocumentFields, {name: value}, origin, report)
            component = with_field(component, name, Placed(getattr(read, name, None), origin))
    return component


def settled(section: S, origin: Origin, scope: Scope, report: Report, *, stays: Stays = "nothing") -> S | None:
    """A section with its templates evaluated; None with a problem.

    Args:
        section: as written.
        origin: where.
        scope: the variables.
        report: takes problems.
        stays: which templates may stay that cannot be evaluated yet; the others are a problem.
    """
    written = plain(section)
    if not has_template(written):
        return section
    errors = report.errors
    bound = bind(written, scope, report.templates())
    report_flaws(origin, bound.flaws, report)
    late = "" if stays == "run" else too_late(bound.waiting_on, trials=stays == "trial")
    if late:
        first = min(at for at, names in bound.pending.items() if too_late(names, trials=stays == "trial"))
        report.add(late_problem(origin.below(first), late))
    if report.errors > errors or not _may_stay(bound.waiting_on, stays):
        return None
    return _read(type(section), final(bound) if bound.pending or stays == "run" else bound.value, origin, report)


def _may_stay(waiting: frozenset[str], stays: Stays) -> bool:
    return not waiting or stays == "run" or (stays == "trial" and all(name.startswith(EACH) for name in waiting))


def without_trials(section: S | None, origin: Origin, scope: Scope, report: Report) -> S | None:
    """A settled section without its fields that wait for what each run of a sweep is given; None for none."""
    written = plain(section)
    if section is None or not isinstance(written, Mapping) or not has_template(written):
        return section
    ready = {name: value for name, value in written.items() if left_to_trials(value, scope, report) is None}
    return section if len(ready) == len(written) else _read(type(section), ready, origin, report)


def left_of(component: Placed[Component], ground: Ground) -> dict[str, Json]:
    """What of a component each run of a sweep has its own value for and no section and no gang has, by YAML name."""
    said, pair = component.section, (ground.scope, ground.report)
    run: dict[str, Json] = {}
    if isinstance(said.run, Dag):
        asked = {"concurrency": said.run.concurrency, "environment": plain(said.run.environment)}
        run = {name: left for name, value in asked.items() if (left := left_to_trials(value, *pair)) is not None}
    queue = left_to_trials(said.queue, *pair)
    found: dict[str, Json] = {} if queue is None else {"queue": queue}
    return {**found, "run": {"kind": said.run.kind, **run}} if run else found


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
