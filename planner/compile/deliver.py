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
from planner.spec.run import RayCluster, RayJob, Run
from planner.spec.workload import Workload

__all__ = ["delivered"]

W = TypeVar("W", bound=Workload)


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
    if isinstance(run, Workload):
        return _group(run, bindings.env, entries)
    changed: dict[str, Any] = {
        name: _group(group, bindings.env, entries)
        for name in type(run).model_fields
        if isinstance(group := getattr(run, name), Workload)
    }
    if isinstance(run, RayCluster | RayJob) and run.workers:
        changed["workers"] = {name: _group(group, bindings.env, entries) for name, group in run.workers.items()}
    return run.model_copy(update=changed)


def _entries(written: Sequence[Mapping[str, Any]], origin: Origin, report: Report) -> Iterator[InitEntry]:
    for value in written:
        try:
            yield InitEntry.model_validate(value)
        except ValidationError as error:
            for problem in faults.problems(error, InitEntry, value, Places(origin.path)):
                report.add(replace(problem, place=origin.place, pointer=origin.places.pointer(origin.pointer)))


def _group(group: W, env: Mapping[str, str], entries: tuple[InitEntry, ...]) -> W:
    """A job, a service or a replica with what inputs bring."""
    changed: dict[str, Any] = {}
    more = tuple(EnvVar(name=name, value=text) for name, text in env.items())
    if more and group.container is not None:
        changed["container"] = _with(group.container, more)
    if more and group.sidecars:
        changed["sidecars"] = tuple(_with(sidecar, more) for sidecar in group.sidecars)
    if entries:
        changed["init"] = (*entries, *(group.init or ()))
    return group.model_copy(update=changed) if changed else group


def _with(container: Container, more: tuple[EnvVar, ...]) -> Container:
    """Values of inputs come last among the variables, so that they hold."""
    return container.model_copy(update={"env": (*(container.env or ()), *more)})
