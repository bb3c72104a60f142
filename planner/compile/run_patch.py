"""`runPatch`: data in the shape of a component's `run`, read once it is known of which kind that is (reference, 5.3).

For kinds with several groups of replicas it may also have the shape of one of them; then it counts for each group that
the component has. Decides what a patch means; laying it over the run is done elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import ValidationError

from planner.compile.origin import Origin, Report
from planner.compile.parts import with_parts
from planner.compile.patch import Placed
from planner.compile.pod import groups_of
from planner.errors import Problem
from planner.spec import faults
from planner.spec.anatomy import fields
from planner.spec.environment import Environment
from planner.spec.places import Entry, Part, Places, camel, pointer, spot_of
from planner.spec.plain import plain
from planner.spec.run import Run
from planner.spec.words import short

__all__ = ["environment_patch", "read_patch"]

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
    return _read(raw, run, origin, report, _meant(run, raw))


def environment_patch(handed: Placed[Environment], run: Run, report: Report) -> Placed[Run] | None:
    """The environment that a DAG hands down, as a patch that says nothing else; None where nothing would have it.

    Each group of a kind that has several gets it, those of an `mpijob` too: it is pushed to every operation.
    """
    part = handed.origin.places.part(handed.origin.pointer)
    home = with_parts(Part(part.path, part.key, (*part.spot[:2], None)), {"environment": part})
    paths = [] if "environment" in type(run).model_fields else _groups(run)
    if not paths and "environment" not in type(run).model_fields:
        return None
    return _read({"environment": plain(handed.section)}, run, Origin(Places(home.path, home.spot)), report, paths)


def _read(
    raw: Mapping[str, Any], run: Run, origin: Origin, report: Report, paths: Sequence[tuple[str, ...]]
) -> Placed[Run] | None:
    """A patch as a run; it counts for each of the groups at these paths, where there are some."""
    part = origin.places.part(origin.pointer)
    value, entry = _fanned(dict(raw), (*part.key, *part.spot), paths)
    places = Places(part.path, spot_of(entry))
    try:
        read = type(run).model_validate(value)
    except ValidationError as error:
        for problem in _once(faults.problems(error, type(run), value, places), paths, origin):
            report.add(problem)
        return None
    return Placed(read, Origin(replace(places, prefix=part.at)))


def _fanned(value: dict[str, Any], entry: Entry, paths: Sequence[tuple[str, ...]]) -> tuple[dict[str, Any], Entry]:
    """A value and where it stands, once at each path; as they are without one."""
    if not any(paths):
        return value, entry
    values: dict[str, Any] = {}
    entries: dict[str, Entry] = {}
    for name in dict.fromkeys(path[0] for path in paths):
        values[name], entries[name] = _fanned(value, entry, [path[1:] for path in paths if path[0] == name])
    return values, (*entry[:4], entries)


def _meant(run: Run, raw: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The groups that a patch in the shape of one of them counts for; empty where it has the shape of the run."""
    own = fields(type(run)).keys()
    if run.kind in _UNFANNED or any(camel(key) in own for key in raw):
        return []
    known = {name for path, group in groups_of(run) if path for name in fields(type(group))}
    return _groups(run) if any(camel(key) in known for key in raw) else []


def _groups(run: Run) -> list[tuple[str, ...]]:
    return [path for path, _ in groups_of(run) if path]


def _once(found: list[Problem], paths: Sequence[tuple[str, ...]], origin: Origin) -> Iterator[Problem]:
    """Each problem at the pointer where it is written, once for all groups."""
    seen = set()
    for problem in found:
        at = problem.pointer
        for group in (pointer(*path) for path in paths):
            at = at.removeprefix(group) if at.startswith(f"{group}/") else at
        if (problem.place, problem.message) not in seen:
            seen.add((problem.place, problem.message))
            yield replace(problem, pointer=origin.places.pointer(origin.pointer) + at)
