"""What an operation comes to: presets and its DAG laid over or under it, and it over its component (reference, 5).

The order is the reference's: presets by their order, then what the DAG around hands down, which only fills and joins
(section 12.2); then `runPatch` over the component's run; then the fields that both have (section 5.5). After this there
is one component and one operation, with places of their own, and nothing else knows of merging.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.compile.bindings import Around
from planner.compile.origin import Origin, Report
from planner.compile.patch import Placed, patched, with_field
from planner.compile.presets import presets_of
from planner.compile.resolve import Found
from planner.compile.run_patch import environment_patch, read_patch
from planner.compile.view import View
from planner.spec.component import Component
from planner.spec.document import DocumentFields
from planner.spec.operation import REFERENCES, Operation
from planner.spec.presets import PatchStrategy
from planner.spec.run import Run

__all__ = ["HANDED", "Merged", "merged", "with_presets"]

HANDED = ("cache", "termination", "plugins", "queue", "namespace")
"""What a DAG hands down to its operations (reference, section 12.2); it runs in one namespace as it has one queue."""

_SHARED = tuple(name for name in DocumentFields.model_fields if name != "version")
_OWN = {"version", "kind", "name", "is_preset", "run_patch", "patch_strategy", "presets"}
_OWN |= {"component", "hub_ref", "dag_ref", "url_ref", "path_ref"}
_PATCHED = tuple(name for name in Operation.model_fields if name not in _OWN)
"""What a preset changes in an operation (reference, section 5.2); `runPatch` is merged as the run that it patches."""

assert len(REFERENCES) == 5  # the five in `_OWN`


@dataclass(frozen=True, slots=True)
class Merged:
    """An operation with all that is laid over it and under it.

    Attributes:
        operation: it, with its presets and what its DAG hands down.
        found: its component, with the operation laid over it.
    """

    operation: Placed[Operation]
    found: Found


@dataclass(frozen=True, slots=True)
class _Layer:
    """A preset, and how it is laid over what is there."""

    preset: Placed[Operation]
    strategy: PatchStrategy


def with_presets(operation: Placed[Operation], view: View, report: Report) -> Placed[Operation]:
    """An operation with its presets in all fields but its run: what the graph of a DAG needs to know of it."""
    return _laid(operation, _presets(operation.section.presets, operation.origin.at("presets"), view, report))


def merged(operation: Placed[Operation], found: Found, around: Around | None, asked: tuple[View, Report]) -> Merged:
    """What an operation comes to; problems with presets and patches go to the report.

    Args:
        operation: as written.
        found: the component that it refers to.
        around: the DAG around it.
        asked: the tree, and what takes problems.
    """
    view, report = asked
    component = Placed(found.component, found.origin)
    layers = _presets(found.component.presets, found.origin.at("presets"), view, report)
    layers += _presets(operation.section.presets, operation.origin.at("presets"), view, report)
    patch = _patch(operation, component, layers, around, report)
    whole = _laid(operation, layers)
    if around is not None and around.preset is not None:
        whole = patched(whole, around.preset, "pre_merge", HANDED)
    strategy = operation.section.patch_strategy or "post_merge"
    run = Placed(found.component.run, found.origin.at("run"))
    if patch is not None:
        run = patched(run, patch, strategy, _said(patch.section))
    component = component if run.section is found.component.run else with_field(component, "run", run)
    component = patched(component, whole, strategy, _SHARED)
    return Merged(whole, Found(component.section, component.origin))


def _presets(names: tuple[str, ...] | None, origin: Origin, view: View, report: Report) -> list[_Layer]:
    found = presets_of(names, origin, view, report) if names else ()
    if not report.afford([one.origin for one in found], origin):
        return []
    return [_Layer(Placed(one.operation, one.origin), one.operation.patch_strategy or "post_merge") for one in found]


def _laid(operation: Placed[Operation], layers: list[_Layer]) -> Placed[Operation]:
    for layer in layers:
        operation = patched(operation, layer.preset, layer.strategy, _PATCHED)
    return operation


def _patch(
    operation: Placed[Operation],
    component: Placed[Component],
    layers: list[_Layer],
    around: Around | None,
    report: Report,
) -> Placed[Run] | None:
    """The patch of the run: the operation's own, those of its presets over it, the environment of its DAG under it."""
    found = _read(operation, component, report)
    for layer in layers:
        found = _over(found, _read(layer.preset, component, report), layer.strategy)
    if around is not None and around.environment is not None:
        found = _over(found, environment_patch(around.environment, component.section.run, report), "pre_merge")
    return found


def _over(patch: Placed[Run] | None, other: Placed[Run] | None, strategy: PatchStrategy) -> Placed[Run] | None:
    """A patch with another one laid over it, where there are both."""
    if patch is None or other is None:
        return patch or other
    return patched(patch, other, strategy, _said(other.section))


def _read(operation: Placed[Operation], component: Placed[Component], report: Report) -> Placed[Run] | None:
    raw = operation.section.run_patch
    if not isinstance(raw, Mapping) or not raw:
        return None
    return read_patch(raw, component.section.run, operation.origin.at("runPatch"), report)


def _said(run: Run) -> list[str]:
    return [name for name in type(run).model_fields if name in run.model_fields_set and name != "kind"]
