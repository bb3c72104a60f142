"""Operations: requests to run a component (reference, sections 2 and 4).

The models of the language refer to each other in a circle (a DAG holds operations, which hold components, which hold
DAGs); it is closed at the end of this module, so whoever wants a model of a document imports this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import ConfigDict
from pydantic.json_schema import JsonSchemaValue

from planner.spec.clashes import Clash, Said
from planner.spec.component import Component
from planner.spec.document import DocumentFields
from planner.spec.events import Events, Trigger
from planner.spec.joins import Joins
from planner.spec.matrix import Matrix
from planner.spec.needed import any_of
from planner.spec.params import Params
from planner.spec.presets import PatchStrategy, RunPatch
from planner.spec.references import HubRef, PathRef, UrlRef
from planner.spec.run import Dag
from planner.spec.schedule import Schedule
from planner.spec.shape import TRUE, Bool, OrTemplate, fault, truth

__all__ = ["AS_PRESET", "REFERENCES", "Operation"]

REFERENCES = ("component", "hubRef", "dagRef", "urlRef", "pathRef")
"""Fields that say what an operation runs; it has one of them."""

AS_PRESET: list[JsonSchemaValue] = [
    {"required": [name], "properties": {name: TRUE}} for name in ("isPreset", "is_preset")
]
"""The JSON Schemas of what makes an operation a preset."""

_LISTED = "`component`, `pathRef`, `hubRef`, `urlRef` and `dagRef`"


class Operation(
    DocumentFields,
    identity="kind params dependencies component matrix joins events trigger conditions skip_on_upstream_skip",
    live="schedule",
    inert="hub_ref dag_ref url_ref path_ref run_patch patch_strategy is_preset",
):
    """One thing that shall run: what, with which values, and when.

    What refers to a component, patches and presets are inert: what comes of them counts where it lands.
    """

    model_config = ConfigDict(json_schema_extra={"anyOf": [*any_of(*REFERENCES)["anyOf"], *AS_PRESET]})

    kind: Literal["operation"] = "operation"
    """What document it is."""
    hub_ref: HubRef | None = None
    """A component of a hub: `name`, `name:version` or `owner/name:version`."""
    dag_ref: str | None = None
    """Name of a component of the enclosing DAG."""
    url_ref: UrlRef | None = None
    """URL of a component's file."""
    path_ref: PathRef | None = None
    """Path of a component's file, relative to the folder of this one."""
    component: Component | None = None
    """The component itself."""
    params: Params | None = None
    """Values for the inputs of the component, by name."""
    run_patch: RunPatch | None = None
    """What is merged over the `run` of the component, in its shape and without its `kind`."""
    patch_strategy: PatchStrategy | None = None
    """How this operation, or preset, is merged over what is there; `post_merge` by default."""
    is_preset: Bool | None = None
    """Whether it is a preset, which runs nothing and needs no component; false by default."""
    schedule: Schedule | None = None
    """When it runs by the clock."""
    events: Events | None = None
    """What else starts it."""
    matrix: Matrix | None = None
    """Many runs of it, with different params."""
    joins: Joins | None = None
    """Values of many earlier runs."""
    dependencies: Annotated[tuple[str, ...] | str, OrTemplate(tuple[str, ...])] | None = None
    """Names of operations of the same DAG that it waits for."""
    trigger: Annotated[Trigger | str, OrTemplate(Trigger)] | None = None
    """What those must have come to; `all_succeeded` by default."""
    conditions: str | None = None
    """An expression, or a template, that must be true when it is about to start; else it is skipped."""
    skip_on_upstream_skip: Bool | None = None
    """Whether it is skipped when one of those is; by default a skipped one counts as succeeded."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """One reference to a component and no more, which is stricter than the reference; a preset needs none."""
        given = said.given(*REFERENCES)
        if truth(said["isPreset"]):
            return
        if len(given) > 1:
            at = ("component",) if "component" in given else (given[-1],)
            yield (), fault("PL-209", f"an operation has one of {_LISTED}", "keep one of them", at)
        if not given:
            hint = "add `component`, or a `pathRef` to its file"
            known = (*REFERENCES, "isPreset")
            yield (), fault("PL-202", "an operation needs a component", hint, ("component",), known)


_CIRCLE = {"Operation": Operation, "Component": Component}
Dag.model_rebuild(_types_namespace=_CIRCLE)
Component.model_rebuild(force=True, _types_namespace=_CIRCLE)
Operation.model_rebuild(force=True, _types_namespace=_CIRCLE)
