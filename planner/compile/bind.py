"""Binding: from a compiled leaf and what its start knows to a run that a backend can be asked for.

`bind` fills in values of other nodes and the run's own `globals`; `finish_run` adds, right before an attempt is made,
what only the backend knows. The leaf digest is taken between the two kinds of `globals`: it covers the values, and the
text of whatever is a run's own, so equal work has one digest under any key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from planner.canon import Json
from planner.compile import variables
from planner.compile.checks import violations
from planner.compile.digests import leaf_digest
from planner.compile.inputs import checked
from planner.compile.scope import later, scope_of, settle
from planner.compile.template import Flaw, Symbol
from planner.compile.template import bind as render
from planner.compile.template.symbols import Partial
from planner.compile.texts import gather, spread
from planner.keys import Key
from planner.model.desired import CompiledOperation, Input, Leaf, RunPolicy
from planner.model.gang import Gang
from planner.model.run import BoundRun

__all__ = ["BindError", "BindRequest", "bind", "finish_run"]

UNBOUND = "unbound"
"""Section of a bound run's context with inputs that only the backend can complete; `finish_run` takes it out."""


class BindError(Exception):
    """A run that cannot start with these values.

    Attributes:
        message: one sentence for people.
    """

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class BindRequest:
    """A leaf that is about to start.

    Attributes:
        operation: compiled; its body is a `Leaf`.
        key: of the run.
        values: for each of the leaf's references, by input, what the other node has; and whatever else a start gives.
        upstream: what the context file says of other nodes.
        identity: instance and project.
        commit: full id of the run's commit.
        opened_at: when the run was recorded.
        because: why it runs.
    """

    operation: CompiledOperation
    key: Key
    values: Mapping[str, Json]
    upstream: Mapping[str, Json]
    identity: tuple[str, str]
    commit: str
    opened_at: datetime
    because: str


@dataclass(frozen=True, slots=True)
class _Inputs:
    """Inputs while a run is bound: what is known, and templates that still wait."""

    inputs: tuple[Input, ...]
    values: Mapping[str, Json]
    templates: Mapping[str, Json]

    def scope(self, known: Mapping[str, Partial]) -> Mapping[str, Partial]:
        return scope_of(self.inputs, self.values, later(self.templates), known)

    def evaluated(self, known: Mapping[str, Partial]) -> _Inputs:
        """With every template evaluated that needs no more than `known`."""
        if not self.templates:
            return self
        items = {item.name: item for item in self.inputs}

        def scoped(values: Mapping[str, Json], waiting: Mapping[str, Symbol]) -> Mapping[str, Partial]:
            return scope_of(self.inputs, {**self.values, **values}, waiting, known)

        done = settle(self.templates, scoped, lambda name, value: _accepted(items[name], value))
        for name, flaws in done.flaws.items():
            raise BindError(f"input {name!r}: {_told(flaws)}")
        return replace(self, values={**self.values, **done.values}, templates=done.waiting)


def bind(request: BindRequest) -> BoundRun:
    """The run that a compiled leaf is with these values.

    Raises:
        BindError: a value does not fit its input, or a template cannot be evaluated with it.
    """
    operation, leaf = request.operation, request.operation.body
    if not isinstance(leaf, Leaf):
        raise BindError(f"{operation.name} is a {operation.kind}, which is no run of its own")
    instance, project = request.identity
    symbols = variables.symbols({}, operation.kind)
    first = _first(leaf, request.values).evaluated(symbols)
    gang = _rendered(leaf.gang, first.scope(symbols))
    exact = replace(leaf, gang=gang, params=first.values, templates=first.templates, references={})
    commit = request.commit if operation.policy.run is RunPolicy.ON_COMMIT else ""
    known = _globals(request, leaf)
    partly = {**symbols, **known}
    inputs = first.evaluated(partly)
    context: dict[str, Json] = {
        "schema": "plumbline.context/1",
        "run": {
            "key": str(request.key.run),
            "id": request.key.short_id(instance, project),
            "project": project,
            "instance": instance,
            "commit": request.commit,
            "root": request.key.root,
            "kind": operation.kind,
        },
        "globals": known,
        **_sections(inputs),
        "upstream": dict(request.upstream),
    }
    if inputs.templates:
        context[UNBOUND] = _stored(inputs)
    return BoundRun(
        key=request.key.run,
        kind=operation.kind,
        digest=leaf_digest(operation.kind, exact, commit),
        gang=_rendered(gang, inputs.scope(partly)),
        context=context,
        commit=request.commit,
        timeout=leaf.termination.timeout,
        because=request.because,
    )


def finish_run(run: BoundRun, known: Mapping[str, Json]) -> BoundRun:
    """The run with nothing left to fill in.

    Args:
        run: from `bind`, never from here: finished texts are no templates any more.
        known: `globals` that the backend knows of the attempt, such as `ports` and `run_outputs_path`.

    Raises:
        BindError: it needs a value that the backend does not have, or a template cannot be evaluated.
    """
    given = run.context.get("globals")
    values = {**(given if isinstance(given, Mapping) else {}), **known}
    scope = variables.symbols(values, run.kind)
    stored = run.context.get(UNBOUND)
    inputs = _restored(stored) if isinstance(stored, Mapping) else None
    context = {name: value for name, value in run.context.items() if name != UNBOUND}
    context["globals"] = {name: value for name, value in values.items() if name not in variables.NOT_IN_CONTEXT}
    if inputs is not None:
        inputs = inputs.evaluated(scope)
        context.update(_sections(inputs))
    bound = render(spread(run.gang), {"globals": scope} if inputs is None else inputs.scope(scope))
    if bound.flaws:
        raise BindError(_told(bound.flaws))
    if bound.waiting_on:
        raise BindError(f"{', '.join(sorted(bound.waiting_on))} cannot be known on this backend")
    return replace(run, gang=gather(run.gang, bound, str), context=context)


# Inputs


def _first(leaf: Leaf, values: Mapping[str, Json]) -> _Inputs:
    """Everything that a start brings, checked."""
    found = dict(leaf.params)
    for item in leaf.inputs:
        name = item.name
        if name in values:
            found[name] = _accepted(item, values[name])
        elif name in leaf.references:
            raise BindError(f"input {name!r} waits for {leaf.references[name]}, which has no value")
        elif item.delayed and name in found:
            found[name] = _accepted(item, found[name])
        elif item.required and name not in found and name not in leaf.templates:
            raise BindError(f"input {name!r} has no value")
    return _Inputs(leaf.inputs, found, leaf.templates)


def _accepted(item: Input, value: Json) -> Json:
    accepted = checked(value, item)
    if isinstance(accepted, str):
        raise BindError(f"input {item.name!r}: {accepted}")
    for sentence in violations(accepted[0], item.checks, item.type):
        raise BindError(f"input {item.name!r} {sentence}")
    return accepted[0]


def _sections(inputs: _Inputs) -> dict[str, Json]:
    declared = {item.name for item in inputs.inputs if item.role == "input"}
    return {
        "params": dict(inputs.values),
        "inputs": {name: value for name, value in inputs.values.items() if name in declared},
    }


def _stored(inputs: _Inputs) -> Json:
    """Inputs as JSON, for `finish_run`."""
    return {
        "values": dict(inputs.values),
        "templates": dict(inputs.templates),
        "inputs": [
            {
                "name": item.name,
                "role": item.role,
                "type": item.type,
                "is_list": item.is_list,
                "is_flag": item.is_flag,
                "arg_format": item.arg_format,
                "required": item.required,
                "checks": dict(item.checks),
                "connection": item.connection,
            }
            for item in inputs.inputs
        ],
    }


def _restored(stored: Mapping[str, Json]) -> _Inputs:
    """What `_stored` gave, after a way through the ledger."""
    values, templates, inputs = (stored[name] for name in ("values", "templates", "inputs"))
    assert isinstance(values, Mapping)
    assert isinstance(templates, Mapping)
    assert isinstance(inputs, list | tuple)
    return _Inputs(tuple(Input(**item) for item in inputs if isinstance(item, dict)), values, templates)


# Texts


def _rendered(gang: Gang, scope: Mapping[str, Partial]) -> Gang:
    """The gang with every text rendered whose variables are known."""
    bound = render(spread(gang), scope)
    if bound.flaws:
        raise BindError(_told(bound.flaws))
    return gather(gang, bound)


def _told(flaws: tuple[Flaw, ...]) -> str:
    flaw = flaws[0]
    where = flaw.pointer.removeprefix("/replicas/main/").strip("/") or "its template"
    hint = f"; {flaw.error.hint}" if flaw.error.hint else ""
    return f"{where}: {flaw.error.message}{hint}"


def _globals(request: BindRequest, leaf: Leaf) -> dict[str, Json]:
    """What `globals` holds from the start of a run on."""
    key, (instance, project) = request.key.run, request.identity
    ident, opened = key.short_id(instance, project), _instant(request.opened_at)
    of_project = variables.compiled(instance, project, "")
    del of_project["namespace"]
    return {
        **of_project,
        **leaf.known,
        "name": request.operation.name,
        "uuid": ident,
        "run_info": f"{instance}.{project}.runs.{ident}",
        "commit": request.commit,
        "created_at": opened,
        "compiled_at": opened,
        "schedule_at": _instant(key.tick) if key.tick else None,
        "iteration": None,
        "username": "",
        "user_email": "",
        "cloning_kind": None,
        "original_uuid": None,
        "is_independent": not key.place,
    }


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
