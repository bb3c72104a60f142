"""References from operations to components (reference, section 4).

A component stands inline, or is found by path, by name in the DAG around, in a hub or at a URL. `pathRef` is relative
to the folder of the file that it is written in, stays in the repository and never goes through a symlink; a file that
is not of the repository has none. This module decides what a reference leads to; it never judges what it finds there
beyond its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.compile.origin import Origin, Report
from planner.compile.outside import failure_problem, hub_key, url_key, written
from planner.compile.paths import inside
from planner.compile.view import View
from planner.errors import Severity
from planner.spec.component import Component
from planner.spec.load import Document, Loaded
from planner.spec.operation import Operation
from planner.spec.words import nearest, short

__all__ = ["Found", "component_of", "in_hub"]


@dataclass(frozen=True, slots=True)
class Found:
    """A component and where it is written."""

    component: Component
    origin: Origin


def component_of(
    operation: Operation, origin: Origin, library: Mapping[str, Found] | None, asked: tuple[View, Report]
) -> Found | None:
    """The component that an operation runs; None with a problem where there is none.

    Args:
        operation: which refers to it.
        origin: where the operation is written.
        library: components of the DAG around it; None outside of DAGs.
        asked: the tree to look into, and where problems go.
    """
    view, report = asked
    if operation.component is not None:
        return Found(operation.component, origin.at("component"))
    if operation.dag_ref is not None:
        return _in_dag(operation.dag_ref, origin.at("dagRef"), library, report)
    if operation.path_ref is not None:
        return _in_file(operation.path_ref, origin.at("pathRef"), view, report)
    if operation.hub_ref is not None:
        return in_hub(operation.hub_ref, origin.at("hubRef"), view, report)
    assert operation.url_ref is not None  # the model takes exactly one of them, but for presets
    return _outside(url_key(operation.url_ref), origin.at("urlRef"), view, report)


def in_hub(ref: str, origin: Origin, view: View, report: Report) -> Found | None:
    """The component that a `hubRef` leads to, of an operation, hook, build or tuner; None with a problem or warning.

    Args:
        ref: as written.
        origin: where.
        view: the tree.
        report: takes problems.
    """
    return _outside(hub_key(ref), origin, view, report)


def _outside(key: str, origin: Origin, view: View, report: Report) -> Found | None:
    ref = written(key)
    found, loaded = view.outside(key)
    if found is None or found.failure:
        report.add(failure_problem(found, ref, origin))
        return None
    if loaded is None or not loaded.valid:
        said = next((one for one in loaded.problems if one.severity is Severity.ERROR), None) if loaded else None
        hint = f"{said.place}: {said.message}" if said else "repair it there"
        report.add(origin.problem("PL-310", f"`{short(ref)}`: the component has problems", hint))
        return None
    return _only_component(loaded, origin, report)


def _in_dag(name: str, origin: Origin, library: Mapping[str, Found] | None, report: Report) -> Found | None:
    if library is None:
        hint = "use `pathRef` or `component`"
        report.add(origin.problem("PL-302", "`dagRef` works inside a DAG only", hint))
        return None
    if name not in library:
        near = nearest(name, library)
        hint = f"did you mean `{near}`?" if near else "add it to the `components` of the DAG"
        report.add(origin.problem("PL-302", f"the DAG has no component `{short(name)}`", hint))
    return library.get(name)


def _in_file(ref: str, origin: Origin, view: View, report: Report) -> Found | None:
    if view.is_outside(origin.path):
        message = "a component that is not of this repository cannot use `pathRef`"
        report.add(origin.problem("PL-302", message, "use `hubRef`, or put the component inline there"))
        return None
    path = inside(origin.folder, ref)
    if path is None:
        report.add(origin.problem("PL-302", f"`{short(ref)}` leads out of the repository"))
        return None
    if not view.is_file(path, origin, report):
        return None
    loaded = view.file(path)
    if loaded is None or not loaded.valid:
        hint = f"repair {path} first"
        report.add(origin.problem("PL-302", f"the component's file {path} has problems", hint))
        return None
    return _only_component(loaded, origin, report)


def _only_component(loaded: Loaded, origin: Origin, report: Report) -> Found | None:
    components: list[tuple[Document, Component]] = [
        (document, document.spec) for document in loaded.documents if isinstance(document.spec, Component)
    ]
    if len(components) == 1:
        document, component = components[0]
        return Found(component, Origin(document.places))
    what = f"{len(components)} components" if components else "no component"
    hint = "refer to a file with exactly one"
    report.add(origin.problem("PL-302", f"{loaded.path} has {what}", hint))
    return None
