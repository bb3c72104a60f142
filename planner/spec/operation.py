"""Operations: requests to run a component (reference, sections 2 and 4).

The models of the language refer to each other in a circle (a DAG holds operations, which hold components, which hold
DAGs); it is closed at the end of this module, so whoever wants a model of a document imports this one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator

from planner.spec.clashes import Clash, Said
from planner.spec.component import Component
from planner.spec.params import Params
from planner.spec.run import Dag
from planner.spec.schedule import Schedule
from planner.spec.shape import Name, Names, Section, fault, is_template
from planner.spec.termination import Termination
from planner.spec.version import Version

__all__ = ["Operation"]


_REFERENCES = ("component", "pathRef", "dagRef", "hubRef", "urlRef", "isPreset")


def _relative(value: str) -> str:
    if not value or value.startswith("/") or "\\" in value or is_template(value):
        hint = "write it relative to the folder of this file"
        raise fault("PL-204", "{field} must be a relative path", hint)
    return value


class Operation(
    Section,
    identity="kind name params dependencies component",
    live="queue termination schedule",
    inert="version description tags dag_ref path_ref",
):
    """One thing that shall run: what, with which values, and when."""

    version: Version | None = None
    """Required at the top of a document only."""
    kind: Literal["operation"] = "operation"
    name: Name | None = None
    """A root without a name gets one from its path; a node of a DAG needs one."""
    description: str | None = None
    tags: Names | None = None
    queue: str | None = None
    termination: Termination | None = None
    params: Params | None = None
    schedule: Schedule | None = None
    dependencies: tuple[str, ...] | None = None
    """Names of operations of the same DAG."""
    dag_ref: str | None = None
    """Name of a component of the enclosing DAG."""
    path_ref: Annotated[str, AfterValidator(_relative)] | None = None
    """Path of a component's file, relative to the folder of this one."""
    component: Component | None = None

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """Exactly one of `dagRef`, `pathRef` and `component`; stricter than the reference, which lets a ref win."""
        given = said.given("component", "pathRef", "dagRef")
        if len(given) > 1:
            at = ("component",) if "component" in given else (given[-1],)
            yield (
                (),
                fault("PL-209", "an operation has one of `component`, `pathRef` and `dagRef`", "keep one of them", at),
            )
        if not given:
            hint = "add `component`, or a `pathRef` to its file"
            yield (), fault("PL-202", "an operation needs a component", hint, ("component",), _REFERENCES)


_CIRCLE = {"Operation": Operation, "Component": Component}
Dag.model_rebuild(_types_namespace=_CIRCLE)
Component.model_rebuild(force=True, _types_namespace=_CIRCLE)
Operation.model_rebuild(force=True, _types_namespace=_CIRCLE)
