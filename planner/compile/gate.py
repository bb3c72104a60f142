"""The condition of an operation: taken when it is compiled, asked when it is about to start (reference, section 16.3).

It sees what the texts of the operation see, but for what only a backend knows: there is none yet when it is asked.
"""

from __future__ import annotations

from collections.abc import Mapping

from planner.canon import Json
from planner.compile import variables
from planner.compile.bind import BindRequest, globals_of
from planner.compile.bindings import EACH
from planner.compile.conditions import is_true
from planner.compile.origin import Origin
from planner.compile.scope import has_template, strings
from planner.compile.started import BindError, at_start
from planner.compile.task import Bound
from planner.compile.template import bind
from planner.model.desired import Condition
from planner.spec.words import short

__all__ = ["condition_of", "holds"]

_LATE = frozenset(f"globals.{name}" for name in (*variables.AT_ENSURE, *variables.OF_SERVICES))


def condition_of(value: Json, written: str, origin: Origin, bound: Bound) -> Condition:
    """The condition, with a problem where it can never be asked.

    Args:
        value: what is written, evaluated as far as its variables are known.
        written: what is written.
        origin: where.
        bound: the operation, its inputs bound.
    """
    report, bindings = bound.ground.report, bound.bindings
    if not has_template(value):
        try:
            is_true(value)
        except ValueError as error:
            message = f"the condition gives no truth value: {error}"
            report.add(origin.problem("PL-204", message, "write an expression such as `loss < 0.5`"))
        return Condition(written, value)
    waiting_on = bind(value, bound.scope, report.templates()).waiting_on
    swept = frozenset(name for name, source in bindings.provided.items() if source == "matrix")
    late = sorted(waiting_on & _LATE)
    if own := sorted(name for name in waiting_on if name.removeprefix(EACH) in swept):
        message = f"the condition is of the sweep as a whole, and each trial has another `{own[0].removeprefix(EACH)}`"
        report.add(origin.problem("PL-406", message, "have the program end early, or leave the values out"))
    if late:
        message = f"the condition is asked before the run has a place, so it cannot know {', '.join(late)}"
        report.add(origin.problem("PL-406", message, "use inputs, or what other operations gave"))
    known = bound.scope["globals"]
    assert isinstance(known, Mapping)
    texts = [text for _, text in strings([value, dict(bindings.templates)])]
    return Condition(
        written=written,
        value=value,
        params=dict(bindings.values),
        references=dict(bindings.references),
        inputs=tuple(item for item in bindings.inputs if item.name not in swept),
        templates=dict(bindings.templates),
        known={name: text for name in sorted(variables.read_by(texts)) if isinstance(text := known[name], str)},
    )


def holds(request: BindRequest) -> bool:
    """Whether an operation may start.

    Args:
        request: with an operation that has a condition, and the values of the condition's references.

    Raises:
        BindError: a value does not fit its input, or the condition gives no truth value.
    """
    condition = request.operation.condition
    assert condition is not None
    value = condition.value
    if has_template(value):
        known = variables.symbols(globals_of(request, condition.known), request.operation.kind)
        inputs = at_start(condition, request.values, request.joined_names).evaluated(known)
        bound = bind(value, inputs.scope(known))
        if bound.flaws:
            raise BindError(f"the condition `{short(condition.written)}`: {bound.flaws[0].error.message}")
        if bound.waiting_on:
            raise BindError(f"the condition needs {', '.join(sorted(bound.waiting_on))}, which a start does not know")
        value = bound.value
    try:
        return is_true(value)
    except ValueError as error:
        raise BindError(f"the condition `{short(condition.written)}` gives no truth value: {error}") from None
