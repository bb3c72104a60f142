"""Params to inputs: defaults, types, checks, references and templates of one operation (reference, sections 6 and 7).

Everything that can be known is known after this; every problem is said at the param or default that causes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.canon import Json
from planner.compile import refs
from planner.compile.bindings import Around, Bindings
from planner.compile.checks import checks_of, violations
from planner.compile.origin import Origin, Report
from planner.compile.resolve import Found
from planner.compile.scope import UNKNOWN, later, scope_of, settle
from planner.compile.template import Flaw, Symbol, bind, is_template
from planner.compile.template.symbols import Partial
from planner.compile.types import convert
from planner.errors import Problem
from planner.model.desired import Input, Reference
from planner.spec.io import IO
from planner.spec.operation import Operation
from planner.spec.params import Param
from planner.spec.run import Dag
from planner.spec.words import nearest, short

__all__ = ["Asked", "bind_inputs", "checked", "flaw_problem"]


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation whose inputs are to be bound.

    Attributes:
        operation: it; None for a component that is looked at by itself.
        origin: where it is written.
        found: its component.
        around: the DAG around it.
        known: what `globals` holds when it is compiled.
    """

    operation: Operation | None
    origin: Origin
    found: Found
    around: Around | None
    known: Mapping[str, Partial]


@dataclass(slots=True)
class _Work:
    asked: Asked
    report: Report
    inputs: dict[str, Input] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    values: dict[str, Json] = field(default_factory=dict)
    texts: dict[str, Json] = field(default_factory=dict)
    references: dict[str, Reference] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)


def bind_inputs(asked: Asked, report: Report) -> Bindings:
    """Bind the inputs of an operation; problems go to `report`, and their names are `unknown` afterwards."""
    work = _Work(asked, report)
    params = dict((asked.operation.params if asked.operation else None) or {})
    component = asked.found.component
    for index, io in enumerate(component.inputs or ()):
        _declare(work, io, asked.found.origin.at("inputs", index))
        _input(work, io, params.pop(io.name, None))
    for index, io in enumerate(component.outputs or ()):
        if io.name in params:
            _declare(work, io, asked.found.origin.at("outputs", index))
            _given(work, io, params.pop(io.name))
    for name, param in params.items():
        _undeclared(work, name, param)
    templates = _settle(work)
    return Bindings(
        inputs=tuple(work.inputs.values()),
        values=work.values,
        references=work.references,
        templates=templates,
        unknown=frozenset(work.unknown),
    )


# Declarations


def _declare(work: _Work, io: IO, origin: Origin) -> None:
    if io.name == "as_args":
        work.report.add(origin.at("name").problem("PL-208", "`as_args` is a name that templates use"))
    is_output = origin.pointer.rpartition("/")[0].endswith("/outputs")
    work.inputs[io.name] = Input(
        name=io.name,
        role="output" if is_output else "input",
        type=io.type or "",
        is_list=bool(io.is_list),
        is_flag=bool(io.is_flag),
        arg_format=io.arg_format,
        required=not is_output and not io.optional,
        delayed=bool(io.delayed),
        checks=checks_of(io),
    )
    work.origins[io.name] = origin.first(("value",))
    if io.arg_format is not None:
        bound = bind(io.arg_format, {io.name: Symbol(f"params.{io.name}")})
        _flawed(work, origin.at("argFormat"), bound.flaws)


def _input(work: _Work, io: IO, param: Param | None) -> None:
    if param is not None and (param.ref is not None or param.has_value or param.context_only):
        _given(work, io, param)
        return
    if io.has_default:
        _literal(work, io.name, io.value)
    elif work.asked.operation is None:
        work.unknown.add(io.name)
    elif not io.optional and not io.delayed:
        origin = work.asked.origin.first(("params", io.name), ("params",))
        kind = f" ({io.type})" if io.type else ""
        hint = f"add `{io.name}` to `params`"
        work.report.add(origin.problem("PL-402", f"input `{io.name}`{kind} has no value", hint))
        work.unknown.add(io.name)


def _given(work: _Work, io: IO, param: Param) -> None:
    origin = work.asked.origin.at("params", io.name)
    work.origins[io.name] = origin.first(("value",))
    if param.context_only:
        message = f"`{io.name}` is declared by the component"
        work.report.add(origin.at("contextOnly").problem("PL-209", message, "remove `contextOnly`"))
    _param(work, io.name, param, refs.Target(origin, io))


def _undeclared(work: _Work, name: str, param: Param) -> None:
    origin = work.asked.origin.at("params", name)
    if not param.context_only:
        known = [io.name for io in work.asked.found.component.inputs or ()]
        near = nearest(name, known)
        listing = f"its inputs are {', '.join(known[:8])}" if known else "its component has no inputs"
        hint = f"did you mean `{near}`?" if near else f"{listing}; for templates alone, add `contextOnly: true`"
        work.report.add(origin.key_problem("PL-401", f"unknown param `{short(name)}`", hint))
        return
    if name in {"globals", "params", "connections", "as_args"}:
        work.report.add(origin.key_problem("PL-208", f"`{name}` is a name that templates use"))
        return
    work.inputs[name] = Input(name, role="context")
    work.origins[name] = origin.first(("value",))
    _param(work, name, param, refs.Target(origin, None))


# Values


def _param(work: _Work, name: str, param: Param, target: refs.Target) -> None:
    reference = param.reference
    if reference is None:
        _literal(work, name, param.value)
        return
    match refs.resolve(reference, target, work.asked.around):
        case refs.Given(value):
            work.values[name] = _accept(work, name, value)
        case Reference() as found:
            work.references[name] = found
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


def _literal(work: _Work, name: str, value: Json) -> None:
    if _has_template(value):
        work.texts[name] = value
    else:
        work.values[name] = _accept(work, name, value)


def _has_template(value: Json) -> bool:
    match value:
        case str():
            return is_template(value)
        case Mapping():
            return any(map(_has_template, value.values()))
        case list() | tuple():
            return any(map(_has_template, value))
        case _:
            return False


def _accept(work: _Work, name: str, value: Json) -> Json:
    """The value as its input takes it; a problem, and the value as it is, where it does not."""
    item, origin = work.inputs[name], work.origins[name]
    if item.delayed:
        return value
    accepted = checked(value, item)
    if isinstance(accepted, tuple):
        value = accepted[0]
        for sentence in violations(value, item.checks):
            work.report.add(origin.problem("PL-409", f"`{name}` {sentence}"))
        return value
    work.report.add(origin.problem("PL-403", f"`{name}`: {accepted}"))
    return value


def checked(value: Json, item: Input) -> tuple[Json] | str:
    """The value as a value of its input's type, in a tuple of one; else the sentence that says why it is none."""
    if value is None and not item.required:
        return (None,)
    try:
        return (convert(value, item.type, is_list=item.is_list),)
    except ValueError as error:
        return str(error)


def _settle(work: _Work) -> Mapping[str, Json]:
    """Evaluate values that are templates; gives those that only a start can."""
    if not work.texts:
        return {}
    symbols = later(work.references) | later(work.unknown, UNKNOWN)
    inputs = tuple(work.inputs.values())

    def scoped(values: Mapping[str, Json], waiting: Mapping[str, Symbol]) -> Mapping[str, Partial]:
        return scope_of(inputs, {**work.values, **values}, {**symbols, **waiting}, work.asked.known)

    done = settle(work.texts, scoped, lambda name, value: _accept(work, name, value))
    work.values.update(done.values)
    for name, flaws in done.flaws.items():
        _flawed(work, work.origins[name], flaws)
        work.unknown.add(name)
    for name in done.circular:
        message = f"params need each other: {', '.join(done.circular)}"
        work.report.add(work.origins[name].problem("PL-303", message))
        work.unknown.add(name)
    if isinstance(work.asked.found.component.run, Dag):
        _refuse_waiting(work, done.waiting)
        return {}
    return done.waiting


def _refuse_waiting(work: _Work, waiting: Mapping[str, Json]) -> None:
    """A DAG is no run: nothing of it would ever evaluate them."""
    work.unknown.update(waiting)
    for name in waiting if work.asked.operation else ():
        hint = "put the template into the param of the operation that needs it"
        message = f"`{name}` of a DAG needs a value that only a run has"
        work.report.add(work.origins[name].problem("PL-406", message, hint))


# Problems of templates


def _flawed(work: _Work, origin: Origin, flaws: tuple[Flaw, ...]) -> None:
    for flaw in flaws:
        work.report.add(flaw_problem(Origin(origin.places, origin.pointer + flaw.pointer), flaw))


def flaw_problem(origin: Origin, flaw: Flaw) -> Problem:
    """A template's error at the string that holds it."""
    error = flaw.error
    inside = f" (line {error.line} of the text)" if error.line > 1 else ""
    return origin.problem(error.code, f"{error.message}{inside}", error.hint)
