"""What a DAG is before its operations are compiled: their presets, and what it hands down (reference, section 12.2)."""

from __future__ import annotations

from dataclasses import replace

from planner.compile.ground import known
from planner.compile.merge import HANDED, with_presets
from planner.compile.patch import Placed, with_field, with_items
from planner.compile.settled import settled, whole, without_trials
from planner.compile.task import Bound
from planner.spec import run as spec
from planner.spec.component import Component
from planner.spec.environment import Environment
from planner.spec.shape import Section

__all__ = ["environment_of", "preset_of", "with_laid_presets"]


def with_laid_presets(bound: Bound, run: spec.Dag) -> tuple[Bound, spec.Dag]:
    """The DAG with the presets of its operations laid over them: they may add to what those wait for."""
    operations = run.operations if isinstance(run.operations, tuple) else ()
    if not any(operation.presets for operation in operations):
        return bound, run
    ground = bound.ground
    origin = ground.origin.at("operations")
    laid = [
        with_presets(Placed(operation, origin.at(index)), ground.view, ground.report)
        for index, operation in enumerate(operations)
    ]
    made = with_items(Placed(run, ground.origin), "operations", laid)
    return replace(bound, ground=replace(ground, origin=made.origin)), made.section


def preset_of(bound: Bound) -> Placed[Component]:
    """What the DAG hands down, settled here: its templates see its own inputs.

    What each run of a sweep over the DAG has its own value of is left out.
    """
    component, pair = bound.component, (bound.scope, bound.ground.report)
    for name in HANDED:
        written, origin = getattr(component.section, name), component.origin.at(name)
        if isinstance(written, Section):
            found: object = without_trials(settled(written, origin, *pair, stays="trial"), origin, *pair)
        elif written is not None:
            found = known(written, origin, *pair)
        else:
            continue
        if found is not written:
            component = with_field(component, name, Placed(found, origin))
    return component


def environment_of(bound: Bound, run: spec.Dag) -> Placed[Environment] | None:
    """The environment of the DAG; what of it waits for a run is left to the runs, but not for those of a sweep."""
    origin, said, pair = bound.ground.origin.at("environment"), run.environment, (bound.scope, bound.ground.report)
    if isinstance(said, str):
        said = whole(Environment, said, origin, pair)
    if said is None:
        return None
    found = without_trials(settled(said, origin, *pair, stays="run"), origin, *pair)
    return Placed(found, origin) if found is not None else None
