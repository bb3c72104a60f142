"""`runPatch`: data in the shape of a component's `run`, read once it is known of which kind that is (reference, 5.3).

For kinds with several groups of replicas it may also have the shape of one of them; then it counts for each group that
the component has. Decides what a patch means; laying it over the run is done elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from planner.compile.origin import Origin, Report
from planner.compile.patch import Placed
from planner.errors import Problem
from planner.spec import faults
from planner.spec.anatomy import fields
from planner.spec.places import Places, camel
from planner.spec.run import Run
from planner.spec.shape import Section
from planner.spec.words import short

__all__ = ["read_patch"]

_UNFANNED = frozenset({"mpijob"})
"""Kinds whose groups take no common patch (reference, section 5.3)."""


def read_patch(raw: Mapping[str, Any], run: Run, origin: Origin, report: Report) -> Placed[Run] | None:
    """A patch as a run of the same kind; None with problems.

    Args:
        raw: as written.
        run: what it patches.
        origin: where the patch is written.
        report: takes problems.
    """
    if "kind" in raw and raw["kind"] != run.kind:
        message = f"`runPatch` is for kind `{short(str(raw['kind']))}`, and the component is a `{run.kind}`"
        report.add(origin.at("kind").problem("PL-209", message, "remove `kind`"))
        return None
    part = origin.places.part(origin.pointer)
    value, places = dict(raw), Places(part.path, part.spot)
    roles = _roles(run, raw)
    if roles:
        value = {role: dict(raw) for role in roles}
        places = Places(part.path, (*part.spot[:2], dict.fromkeys(roles, (*part.key, *part.spot))))
    try:
        read = type(run).model_validate(value)
    except ValidationError as error:
        for problem in _once(faults.problems(error, type(run), value, places), roles, origin):
            report.add(problem)
        return None
    return Placed(read, Origin(replace(places, prefix=part.at)))


def _roles(run: Run, raw: Mapping[str, Any]) -> list[str]:
    """The groups that a patch in the shape of one of them counts for; empty where it has the shape of the run."""
    groups = {
        name: getattr(run, name)
        for name in type(run).model_fields
        if isinstance(getattr(run, name), Section)
        and {"container", "replicas"} <= type(getattr(run, name)).model_fields.keys()
    }
    if run.kind in _UNFANNED or not groups:
        return []
    own = fields(type(run)).keys()
    if any(camel(key) in own for key in raw):
        return []
    known = set().union(*(fields(type(group)) for group in groups.values()))
    if not any(camel(key) in known for key in raw):
        return []
    return [type(run).model_fields[name].alias or name for name in groups]


def _once(found: list[Problem], roles: list[str], origin: Origin) -> Iterator[Problem]:
    """Each problem at the pointer where it is written, once for all groups."""
    seen = set()
    for problem in found:
        pointer = problem.pointer
        for role in roles:
            pointer = pointer.removeprefix(f"/{role}") if pointer.startswith(f"/{role}/") else pointer
        if (problem.place, problem.message) not in seen:
            seen.add((problem.place, problem.message))
            yield replace(problem, pointer=origin.places.pointer(origin.pointer) + pointer)
