"""Params to inputs: defaults, types, checks, references and templates of one operation (reference, sections 6 and 7).

Everything that can be known is known after this; every problem is said at the param or default that causes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from planner.canon import Json
from planner.compile import refs
from planner.compile.bindings import Bindings
from planner.compile.checks import bound_faults, checks_of
from planner.compile.delivered import entries, init_fault, variables
from planner.compile.origin import Origin, Report
from planner.compile.provided import provided_by
from planner.compile.template import Symbol, bind
from planner.compile.work import Asked, Work, checked, flaw_problem, report_flaws
from planner.errors import Problem
from planner.model.desired import Input, Reference
from planner.spec.io import IO, RESERVED
from planner.spec.joins import JoinParam
from planner.spec.params import Param
from planner.spec.words import nearest, short

__all__ = ["Asked", "bind_inputs", "checked", "flaw_problem", "report_flaws"]


@dataclass(frozen=True, slots=True)
class _Declared:
    """An input or output with where it is declared, and what the operation gives for it."""

    io: IO
    origin: Origin
    role: Literal["input", "output"]
    param: Param | None


_RESERVED = frozenset({*RESERVED, "as_args"})


def bind_inputs(asked: Asked, report: Report) -> Bindings:
    """Bind the inputs of an operation; problems go to `report`, and their names are `unknown` afterwards."""
    work = Work(asked, report)
    params = dict((asked.operation.params if asked.operation else None) or {})
    component = asked.found.component
    inputs, outputs = component.inputs or (), component.outputs or ()
    work.provided = provided_by(asked.operation, asked.origin, (*inputs, *outputs), report, work.fits)
    work.provided.names.update(asked.given)
    work.provided.contexts.update(asked.given)
    for index, io in enumerate(inputs):
        param = params.pop(io.name, None)
        _declare(work, _Declared(io, asked.found.origin.at("inputs", index), "input", param))
        _input(work, io, param)
    for index, io in enumerate(outputs):
        _output(work, _Declared(io, asked.found.origin.at("outputs", index), "output", params.pop(io.name, None)))
    for name, param in params.items():
        _undeclared(work, name, param)
    _contexts(work)
    return _bindings(work, work.settle())


def _bindings(work: Work, templates: Mapping[str, Json]) -> Bindings:
    inputs = tuple(work.inputs.values())
    waiting = {*templates, *work.references, *work.given, *work.unknown}
    for item in inputs:
        if said := init_fault(item):
            work.report.add(_init_origin(work, item.name).problem("PL-209", *said))
    return Bindings(
        inputs=inputs,
        values=work.values,
        references=work.references,
        templates=templates,
        unknown=frozenset(work.unknown),
        provided=work.given,
        env=variables(inputs, work.values, waiting),
        init=tuple(entries(inputs, work.values, templates, waiting)),
        refused=work.refused,
    )


def _init_origin(work: Work, name: str) -> Origin:
    param = work.asked.origin.at("params", name, "toInit")
    if work.asked.operation is not None and work.asked.origin.has("params", name, "toInit"):
        return param
    return work.declared.get(name, work.asked.found.origin).first(("toInit",))


# Declarations


def _declare(work: Work, said: _Declared) -> None:
    io, origin, param = said.io, said.origin, said.param
    is_output = said.role == "output"
    if io.name == "as_args":
        work.report.add(origin.at("name").problem("PL-208", "`as_args` is a name that templates use"))
    connection, to_init, to_env = _delivery(io, param or work.provided.joined.get(io.name))
    work.declared[io.name] = origin
    work.inputs[io.name] = Input(
        name=io.name,
        role=said.role,
        type=io.type or "",
        is_list=bool(io.is_list),
        is_flag=bool(io.is_flag),
        arg_format=io.arg_format,
        required=not is_output and not io.optional,
        delayed=bool(io.delayed),
        checks=checks_of(io),
        connection=connection,
        to_init=to_init,
        to_env=to_env,
    )
    work.origins[io.name] = origin.first(("value",))
    _check_bounds(work, io, origin)
    if io.arg_format is not None:
        bound = bind(io.arg_format, {io.name: Symbol(f"params.{io.name}")})
        work.flawed(origin.at("argFormat"), bound.flaws)


def _delivery(io: IO | None, param: Param | JoinParam | None) -> tuple[str | None, bool, str]:
    """`connection`, `toInit` and `toEnv`: those of the param hold before those of the input."""
    said = [entry for entry in (param, io) if entry is not None]
    connection = next((entry.connection for entry in said if entry.connection is not None), None)
    to_init = next((entry.to_init for entry in said if entry.to_init is not None), False)
    return connection, to_init, next((entry.to_env for entry in said if entry.to_env is not None), "")


def _check_bounds(work: Work, io: IO, origin: Origin) -> None:
    for name, sentence in bound_faults(io):
        work.report.add(origin.at("validation", name).problem("PL-204", sentence))


def _output(work: Work, said: _Declared) -> None:
    """An output counts among the inputs where something gives it a value before the run."""
    io = said.io
    if io.name in work.inputs:
        return  # an input of that name has the value
    source = work.provided.names.get(io.name)
    if said.param is not None or source is not None or (io.has_default and (io.to_env or io.to_init)):
        _declare(work, said)
        _input(work, io, said.param)
        return
    _check_bounds(work, io, said.origin)
    if io.delayed is False and not io.optional and work.asked.operation is not None:
        origin = work.asked.origin.first(("params",))
        hint = f"add `{io.name}` to `params`, or remove `delayValidation`"
        work.report.add(origin.problem("PL-402", f"output `{io.name}` has no value", hint))


def _input(work: Work, io: IO, param: Param | None) -> None:
    given = work.provided.names.get(io.name)
    if given is None and param is not None and (param.ref is not None or param.has_value or param.context_only):
        _check_default(work, io)
        _given(work, io, param)
        return
    if given is not None:
        _check_default(work, io)
    source = given or (None if io.has_default else work.provided.of(io.name))
    if source is not None:
        work.given[io.name] = source
    elif io.has_default:
        work.literal(io.name, io.value, default=True)
    elif work.asked.operation is None:
        work.unknown.add(io.name)
    elif not io.optional and not io.delayed:
        origin = work.asked.origin.first(("params", io.name), ("params",))
        kind = f" ({io.type})" if io.type else ""
        hint = f"add `{io.name}` to `params`"
        work.report.add(origin.problem("PL-402", f"input `{io.name}`{kind} has no value", hint))
        work.unknown.add(io.name)


def _check_default(work: Work, io: IO) -> None:
    """A default that something else stands in for here: it must be right all the same (reference, section 6)."""
    if io.has_default and io.value is not None:
        work.fits(io, io.value, work.origins[io.name])


def _given(work: Work, io: IO, param: Param) -> None:
    origin = work.asked.origin.at("params", io.name)
    work.origins[io.name] = origin.first(("value",))
    if param.context_only:
        message = f"`{io.name}` is declared by the component"
        work.report.add(origin.at("contextOnly").problem("PL-209", message, "remove `contextOnly`"))
    _param(work, io.name, param, refs.Target(origin, io))


def _undeclared(work: Work, name: str, param: Param) -> None:
    origin = work.asked.origin.at("params", name)
    if name in work.provided.names:
        return  # the value of a sweep holds, for templates only
    if not param.context_only:
        # Once no further problem is shown, a hint would be looked for among thousands of names for nobody.
        known = [] if work.report.full else [io.name for io in work.asked.found.component.inputs or ()]
        near = nearest(name, known) if known else ""
        listing = f"its inputs are {', '.join(known[:8])}" if known else "its component has no inputs"
        hint = f"did you mean `{near}`?" if near else f"{listing}; for templates alone, add `contextOnly: true`"
        work.report.add(origin.key_problem("PL-401", f"unknown param `{short(name)}`", hint))
        return
    if name in _RESERVED:
        work.report.add(origin.key_problem("PL-208", f"`{name}` is a name that templates use"))
        return
    connection, to_init, to_env = _delivery(None, param)
    work.inputs[name] = Input(name, role="context", connection=connection, to_init=to_init, to_env=to_env)
    work.origins[name] = origin.first(("value",))
    _param(work, name, param, refs.Target(origin, None))


def _contexts(work: Work) -> None:
    """What a sweep or a join gives and no input has, for templates only."""
    for name, source in work.provided.names.items():
        if name in work.inputs or name not in work.provided.contexts:
            continue
        if name in _RESERVED:
            origin = work.asked.origin.at(source)
            work.report.add(origin.problem("PL-208", f"`{name}` is a name that templates use"))
            continue
        joined = work.provided.joined.get(name)
        connection, to_init, to_env = _delivery(None, joined)
        work.inputs[name] = Input(
            name,
            role="context",
            is_list=joined is not None and not joined.path[-1].startswith("{"),
            connection=connection,
            to_init=to_init,
            to_env=to_env,
        )
        work.given[name] = source


# Values


def _param(work: Work, name: str, param: Param, target: refs.Target) -> None:
    reference = param.reference
    if reference is None:
        work.literal(name, param.value)
        return
    match refs.resolve(reference, target, work.asked.around):
        case refs.Given(value):
            work.values[name] = work.accept(name, value)
        case Reference() as found:
            work.references[name] = found
        case refs.Unread(found, why):
            work.references[name] = found
            work.refused = work.refused or why
        case refs.Absent() if target.io is not None:
            work.origins[name] = work.asked.found.origin
            _input(work, target.io, None)
        case Problem() as problem:
            work.report.add(problem)
            work.unknown.add(name)
        case refs.Absent():
            work.values[name] = None
        case None:
            work.unknown.add(name)
