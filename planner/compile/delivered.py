"""Values of inputs that reach a program beside its templates: variables, and entries before `run.init`.

`toEnv` and `toInit` are turned into what a user would have written (reference, sections 6 and 7.4). Where they land in
a run is the business of its kind.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from planner.canon import Json
from planner.compile.scope import escape, words
from planner.model.desired import Input
from planner.spec.typing_expressions import kind_of_io

__all__ = ["entries", "init_fault", "variables"]

_SECTIONS = ("git", "dockerfile", "artifacts")
"""Types whose value is a section of an entry; without them, a connection says what is put in place."""


def init_fault(item: Input) -> tuple[str, str] | None:
    """What is wrong with `toInit` of an input, and what to do; None where nothing is."""
    if not item.to_init:
        return None
    kind = kind_of_io(item.type, is_list=item.is_list)
    hint = f"use a type such as {', '.join(_SECTIONS)} or path"
    if not item.type:
        return f"`toInit` of `{item.name}` needs a type", hint
    if kind.name in _SECTIONS or item.connection:
        return None
    return f"`toInit` of `{item.name}` needs a connection, as its type is {kind}", f"add `connection`, or {hint}"


def variables(inputs: Iterable[Input], values: Mapping[str, Json], waiting: Collection[str]) -> Mapping[str, str]:
    """Variables by name, as template text; an input without a value gives none.

    Args:
        inputs: of the operation.
        values: those that are known.
        waiting: names of those that are known when the run starts.
    """
    found: dict[str, str] = {}
    for item in inputs:
        if item.to_env and values.get(item.name) is not None:
            found[item.to_env] = escape(words(values[item.name]))
        elif item.to_env and item.name in waiting:
            found[item.to_env] = _template(item.name, "as_str")
    return found


def entries(
    inputs: Iterable[Input], values: Mapping[str, Json], templates: Mapping[str, Json], waiting: Collection[str]
) -> Iterator[Mapping[str, Json]]:
    """Entries of `init`, in the order of the inputs; an input without a value gives only its connection.

    Args:
        inputs: of the operation.
        values: those that are known.
        templates: those that are template text.
        waiting: names of those that are known when the run starts.
    """
    for item in inputs:
        if not item.to_init:
            continue
        entry: dict[str, Json] = {}
        section = _section(item)
        if section and values.get(item.name) is not None:
            entry[section] = _listed(_escaped(values[item.name]), section)
        elif section and item.name in templates:
            entry[section] = _listed(templates[item.name], section)
        elif section and item.name in waiting:
            entry[section] = _listed(_template(item.name, "value"), section)
        if item.connection:
            entry["connection"] = item.connection
        if entry:
            yield entry


def _section(item: Input) -> str:
    """The key of an entry that takes values of the type, or ""."""
    kind = kind_of_io(item.type, is_list=item.is_list)
    if kind.name in _SECTIONS:
        return kind.name
    paths = kind.name == "path" or (kind.name == "list" and [one.name for one in kind.of] == ["path"])
    return "paths" if paths else ""


def _listed(value: Json, section: str) -> Json:
    return [value] if section == "paths" and not isinstance(value, list | tuple) else value


def _template(name: str, form: str) -> str:
    """Template text that is a form of an input; the name may be one that stands only in quotes."""
    return f"{{{{ params['{name}'].{form} }}}}"


def _escaped(value: Json) -> Json:
    match value:
        case str():
            return escape(value)
        case Mapping():
            return {key: _escaped(item) for key, item in value.items()}
        case list() | tuple():
            return [_escaped(item) for item in value]
        case _:
            return value
