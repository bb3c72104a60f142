"""Hooks: what follows the end of a run, compiled like an operation of its own (reference, section 10.5).

A hook is given what is known of the run that has ended, under the names in `GIVEN`, for its templates and its
condition; a component that declares an input of such a name gets the value. When a hook runs is decided where ends are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from planner.compile.bindings import Around, Sibling, Source
from planner.compile.building import with_refusal
from planner.compile.origin import Origin, warning
from planner.compile.patch import Placed
from planner.compile.task import Bound, Shop
from planner.model.desired import CompiledOperation
from planner.model.desired import Hook as CompiledHook
from planner.spec.hooks import Hook
from planner.spec.operation import Operation

__all__ = ["GIVEN", "hooks_of"]

GIVEN = (
    "name",
    "uuid",
    "kind",
    "status",
    "runtime",
    "wait_time",
    "duration",
    "inputs",
    "outputs",
    "condition",
)
"""What a hook is given of the run that it follows; it holds over params of the same names."""

Compile = Callable[
    [Placed[Operation], Around | None, Shop, Mapping[str, Source] | None], tuple[CompiledOperation | None, Sibling]
]
"""How an operation is compiled."""


def hooks_of(bound: Bound, compile_one: Compile) -> tuple[CompiledHook, ...] | None:
    """The hooks of an operation; None where one of them cannot be compiled, and its report says why.

    Args:
        bound: the operation.
        compile_one: compiles an operation.
    """
    hooks = bound.component.section.hooks
    if not isinstance(hooks, tuple):
        return ()
    origin, report = bound.component.origin.at("hooks"), bound.task.shop.report
    if bound.task.given:
        report.add(warning(origin.problem("PL-704", "the hooks of a hook do not run", "name them beside this one")))
        return ()
    found = tuple(_compiled(hooks, origin, bound, compile_one))
    return found if len(found) == len(hooks) else None


def _compiled(hooks: tuple[Hook, ...], origin: Origin, bound: Bound, compile_one: Compile) -> Iterator[CompiledHook]:
    shop = bound.task.shop
    for index, hook in enumerate(hooks):
        at = origin.at(index)
        if isinstance(hook.params, str):
            message = "the params of a hook cannot be one template: nobody knows them before it runs"
            shop.report.add(at.at("params").problem("PL-406", message, "write them out; each may be a template"))
            continue
        given: Mapping[str, Source] = {} if hook.disable_defaults is True else dict.fromkeys(GIVEN, "hooks")
        compiled, _ = compile_one(Placed(_operation(hook, index), at), None, shop, given)
        if compiled is None:
            continue
        if compiled.sections.get("build"):
            reason = "no image is built for a hook: have an operation build it, and name the image (`build`)"
            compiled = with_refusal(compiled, reason)
        if compiled.refused:
            message = f"the hook cannot run here: {compiled.refused}"
            shop.report.add(warning(at.at("hubRef").problem("PL-701", message, "its run will fail with that reason")))
        yield CompiledHook(hook.hub_ref, hook.trigger or "done", compiled)


def _operation(hook: Hook, index: int) -> Operation:
    """The hook as the operation that it stands for."""
    said: dict[str, Any] = {
        "name": f"hook-{index + 1}",
        "hub_ref": hook.hub_ref,
        "params": hook.params if isinstance(hook.params, dict) else None,
        "conditions": hook.conditions,
        "presets": hook.presets,
        "queue": hook.queue,
        "namespace": hook.namespace,
        "run_patch": {"connections": [hook.connection]} if hook.connection else None,
    }
    return Operation.model_validate({name: value for name, value in said.items() if value is not None})
