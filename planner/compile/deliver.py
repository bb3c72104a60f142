"""Values that reach a program beside its templates, put where a user would have written them (reference, 6 and 7.4).

`toEnv` becomes a variable of every main container and user sidecar, `toInit` an entry before the others of `init`. This
module decides where they land; what they are is decided where inputs are bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import ValidationError

from planner.compile.bindings import Bindings
from planner.compile.origin import Origin, Report
from planner.spec import faults
from planner.spec.container import Container, EnvVar
from planner.spec.init import InitEntry
from planner.spec.places import Places
from planner.spec.run import Run
from planner.spec.shape import Section

__all__ = ["delivered"]

S = TypeVar("S", bound=Section)


def delivered(run: Run, bindings: Bindings, origin: Origin, report: Report) -> Run:
    """The run with what its inputs bring.

    Args:
        run: as written and merged.
        bindings: its inputs.
        origin: where the inputs are written, for what cannot be put in place.
        report: takes problems.
    """
    if not bindings.env and not bindings.init:
        return run
    entries = tuple(_entries(bindings.init, origin, report))
    if "container" in type(run).model_fields:
        return _group(run, bindings.env, entries)
    groups = {name: getattr(run, name) for name in type(run).model_fields}
    changed: dict[str, Any] = {
        name: _group(group, bindings.env, entries)
        for name, group in groups.items()
        if isinstance(group, Section) and "container" in type(group).model_fields
    }
    workers = groups.get("workers")
    if isinstance(workers, Mapping):
        changed["workers"] = {name: _group(group, bindings.env, entries) for name, group in workers.items()}
    return run.model_copy(update=changed)


def _entries(written: Sequence[Mapping[str, Any]], origin: Origin, report: Report) -> Iterator[InitEntry]:
    for value in written:
        try:
            yield InitEntry.model_validate(value)
        except ValidationError as error:
            for problem in faults.problems(error, InitEntry, value, Places(origin.path)):
                report.add(replace(problem, place=origin.place, pointer=origin.places.pointer(origin.pointer)))


def _group(group: S, env: Mapping[str, str], entries: tuple[InitEntry, ...]) -> S:
    """A job, a service or a replica; values of inputs come last among its variables, so that they hold."""
    changed: dict[str, Any] = {}
    container = getattr(group, "container", None)
    if env and isinstance(container, Container):
        more = tuple(EnvVar(name=name, value=text) for name, text in env.items())
        changed["container"] = container.model_copy(update={"env": (*(container.env or ()), *more)})
    sidecars = getattr(group, "sidecars", None)
    if env and isinstance(sidecars, list | tuple):
        changed["sidecars"] = [_sidecar(one, env) for one in sidecars]
    if entries and "init" in type(group).model_fields:
        below = getattr(group, "init", None)
        changed["init"] = (*entries, *(below if isinstance(below, tuple) else ()))
    return group.model_copy(update=changed) if changed else group


def _sidecar(written: Any, env: Mapping[str, str]) -> Any:
    if not isinstance(written, Mapping):
        return written
    more = [{"name": name, "value": text} for name, text in env.items()]
    return {**written, "env": [*(written.get("env") or ()), *more]}
