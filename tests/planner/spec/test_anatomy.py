"""Every section of the language, wherever a document can hold it: what is wrong in it is said there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin

import pytest

from planner.spec.anatomy import fields, locate, sections
from planner.spec.component import Component
from planner.spec.fields import LANGUAGE
from planner.spec.load import load
from planner.spec.operation import Operation
from planner.spec.shape import Section

pytestmark = pytest.mark.unit

STRANGE = "qwxzqwxz"
Path = tuple[str | int, ...]
Step = tuple[Path, type[Section]]


def steps(section: type[Section]) -> Iterator[Step]:
    """Every section that one may hold, with the way to it."""
    for name, field in section.model_fields.items():
        for inner in sections(field.annotation):
            yield (field.alias or name, *container(field.annotation)), inner


def container(kind: Any) -> Path:
    """An index or a key where a field holds sections in a list or a mapping."""
    if get_origin(kind) in {tuple, dict} and any(True for _ in sections(kind)):
        return (0,) if get_origin(kind) is tuple else ("key",)
    parts = (get_args(kind)[0],) if get_origin(kind) is Annotated else get_args(kind)
    return next((found for part in parts if (found := container(part))), ())


def ways() -> Iterator[tuple[type[Section], tuple[Step, ...]]]:
    """The shortest way to each section from a document, by each of the fields that lead there."""
    seen: set[tuple[type[Section], str, type[Section]]] = set()
    open_: list[tuple[type[Section], tuple[Step, ...]]] = [(Operation, ()), (Component, ())]
    while open_:
        root, way = open_.pop(0)
        section = way[-1][1] if way else root
        yield root, way
        for path, inner in steps(section):
            if (section, str(path[0]), inner) not in seen:
                seen.add((section, str(path[0]), inner))
                open_.append((root, (*way, (path, inner))))


WAYS = {f"{root.__name__}/{'/'.join(str(part) for path, _ in way for part in path)}:{way[-1][1].__name__}" if way
        else root.__name__: (root, way) for root, way in ways()}  # fmt: skip


def is_param(section: type[Section]) -> bool:
    return section.__name__ in {"Param", "HookParam", "JoinParam"}


def document(root: type[Section], way: tuple[Step, ...], leaf: dict[str, Any]) -> dict[str, Any]:
    value: Any = leaf
    for path, section in reversed(way):
        if "kind" in section.model_fields:
            value = {"kind": section.model_fields["kind"].default, **value}
        for part in reversed(path):
            value = [value] if isinstance(part, int) else {part: value}
    return {"version": 1.1, "kind": root.__name__.lower(), **value}


def test_the_ways_lead_to_the_whole_language():
    assert {way[-1][1] if way else root for root, way in WAYS.values()} == set(LANGUAGE.values())


@pytest.mark.parametrize(("root", "way"), WAYS.values(), ids=WAYS)
def test_an_unknown_field_is_told_where_it_is_and_what_there_could_be(root, way):
    section = way[-1][1] if way else root
    # a mapping without any field of a param is its value
    text = json.dumps(document(root, way, {"value": 1, STRANGE: 1} if is_param(section) else {STRANGE: 1}))

    problems = [problem for problem in load("a.json", text.encode()).problems if problem.code == "PL-201"]
    assert [(problem.message, problem.place.column) for problem in problems] == [
        (f"unknown field `{STRANGE}`", text.index(f'"{STRANGE}"') + 1)
    ]
    assert problems[0].hint == f"known fields: {', '.join(sorted(fields(section)))}"


@pytest.mark.parametrize(("root", "way"), WAYS.values(), ids=WAYS)
def test_a_section_that_is_a_number_is_refused_where_it_is(root, way):
    if not way or is_param(way[-1][1]):
        return  # a number is the value of a param
    whole = document(root, way, {})
    at: Any = whole
    *before, last = [part for path, _ in way for part in path]
    for part in before:
        at = at[part]
    at[last] = 31337
    text = json.dumps(whole)

    places = [problem.place.column for problem in load("a.json", text.encode()).problems]
    assert text.index("31337") + 1 in places


@pytest.mark.parametrize(("root", "way"), WAYS.values(), ids=WAYS)
def test_a_location_is_found_with_its_section(root, way):
    path = tuple(part for path, _ in way for part in path)
    kinds = tuple(section for section in (root, *(section for _, section in way)))

    found = locate(root, {}, located(root, way))
    assert (found.parts, found.kinds[-1:] or (root,)) == (path, kinds[-1:])


def located(root: type[Section], way: tuple[Step, ...]) -> Path:
    """The location as pydantic gives it: the kind of a member of a union is a part of it."""
    parts: list[str | int] = []
    holder = root
    for path, section in way:
        parts += path
        field = next(field for name, field in holder.model_fields.items() if (field.alias or name) == path[0])
        if len(list(sections(field.annotation))) > 1:
            parts.append(section.model_fields["kind"].default)
        holder = section
    return tuple(parts)
