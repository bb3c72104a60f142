"""Inputs of a run at its start: what was known when its operation was compiled, and what the start brings.

Values are checked as those of a spec are. Nothing here knows a gang or a backend.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from planner.canon import Json
from planner.compile.checks import violations
from planner.compile.inputs import checked
from planner.compile.scope import Growing, later, scope_of, settle
from planner.compile.template import Flaw
from planner.compile.template.symbols import Partial
from planner.model.desired import Input, Reference

__all__ = ["BindError", "Inputs", "Knows", "at_start", "restored", "sections", "stored", "told"]


class BindError(Exception):
    """A run that cannot start with these values.

    Attributes:
        message: one sentence for people.
    """

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class Knows(Protocol):
    """What is known of inputs when they are compiled: a leaf, or the condition of an operation."""

    @property
    def inputs(self) -> tuple[Input, ...]:
        """All of them."""
        ...

    @property
    def params(self) -> Mapping[str, Json]:
        """Values that are known."""
        ...

    @property
    def templates(self) -> Mapping[str, Json]:
        """Values that are templates and wait."""
        ...

    @property
    def references(self) -> Mapping[str, Reference]:
        """Where values come from that other nodes have."""
        ...


@dataclass(frozen=True, slots=True)
class Inputs:
    """Inputs while a run is bound: what is known, and templates that still wait."""

    inputs: tuple[Input, ...]
    values: Mapping[str, Json]
    templates: Mapping[str, Json]

    def scope(self, known: Mapping[str, Partial]) -> Mapping[str, Partial]:
        """What templates of the run see; `known` is what `globals` holds."""
        return scope_of(self.inputs, self.values, later(self.templates), known)

    def scope_before(self, known: Mapping[str, Partial]) -> Mapping[str, Partial]:
        """What templates see while some inputs have no value yet: templates that need those are left out."""
        items = {item.name: item for item in self.inputs}
        growing = Growing(self.inputs, self.values, later(self.templates), known)
        texts = {name: text for name, text in self.templates.items() if name in items}
        settle(texts, growing, lambda name, value: _accepted(items[name], value))
        return growing.scope

    def evaluated(self, known: Mapping[str, Partial]) -> Inputs:
        """With every template evaluated that needs no more than `known`."""
        if not self.templates:
            return self
        items = {item.name: item for item in self.inputs}
        growing = Growing(self.inputs, self.values, later(self.templates), known)
        done = settle(self.templates, growing, lambda name, value: _accepted(items[name], value))
        for name, flaws in done.flaws.items():
            raise BindError(f"input {name!r}: {told(flaws)}")
        return replace(self, values={**self.values, **done.values}, templates=done.waiting)


def at_start(known: Knows, values: Mapping[str, Json], joined: Collection[str] = ()) -> Inputs:
    """All inputs, checked.

    Args:
        known: what compile knows of them.
        values: what the start brings.
        joined: those of `values` that joins found: None in them stands for a run without the value.

    Raises:
        BindError: a value is missing, or does not fit its input.
    """
    found = dict(known.params)
    for item in known.inputs:
        name = item.name
        if name in values:
            accept = _accepted_of_each if name in joined else _accepted
            found[name] = accept(item, values[name])
        elif name in known.references:
            raise BindError(f"input {name!r} waits for {known.references[name]}, which has no value")
        elif item.delayed and name in found:
            found[name] = _accepted(item, found[name])
        elif item.required and name not in found and name not in known.templates:
            raise BindError(f"input {name!r} has no value")
    return Inputs(known.inputs, found, known.templates)


def _accepted(item: Input, value: Json) -> Json:
    accepted = checked(value, item)
    if isinstance(accepted, str):
        raise BindError(f"input {item.name!r}: {accepted}")
    for sentence in violations(accepted[0], item.checks, item.type):
        raise BindError(f"input {item.name!r} {sentence}")
    return accepted[0]


def _accepted_of_each(item: Input, value: Json) -> Json:
    """As `_accepted`, for the values that there are; the others stay None."""
    if not isinstance(value, list):  # the artifacts of all runs are one value
        return _accepted(item, value)
    there = [one for one in value if one is not None]
    accepted = _accepted(item, there)
    if len(there) == len(value) or not isinstance(accepted, list | tuple) or len(accepted) != len(there):
        return accepted
    left = iter(accepted)
    return [None if one is None else next(left) for one in value]


def sections(inputs: Inputs) -> dict[str, Json]:
    """The sections of the context file that have them."""
    declared = {item.name for item in inputs.inputs if item.role == "input"}
    return {
        "params": dict(inputs.values),
        "inputs": {name: value for name, value in inputs.values.items() if name in declared},
    }


def stored(inputs: Inputs) -> Json:
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


def restored(data: Mapping[str, Json]) -> Inputs:
    """What `stored` gave, after a way through the ledger."""
    values, templates, inputs = (data[name] for name in ("values", "templates", "inputs"))
    assert isinstance(values, Mapping)
    assert isinstance(templates, Mapping)
    assert isinstance(inputs, list | tuple)
    return Inputs(tuple(Input(**item) for item in inputs if isinstance(item, dict)), values, templates)


def told(flaws: tuple[Flaw, ...]) -> str:
    """The first of what is wrong with templates, in one sentence."""
    flaw = flaws[0]
    where = flaw.pointer.removeprefix("/replicas/main/").strip("/") or "its template"
    hint = f"; {flaw.error.hint}" if flaw.error.hint else ""
    return f"{where}: {flaw.error.message}{hint}"
