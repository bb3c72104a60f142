"""References from operations to components: inline, `pathRef` and `dagRef` (reference, section 4).

`pathRef` is relative to the folder of the file that it is written in, stays in the repository and never goes through a
symlink. This module decides what a reference leads to; it never judges what it finds there beyond its kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.compile.origin import Origin, Report
from planner.compile.paths import inside
from planner.compile.view import View
from planner.spec.component import Component
from planner.spec.load import Document, Loaded
from planner.spec.operation import Operation
from planner.spec.words import nearest, short

__all__ = ["Found", "component_of"]


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
    assert operation.path_ref is not None  # the model takes exactly one of the three
    return _in_file(operation.path_ref, origin.at("pathRef"), view, report)


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
