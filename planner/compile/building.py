"""`build`: an image that is made before an operation runs, and that it runs in (reference, section 10.4).

In a DAG the build is an operation of the same DAG, before the one that wants it; of an operation by itself it is one
whose runs are below its own. So it is planned, cached, retried and shown like any other. What it pushed, its output
`image`, becomes the image of what comes after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from planner.canon import Json
from planner.compile.bindings import Around, Sibling
from planner.compile.given import CompileConfig
from planner.compile.graph import Vertex
from planner.compile.ground import Ground
from planner.compile.imaged import BUILT_IMAGE, with_built_image
from planner.compile.resolve import Found, in_hub
from planner.compile.scope import escape, has_template
from planner.model.desired import CompiledOperation, Dag, Input, Leaf, Node, Reference, Sweep
from planner.spec.build import Build
from planner.spec.operation import Operation
from planner.spec.plain import plain

__all__ = ["Wanted", "build_of", "built", "is_built", "name_of", "with_build", "with_refusal"]

_IMAGE = "image"
"""The output of a build that names what it made."""
_DESTINATION = "{{ globals.project_name }}:{{ globals.uuid }}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An operation that wants an image.

    Attributes:
        vertex: as it is written.
        compiled: it, compiled without the image.
        sibling: its component and its inputs.
        around: the DAG around it; None where it stands by itself.
        ground: where that is written.
    """

    vertex: Vertex
    compiled: CompiledOperation
    sibling: Sibling
    around: Around | None
    ground: Ground

    @property
    def refused(self) -> str:
        """Why nothing can be built for it, or ""."""
        said = self.compiled.sections.get("build")
        if not isinstance(said, Mapping) or has_template(said.get("hubRef")):
            return "what builds its image must be known when it is read (`build`)"
        operation = self.vertex.operation
        if self.around is not None and (operation.trigger not in {None, "all_succeeded"} or operation.events):
            return "an image is built for what starts when all before it has succeeded (`build`)"
        if any(item.name == BUILT_IMAGE for item in _leaf(self.compiled).inputs):
            return f"its input `{BUILT_IMAGE}` has the name under which it is given its image (`build`)"
        return ""

    @property
    def name(self) -> str:
        """The name of the operation that builds. Below a run it is the same whatever that is renamed to."""
        return "build" if self.around is None else name_of(self.vertex)


def name_of(vertex: Vertex) -> str:
    """The name of the operation of a DAG that builds an image for another one."""
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
        "name": wanted.name,
        "hub_ref": said.hub_ref,
        "params": _params(said, found, wanted),
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
    return replace(node, operation=with_image(wanted, node.operation), upstream=(*node.upstream, wanted.name))


def with_image(wanted: Wanted, operation: CompiledOperation) -> CompiledOperation:
    """`operation`, which is that of `wanted`, with the image of its build."""
    leaf, place = _leaf(wanted.compiled), wanted.around.place if wanted.around is not None else ()
    reference = Reference((*place, wanted.name), ("outputs", _IMAGE))
    body = replace(
        leaf,
        gang=with_built_image(leaf.gang),
        compared=None if leaf.compared is None else with_built_image(leaf.compared),
        references={**leaf.references, BUILT_IMAGE: reference},
        inputs=(*leaf.inputs, Input(BUILT_IMAGE, role="context", type="image")),
    )
    if isinstance(operation.body, Sweep):
        return replace(operation, body=replace(operation.body, trial=replace(operation.body.trial, body=body)))
    return replace(operation, body=body)


def is_built(compiled: CompiledOperation) -> bool:
    """Whether an image is wanted for it."""
    body = compiled.body.trial.body if isinstance(compiled.body, Sweep) else compiled.body
    return bool(compiled.sections.get("build")) and isinstance(body, Leaf)


def with_build(wanted: Wanted, compile_one: Callable[[Vertex], CompiledOperation | None]) -> CompiledOperation | None:
    """The operation by itself that is `wanted`, with its build, or refused; None with a problem.

    Args:
        wanted: it.
        compile_one: compiles an operation.
    """
    if wanted.refused:
        return with_refusal(wanted.compiled, wanted.refused)
    made = build_of(wanted)
    build = compile_one(made[0]) if made is not None else None
    if made is None or build is None:
        return None
    reason = made[1] or ("a DAG builds no image (`build`)" if isinstance(build.body, Dag) else "")
    reason = reason or (f"what builds its image cannot run: {build.refused}" if build.refused else "")
    if reason:
        return with_refusal(wanted.compiled, reason)
    return replace(with_image(wanted, wanted.compiled), build=replace(build, name=wanted.name))


def with_refusal(operation: CompiledOperation, reason: str) -> CompiledOperation:
    """`operation`, which cannot run here; a reason that it has already stays."""
    return replace(operation, refused=operation.refused or reason)


def _params(said: Build, found: Found, wanted: Wanted) -> dict[str, Any]:
    """What the build is given: its own params, the known inputs of the operation, and where its image goes."""
    own = {name: plain(param) for name, param in (said.params or {}).items()}
    declared = {item.name for item in found.component.inputs or ()}
    known = {
        name: {"value": value, "contextOnly": True}
        for name, value in wanted.sibling.bindings.values.items()
        if name not in own and name not in declared and not has_template(value)
    }
    known.pop("destination", None)
    leads = _leads(said.connection, wanted.ground.policy.config)
    named = {name: {"value": value} for name, value in leads.items() if name in declared and name not in own}
    return {**known, **named, **own}


def _leads(connection: str | None, config: CompileConfig) -> dict[str, Json]:
    """Where an image goes whose build does not say it: into the registry of its connection."""
    registry = (config.connections or {}).get(connection or "")
    if registry is None or registry.kind != "registry":
        return {"destination": _DESTINATION}
    schema = registry.schema_fields
    scheme, _, address = str(schema.get("url", "")).rpartition("://")
    found: dict[str, Json] = {"destination": f"{escape(address.rstrip('/'))}/{_DESTINATION}"}
    return {**found, "insecure": True} if schema.get("insecure") is True or scheme == "http" else found


def _patched(said: Build) -> Mapping[str, Any] | None:
    if said.connection is None:
        return said.run_patch
    patch = said.run_patch or {}
    return {**patch, "connections": [*patch.get("connections", ()), said.connection]}


def _leaf(operation: CompiledOperation) -> Leaf:
    """What it runs; of a sweep, what each of its trials does."""
    body = operation.body.trial.body if isinstance(operation.body, Sweep) else operation.body
    assert isinstance(body, Leaf)
    return body
