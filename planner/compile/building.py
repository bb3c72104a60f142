"""`build`: an image that is made before an operation of a DAG runs, and that it runs in (reference, section 10.4).

The build is an operation of the same DAG, before the one that wants it: so it is planned, cached, retried and shown
like any other. What it pushed, its output `image`, becomes the image of what comes after it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from planner.compile.bindings import Around, Sibling
from planner.compile.graph import Vertex
from planner.compile.ground import Ground
from planner.compile.resolve import Found, in_hub
from planner.compile.scope import has_template
from planner.model.desired import CompiledOperation, Input, Leaf, Node, Reference
from planner.model.gang import Gang
from planner.spec.build import Build
from planner.spec.operation import Operation
from planner.spec.plain import plain

__all__ = ["Wanted", "build_of", "built", "name_of"]

_IMAGE = "image"
"""The output of a build that names what it made."""
_INPUT = "built_image"
"""The name under which an operation is given it."""
_DESTINATION = "{{ globals.project_name }}:{{ globals.uuid }}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An operation that wants an image.

    Attributes:
        vertex: as it is written.
        compiled: it, compiled without the image.
        sibling: its component and its inputs.
        around: the DAG around it.
        ground: where that is written.
    """

    vertex: Vertex
    compiled: CompiledOperation
    sibling: Sibling
    around: Around
    ground: Ground

    @property
    def refused(self) -> str:
        """Why nothing can be built for it, or ""."""
        said = self.compiled.sections.get("build")
        if not isinstance(said, Mapping) or has_template(said.get("hubRef")):
            return "what builds its image must be known when it is read (`build`)"
        operation = self.vertex.operation
        if operation.trigger not in {None, "all_succeeded"} or operation.events:
            return "an image is built for what starts when all before it has succeeded (`build`)"
        if any(item.name == _INPUT for item in _leaf(self.compiled).inputs):
            return f"its input `{_INPUT}` has the name under which it is given its image (`build`)"
        return ""


def name_of(vertex: Vertex) -> str:
    """The name of the operation that builds an image for another one."""
    return f"{vertex.name}-build"


def build_of(wanted: Wanted) -> tuple[Vertex, str] | None:
    """The operation that builds, as if it were written, and why it cannot be one, or ""; None with a problem."""
    ground, origin = wanted.ground, wanted.vertex.origin.first(("build",))
    said = Build.model_validate(plain(wanted.compiled.sections["build"]))
    found = in_hub(said.hub_ref, origin.first(("hubRef",)), ground.view, ground.report)
    if found is None:
        return None
    outputs = {output.name for output in found.component.outputs or ()}
    refused = "" if _IMAGE in outputs else f"what is to build its image, {said.hub_ref}, has no output `{_IMAGE}`"
    fields: dict[str, Any] = {
        "name": name_of(wanted.vertex),
        "hub_ref": said.hub_ref,
        "params": _params(said, found, wanted.sibling),
        "presets": said.presets,
        "queue": said.queue,
        "namespace": said.namespace,
        "cache": said.cache,
        "run_patch": _patched(said),
        "patch_strategy": said.patch_strategy,
    }
    operation = Operation.model_validate({name: value for name, value in fields.items() if value is not None})
    return Vertex(operation, origin, wanted.vertex.upstream), refused


def built(wanted: Wanted, node: Node) -> Node:
    """`node`, which is that of `wanted`, with the image of its build."""
    name, leaf = name_of(wanted.vertex), _leaf(wanted.compiled)
    reference = Reference((*wanted.around.place, name), ("outputs", _IMAGE))
    body = replace(
        leaf,
        gang=_with_image(leaf.gang),
        compared=None if leaf.compared is None else _with_image(leaf.compared),
        references={**leaf.references, _INPUT: reference},
        inputs=(*leaf.inputs, Input(_INPUT, role="context", type="image")),
    )
    return replace(node, operation=replace(node.operation, body=body), upstream=(*node.upstream, name))


def _with_image(gang: Gang) -> Gang:
    image = f"{{{{ {_INPUT} }}}}"
    groups = (replace(group, container=replace(group.container, image=image)) for group in gang.replicas)
    return replace(gang, replicas=tuple(groups))


def _params(said: Build, found: Found, sibling: Sibling) -> dict[str, Any]:
    """What the build is given: its own params, the known inputs of the operation, and a name for its image."""
    own = {name: plain(param) for name, param in (said.params or {}).items()}
    known = {
        name: {"value": value, "contextOnly": True}
        for name, value in sibling.bindings.values.items()
        if name not in own and not has_template(value)
    }
    declared = any(item.name == "destination" for item in found.component.inputs or ())
    named = {"destination": {"value": _DESTINATION}} if declared and "destination" not in own else {}
    known.pop("destination", None)
    return {**known, **named, **own}


def _patched(said: Build) -> Mapping[str, Any] | None:
    if said.connection is None:
        return said.run_patch
    patch = said.run_patch or {}
    return {**patch, "connections": [*patch.get("connections", ()), said.connection]}


def _leaf(operation: CompiledOperation) -> Leaf:
    assert isinstance(operation.body, Leaf)
    return operation.body
