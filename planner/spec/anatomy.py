"""The anatomy of the models: which section or type stands at a path, by their annotations.

Errors name places by path, the tables of fields by section; this module connects the two. It must never look at the
values of a document beyond their keys.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeGuard, Union, get_args, get_origin

from planner.spec.forms import Forms
from planner.spec.places import camel, pointer, snake
from planner.spec.shape import OrTemplate, Section

__all__ = ["Spotted", "fields", "locate", "sections", "spelling"]

Loc = tuple[int | str, ...]
_KEY_ITSELF = "[key]"
"""What pydantic adds when the key of a mapping is at fault."""


@dataclass(frozen=True, slots=True)
class Spotted:
    """What stands at a location.

    Attributes:
        parts: keys and indexes as they are in the document; camelCase where it has none.
        section: the innermost section around the location; the root's at the root.
        value: the value there; None where the document has none.
        parent: the value around it.
        kinds: sections that may stand there.
    """

    parts: Loc
    section: type[Section]
    value: Any
    parent: Any
    kinds: tuple[type[Section], ...] = ()

    @property
    def pointer(self) -> str:
        """The location as a JSON pointer."""
        return pointer(*self.parts)


def fields(model: type[Section]) -> Mapping[str, str]:
    """Attribute names of a section by YAML name."""
    return _fields(model)


@functools.cache
def _fields(model: type[Section]) -> Mapping[str, str]:
    return MappingProxyType({field.alias or name: name for name, field in model.model_fields.items()})


def sections(kind: Any) -> Iterator[type[Section]]:
    """The sections that a type may hold directly, or as items of a list or a mapping."""
    if _is_section(kind):
        yield kind
    elif get_origin(kind) is not Literal:
        for inner in get_args(kind):
            yield from sections(inner)


def spelling(value: Any, part: str) -> str | None:
    """The spelling of a field that a mapping uses; None where it has none of them."""
    if isinstance(value, dict):
        return next((name for name in (part, camel(part), snake(part)) if name in value), None)
    return None


def locate(root: type[Section], value: Any, loc: Loc) -> Spotted:
    """What stands at the location of a pydantic error in a document of type `root`."""
    found = Spotted((), root, value, None)
    kind: Any = root
    for part in loc:
        if _is_union(kind):
            kind = _member(kind, str(part))
        elif part != _KEY_ITSELF or spelling(found.value, _KEY_ITSELF) is not None:
            owner = kind if _is_section(kind) else found.section
            found = _step(replace(found, section=owner), part)
            kind = _below(kind, part)
    return replace(found, kinds=tuple(sections(kind)))


def _step(at: Spotted, part: int | str) -> Spotted:
    if isinstance(part, int):
        items = at.value if isinstance(at.value, list) else []
        inner = items[part] if part < len(items) else None
        return Spotted((*at.parts, part), at.section, inner, at.value)
    name = spelling(at.value, part)
    inner = at.value[name] if name is not None else None
    return Spotted((*at.parts, name or camel(part)), at.section, inner, at.value)


def _is_section(kind: Any) -> TypeGuard[type[Section]]:
    return isinstance(kind, type) and issubclass(kind, Section)


def _below(kind: Any, part: int | str) -> Any:
    """The type of a field or an item."""
    if _is_section(kind):
        name = fields(kind).get(str(part), str(part))
        field = kind.model_fields.get(name)
        return _bare(_instead(field.metadata, field.annotation)) if field else None
    if get_origin(kind) in {tuple, dict}:
        return _bare(get_args(kind)[0 if get_origin(kind) is tuple else 1])
    return None


def _instead(marks: Iterable[Any], kind: Any) -> Any:
    """What a type holds where it is no text with a template."""
    for mark in marks:
        if isinstance(mark, OrTemplate):
            return mark.kind
        if isinstance(mark, Forms):
            return mark.section
    return kind


def _is_union(kind: Any) -> bool:
    """Whether it is a union of sections: there, and only there, pydantic's location names the member first."""
    return get_origin(kind) in {Union, types.UnionType} and any(True for _ in sections(kind))


def _member(kind: Any, tag: str) -> Any:
    """The member of a union of sections whose `kind` is `tag`."""
    return next((member for member in sections(kind) if member.model_fields["kind"].default == tag), None)


def _bare(kind: Any) -> Any:
    """A type without its annotations, without the text with a template, and without the None of an optional field."""
    if get_origin(kind) is Annotated:
        inner, *marks = get_args(kind)
        return _bare(_instead(marks, inner))
    if get_origin(kind) in {Union, types.UnionType}:
        rest = [inner for inner in get_args(kind) if inner is not type(None)]
        return _bare(rest[0]) if len(rest) == 1 else kind
    return kind
