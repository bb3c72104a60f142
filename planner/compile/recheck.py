"""Data of a gang whose templates have values by now: it must be what the spec takes, as if it had been written so.

What still waits is template text, which passes. Decides nothing of its own: the models of the sections do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, get_args

from pydantic import ValidationError

from planner.canon import Json
from planner.compile.gang_origin import Written
from planner.compile.origin import Report
from planner.compile.pod import group_path
from planner.compile.scope import has_template
from planner.model.gang import Gang, Replica
from planner.spec import faults
from planner.spec.anatomy import fields
from planner.spec.places import Places, pointer
from planner.spec.plain import plain
from planner.spec.replicas import Replica as Group
from planner.spec.replicas_cluster import RayReplica
from planner.spec.shape import Section, printed
from planner.spec.workload import Workload

__all__ = ["rechecked"]


def rechecked(before: Gang, gang: Gang, written: Written, report: Report) -> Gang:
    """A gang whose data is in canonical form; problems go to the report.

    Args:
        before: with its texts as written.
        gang: with its templates evaluated.
        written: the run.
        report: takes problems.
    """
    replicas = tuple(
        _group(new, written, report) if has_template(old.pod) else new
        for old, new in zip(before.replicas, gang.replicas, strict=True)
    )
    options = gang.options
    if has_template(before.options):
        options = _read(type(written.run), options, "/options", (written, report))
    return replace(gang, replicas=replicas, options=options)


def _group(group: Replica, written: Written, report: Report) -> Replica:
    kind: type[Section] = RayReplica if group_path(written.run, group.role)[:1] in {("head",), ("workers",)} else Group
    if group.role == "main":
        kind = Workload
    pod = _read(kind, group.pod, pointer("replicas", group.role, "pod"), (written, report))
    return replace(group, pod=pod)


def _read(
    kind: type[Section], value: Mapping[str, Json], at: str, ground: tuple[Written, Report]
) -> Mapping[str, Json]:
    """The data as a section has it; as it is, with problems, where it is none."""
    written, report = ground
    texts = _as_text(kind, value)
    try:
        found = plain(kind.model_validate(texts, context=True))
    except ValidationError as error:
        for problem in faults.problems(error, kind, texts, Places("")):
            report.add(written.of(at + problem.pointer).problem(problem.code, problem.message, problem.hint))
        return value
    assert isinstance(found, Mapping)
    return found


def _as_text(kind: type[Section], value: Mapping[str, Json]) -> dict[str, Any]:
    """The data with scalars as text where a section wants text: a template of `{{ 3 }}` is a word there."""
    names = fields(kind)
    found: dict[str, Any] = dict(value)
    for name, item in value.items():
        annotation = kind.model_fields[names[name]].annotation if name in names else None
        inner = _section(annotation)
        if inner is not None:
            found[name] = _below(item, lambda part, inner=inner: _as_text(inner, part))  # type: ignore[misc]
        elif isinstance(item, bool | int | float) and _wants_text(annotation):
            found[name] = printed(item)
        elif isinstance(item, list | tuple) and _wants_texts(annotation):
            found[name] = [printed(one) if isinstance(one, bool | int | float) else one for one in item]
    return found


def _below(value: Json, read: Callable[[Mapping[str, Json]], Any]) -> Any:
    if isinstance(value, list | tuple):
        return [_below(item, read) for item in value]
    return read(value) if isinstance(value, Mapping) else value


def _section(annotation: Any) -> type[Section] | None:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    return next((found for part in get_args(annotation) if (found := _section(part)) is not None), None)


def _wants_text(annotation: Any) -> bool:
    options = {part for part in (annotation, *get_args(annotation)) if isinstance(part, type)}
    return str in options and not options & {int, float, bool}


def _wants_texts(annotation: Any) -> bool:
    return annotation == tuple[str, ...] or any(_wants_texts(part) for part in get_args(annotation))
