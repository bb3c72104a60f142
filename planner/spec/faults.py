"""Validation errors as problems: what pydantic found, in plain sentences, with place, pointer and hint.

One table from pydantic's error types to sentences. Errors that only follow from another one are left out. This module
must never validate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from planner.errors import Place, Problem
from planner.spec.anatomy import Spotted, fields, locate, sections
from planner.spec.component import Component
from planner.spec.later import LATER, LATER_RUN_KINDS
from planner.spec.limits import MAX_PROBLEMS
from planner.spec.operation import Operation
from planner.spec.places import Places, camel, snake
from planner.spec.shape import Section, is_template, yes_no
from planner.spec.words import called, kind_of, listed, nearest, short

__all__ = ["problems"]

_MISPLACED: Mapping[type[Section], tuple[type[Section], str]] = {
    Component: (Operation, "an operation"),
    Operation: (Component, "a component"),
}
"""Where a field belongs that a document does not have."""


def problems(error: ValidationError, model: type[Section], value: Any, places: Places) -> list[Problem]:
    """All problems of a value that is not a valid `model`, ordered by place, at most `MAX_PROBLEMS`.

    Args:
        error: what `model.model_validate(value)` raised.
        model: the section that was asked for.
        value: the value as read.
        places: where its parts stand.
    """
    found: list[Problem] = []
    for details in error.errors(include_url=False)[: 4 * MAX_PROBLEMS]:
        at = locate(model, value, (*details["loc"], *details.get("ctx", {}).get("at", ())))
        problem = _problem(details, at, places)
        if problem and problem not in found:
            found.append(problem)
    return sorted(found, key=lambda problem: problem.sort_key)[: MAX_PROBLEMS + 1]


def _problem(error: ErrorDetails, at: Spotted, places: Places) -> Problem | None:
    kind = error["type"]
    if kind.startswith("PL-"):
        return None if _follows(at, error["ctx"]["unless"]) else _said(error, at, places)
    teller = _TELLERS.get(kind, _other)
    code, message, hint = teller(error, at)
    if kind == "missing" and _follows(at, (str(at.parts[-1]),)):
        return None
    if kind == "union_tag_invalid":
        at = replace(at, parts=(*at.parts, "kind"))
    return Problem(code, message, _place(kind, at, places), at.pointer, hint)


def _said(error: ErrorDetails, at: Spotted, places: Places) -> Problem:
    context = error["ctx"]
    message = context["message"].replace("{field}", _field(at))
    hint = context["hint"]
    return Problem(error["type"], message, places.value(at.pointer), at.pointer, hint() if callable(hint) else hint)


def _place(kind: str, at: Spotted, places: Places) -> Place:
    if kind == "extra_forbidden":
        return places.key(at.pointer)
    if kind == "missing":
        return places.key(at.pointer.rpartition("/")[0])
    if kind == "union_tag_not_found" and isinstance(at.value, dict):
        return places.key(at.pointer)
    return places.value(at.pointer)


def _follows(at: Spotted, wanted: tuple[str, ...]) -> bool:
    """Whether a refused field beside it was probably meant to be one of the fields that are missed."""
    if not wanted or not isinstance(at.parent, dict):
        return False
    refused = [name for name in list(at.parent)[:MAX_PROBLEMS] if camel(name) not in fields(at.section)]
    return any(camel(name) in wanted or nearest(name, wanted) for name in refused)


def _field(at: Spotted) -> str:
    return called(at.parts, "the document")


# One teller a type of error: code, message, hint

_Told = tuple[str, str, str]


def _type(wanted: str) -> Callable[[ErrorDetails, Spotted], _Told]:
    def tell(_error: ErrorDetails, at: Spotted) -> _Told:
        if wanted in {"a mapping", "a list"} and is_template(at.value):
            return "PL-203", f"{_field(at)} must be {wanted}, never a template", "write it out"
        hint = yes_no(at.value) if wanted == "true or false" else ""
        if wanted == "a string" and isinstance(at.value, bool | int | float):
            hint = "quote it"
        return "PL-203", f"{_field(at)} must be {wanted}, not {kind_of(at.value)}", hint

    return tell


def _missing(_error: ErrorDetails, at: Spotted) -> _Told:
    return "PL-202", f"required {_field(at)} is missing", ""


def _extra(_error: ErrorDetails, at: Spotted) -> _Told:
    written = str(at.parts[-1])
    name, known = camel(written), fields(at.section)
    if name in LATER.get(at.section.__name__, ()):
        return "PL-205", f"field `{name}` is not supported yet", ""
    if name in known:
        other = next((twin for twin in (name, snake(name)) if twin != written), name)
        return "PL-209", f"`{short(written)}` and `{other}` are the same field", "remove one of them"
    return "PL-201", f"unknown field `{short(written)}`", _meant(written, at.section)


def _meant(written: str, section: type[Section]) -> str:
    """The hint for an unknown field: a near name, or the section that has it."""
    if near := nearest(written, fields(section)):
        return f"did you mean `{near}`?"
    name = camel(written)
    other, called = _MISPLACED.get(section, (section, ""))
    if called and name in fields(other):
        return f"it belongs in {called}"
    for outer, field in section.model_fields.items():
        if any(name in fields(inner) for inner in sections(field.annotation)):
            return f"it belongs in `{camel(outer)}`"
    return f"known fields: {', '.join(sorted(fields(section)))}"


def _literal(_error: ErrorDetails, at: Spotted) -> _Told:
    options = [option.strip("'") for option in str(_error["ctx"]["expected"]).replace(" or ", ", ").split(", ")]
    code = "PL-206" if at.parts[-1] == "kind" else "PL-204"
    if not isinstance(at.value, str):
        return "PL-203", f"{_field(at)} must be {listed(options)}, not {kind_of(at.value)}", ""
    return code, f"`{short(at.value)}` is not allowed for {_field(at)}", f"use {listed(options)}"


def _no_kind(error: ErrorDetails, at: Spotted) -> _Told:
    if not isinstance(at.value, dict):
        return _type("a mapping")(error, at)
    return "PL-202", f"{_field(at)} needs a `kind`", f"use {listed(_kinds(at))}"


def _bad_kind(_error: ErrorDetails, at: Spotted) -> _Told:
    kind = at.value.get("kind") if isinstance(at.value, dict) else None
    if not isinstance(kind, str):
        return "PL-203", f"field `kind` must be a string, not {kind_of(kind)}", f"use {listed(_kinds(at))}"
    if at.parts[-1:] == ("run",) and kind in LATER_RUN_KINDS:
        return "PL-205", f"run kind `{kind}` is not supported", LATER_RUN_KINDS[kind]
    near = nearest(kind, _kinds(at))
    hint = f"did you mean `{near}`?" if near else f"use {listed(_kinds(at))}"
    return "PL-206", f"unknown kind `{short(kind)}` of {_field(at)}", hint


def _kinds(at: Spotted) -> list[str]:
    return [str(member.model_fields["kind"].default) for member in at.kinds]


def _few(_error: ErrorDetails, at: Spotted) -> _Told:
    return "PL-204", f"{_field(at)} must not be empty", ""


def _value(error: ErrorDetails, at: Spotted) -> _Told:
    """What a section outside the language said by a plain ValueError."""
    return "PL-204", f"{_field(at)} {short(str(error['ctx']['error']))}", ""


def _other(error: ErrorDetails, at: Spotted) -> _Told:
    text = error["msg"]
    return "PL-203", f"{_field(at)}: {text[:1].lower()}{short(text[1:])}", ""


_TELLERS: Mapping[str, Callable[[ErrorDetails, Spotted], _Told]] = {
    "string_type": _type("a string"),
    "bool_type": _type("true or false"),
    "int_type": _type("a whole number"),
    "float_type": _type("a number"),
    "tuple_type": _type("a list"),
    "list_type": _type("a list"),
    "dict_type": _type("a mapping"),
    "model_type": _type("a mapping"),
    "model_attributes_type": _type("a mapping"),
    "missing": _missing,
    "extra_forbidden": _extra,
    "literal_error": _literal,
    "union_tag_not_found": _no_kind,
    "union_tag_invalid": _bad_kind,
    "too_short": _few,
    "value_error": _value,
}
