"""Leaves: a gang as its kind lowered it, rendered and checked for what can be granted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from planner.canon import Json
from planner.compile.bindings import Bindings
from planner.compile.code import warn_of_unseen
from planner.compile.compared import compared
from planner.compile.gang_origin import Written
from planner.compile.ground import Ground
from planner.compile.inputs import flaw_problem
from planner.compile.leaf_checks import check_amounts, check_slots, check_texts, tell_environment
from planner.compile.origin import Report
from planner.compile.pod import looked_up
from planner.compile.recheck import rechecked
from planner.compile.refusal import refusal
from planner.compile.scope import strings
from planner.compile.template import Bound, Scope, bind
from planner.compile.texts import gather, is_final, spread
from planner.compile.types import listed_type
from planner.compile.variables import read_by
from planner.model.desired import Leaf, Output
from planner.model.gang import Gang, Replica
from planner.spec.component import Component
from planner.spec.plain import plain

__all__ = ["finished", "refusal"]


def finished(gang: Gang, ground: Ground, bindings: Bindings, component: Component) -> Leaf:
    """The leaf of a gang whose texts are as written; problems go to the report.

    Args:
        gang: what its kind lowered it to.
        ground: where the run is written.
        bindings: its inputs.
        component: what it runs.
    """
    gang = written_out = _with_inputs(gang, bindings)
    written = Written(component.run, ground.origin, bindings.init)
    texts: Json = {}
    bound = Bound(None)
    if not is_final(gang):
        texts = spread(gang)
        bound = bind(texts, ground.scope, ground.report.templates())
        gang = _rendered(gang, bound, written, ground.report)
    for group in gang.replicas:
        at, here = f"/replicas/{group.role}", replace(ground, origin=written.group(group.role))
        check_amounts(group.container.resources, f"{at}/resources", bound.pending, here)
        check_amounts(group.container.limits, f"{at}/limits", bound.pending, here)
        warn_of_unseen(group.container, gang.code, here)
    if all(group.role == "main" for group in gang.replicas):
        check_slots(gang, ground)
        tell_environment(gang, ground)
    outputs = component.outputs or ()
    return Leaf(
        gang=gang,
        params=dict(bindings.values),
        references=dict(bindings.references),
        outputs=tuple(Output(io.name, listed_type(io.type or "", is_list=bool(io.is_list))) for io in outputs),
        inputs=bindings.inputs,
        templates=dict(bindings.templates),
        known=_known(texts, bound, bindings, ground.scope),
        compared=compared(written_out, _cache(component, ground.scope), bindings, ground.scope),
    )


def _cache(component: Component, scope: Scope) -> Json:
    """What the cache compares, as far as it is known; what is wrong with it is told where it is carried."""
    return bind(plain(component.cache), scope).value if component.cache is not None else None


def _rendered(before: Gang, bound: Bound, written: Written, report: Report) -> Gang:
    for flaw in bound.flaws:
        report.add(flaw_problem(written.of(flaw.pointer), flaw))
    errors = report.errors
    gang = gather(before, bound)
    check_texts(gang, bound, written, report)
    return rechecked(before, gang, written, report) if report.errors == errors else gang


def _known(texts: Json, bound: Bound, bindings: Bindings, scope: Scope) -> Mapping[str, Json]:
    """What is known now of that which waiting texts read: it counts for the digest, and the start needs it again."""
    waiting = [text for _, text in strings(dict(bindings.templates))]
    waiting += [text for at, text in strings(texts) if at in bound.pending] if bound.pending else []
    known = scope["globals"]
    assert isinstance(known, Mapping)
    found = ((name, known.get(name)) for name in sorted(read_by(waiting)))
    return {name: value for name, value in found if isinstance(value, str)}


def _with_inputs(gang: Gang, bindings: Bindings) -> Gang:
    """The gang with variables that its inputs bring, in every group; `deliver` put their entries of `init` there."""
    if not bindings.env:
        return gang
    return replace(gang, replicas=tuple(_group_with(group, bindings) for group in gang.replicas))


def _group_with(group: Replica, bindings: Bindings) -> Replica:
    """A variable that the container has itself wins."""
    names = looked_up(group.pod)
    brought = {name: text for name, text in bindings.env.items() if name not in names}
    return replace(group, container=replace(group.container, env={**brought, **group.container.env}))
