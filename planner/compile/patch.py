"""Patches: one section laid over another, by the four strategies of the language (reference, section 5.1).

| Of two values | `post_merge` | `pre_merge` | `replace` | `isnull` |
|---|---|---|---|---|
| one is missing | the other | the other | the other | the other |
| sections | field by field | field by field | field by field | field by field |
| text, number, truth | the patch's | the one below | the patch's | the one below |
| mappings | joined, the patch wins | joined, the one below wins | the patch's | the one below |
| lists | below, then what is new in the patch | patch, then what is new below | the patch's | the one below |
| the patch says null: a field | null | the one below | null | the one below |
| the patch says null: a section | the one below | the one below | the one below | the one below |

An object of Kubernetes is joined attribute by attribute, and its attributes are values: mappings, lists or scalars. A
matrix and a schedule are one value unless both are of the same kind. Places are carried along (decision 0040).

Decides by the values alone; it must never know an operation or a component.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar, get_args

from planner import canon
from planner.canon import Json
from planner.compile.origin import Origin
from planner.compile.parts import moved, with_parts
from planner.spec.container import Container
from planner.spec.kubernetes import Kubernetes
from planner.spec.places import Part, Places, entry
from planner.spec.presets import PatchStrategy
from planner.spec.shape import Section

__all__ = ["Placed", "patched", "with_field", "with_items"]

S = TypeVar("S", bound=Section)

_ONE_KIND = frozenset({"matrix", "schedule"})
"""Fields that are merged where both values are of the same kind, and are one value otherwise."""

_CLOSED = frozenset({"workers"})
"""Sections by name that a patch may change and not add to (reference, section 5.2)."""


class Placed(NamedTuple, Generic[S]):
    """A section and where it is written."""

    section: S
    origin: Origin


def patched(
    base: Placed[S], over: Placed[Any], strategy: PatchStrategy, fields: Sequence[str] | None = None
) -> Placed[S]:
    """A section with another one laid over it.

    Args:
        base: what is there.
        over: the patch: a section with the same fields, or some of them.
        strategy: how.
        fields: attributes that the patch counts in; None for all that both have.
    """
    written = over.section.model_fields_set
    names = [name for name in fields or type(base.section).model_fields if name in written]
    if not names:
        return base
    below = base.origin.places.part(base.origin.pointer)
    merge = _Merge(strategy)
    found = merge.sections(_Value(base.section, below), _Value(over.section, _part(over.origin)), names)
    return Placed(found.value, Origin(Places(found.part.path, found.part.spot, found.part.at)))


def with_field(base: Placed[S], name: str, field: Placed[Any]) -> Placed[S]:
    """A section with another section in one of its fields."""
    home = _part(base.origin)
    spelled = type(base.section).model_fields[name].alias or name
    part = with_parts(home, {spelled: _part(field.origin)})
    made = base.section.model_copy(update={name: field.section})
    return Placed(made, Origin(Places(part.path, part.spot, part.at)))


def with_items(base: Placed[S], name: str, items: Sequence[Placed[Any]]) -> Placed[S]:
    """A section with a list of other sections in one of its fields."""
    home = _part(base.origin)
    spelled = type(base.section).model_fields[name].alias or name
    spots = [moved(_part(item.origin), home, str(index)) for index, item in enumerate(items)]
    part = with_parts(home, {spelled: home._replace(spot=(*home.spot[:2], spots))})
    made = base.section.model_copy(update={name: tuple(item.section for item in items)})
    return Placed(made, Origin(Places(part.path, part.spot, part.at)))


def _part(origin: Origin) -> Part:
    return origin.places.part(origin.pointer)


@dataclass(slots=True)
class _Value:
    """A value of a model, and where it stands; not to be changed."""

    value: Any
    part: Part

    def below(self, name: str, value: Any) -> _Value:
        """A value in this one; it stands where this one does if it is not written by itself."""
        found = entry(self.part, name)
        return _Value(value, found or self.part._replace(spot=(*self.part.spot[:2], None)))

    def items(self) -> list[_Value]:
        """The items of a list; one that was written as text or as a mapping has its items by their order."""
        spots = self.part.spot[2]
        names = list(spots) if isinstance(spots, dict) else [str(index) for index in range(len(self.value))]
        return [self.below(name, item) for name, item in zip(_padded(names, len(self.value)), self.value, strict=True)]


def _padded(names: list[str], length: int) -> list[str]:
    return (names + [""] * length)[:length]


@dataclass(frozen=True, slots=True)
class _Merge:
    """The table of this module for one strategy."""

    strategy: PatchStrategy

    @property
    def _over_wins(self) -> bool:
        return self.strategy in {"post_merge", "replace"}

    @property
    def _joins(self) -> bool:
        return self.strategy in {"post_merge", "pre_merge"}

    def sections(self, base: _Value, over: _Value, names: Sequence[str]) -> _Value:
        """Two sections, in the named fields that the patch has."""
        kind = type(base.value)
        changed: dict[str, _Value] = {}
        for name in names:
            spelled = kind.model_fields[name].alias or name
            below = base.below(spelled, getattr(base.value, name))
            above = over.below(spelled, getattr(over.value, name))
            changed[name] = self._field(below, above, (kind, name))
        values = {name: found.value for name, found in changed.items()}
        spelled = {kind.model_fields[name].alias or name: found.part for name, found in changed.items()}
        return _Value(base.value.model_copy(update=values), with_parts(base.part, spelled))

    def _field(self, base: _Value, over: _Value, field: tuple[type[Section], str]) -> _Value:
        name = field[1]
        if base.value is None:
            return over
        if isinstance(base.value, Section) and name not in _ONE_KIND:
            return self._section(base, over)
        if over.value is None:
            return over if self._over_wins else base
        if name in _ONE_KIND:
            return self._one_kind(base, over)
        if name in _CLOSED:
            return self._known_keys(base, over)
        if isinstance(base.value, Mapping) and isinstance(over.value, Mapping) and _is_object(*field):
            return _merged_maps(base, over, self._leaf)
        return self._leaf(base, over)

    def _section(self, base: _Value, over: _Value) -> _Value:
        if over.value is None:
            return base
        if type(over.value) is not type(base.value):
            return self._leaf(base, over)
        names = [name for name in type(over.value).model_fields if name in over.value.model_fields_set]
        return (self._object if isinstance(base.value, Container) else self.sections)(base, over, names)

    def _object(self, base: _Value, over: _Value, names: Sequence[str]) -> _Value:
        """An object of Kubernetes that we have a section for: null says nothing, attributes are values."""
        said = [name for name in names if getattr(over.value, name) is not None]
        return _joined(base, over, said, self._leaf)

    def _one_kind(self, base: _Value, over: _Value) -> _Value:
        if type(base.value) is type(over.value) and self._joins:
            names = [name for name in type(over.value).model_fields if name in over.value.model_fields_set]
            return self.sections(base, over, names)
        return over if self._over_wins else base

    def _known_keys(self, base: _Value, over: _Value) -> _Value:
        if not isinstance(base.value, Mapping) or not isinstance(over.value, Mapping):
            return self._leaf(base, over)
        changed = {
            name: self._section(base.below(name, base.value[name]), over.below(name, item))
            for name, item in over.value.items()
            if name in base.value
        }
        values = {**base.value, **{name: found.value for name, found in changed.items()}}
        return _Value(values, with_parts(base.part, {name: found.part for name, found in changed.items()}))

    def _leaf(self, base: _Value, over: _Value) -> _Value:
        """Two values that are there."""
        if not self._joins:
            return over if self._over_wins else base
        first, second = (base, over) if self._over_wins else (over, base)
        if isinstance(base.value, tuple | list) and isinstance(over.value, tuple | list):
            return _union(base.part, first, second)
        if _deep(base.value) and _deep(over.value):
            return _deepened(first, second)
        return second


@functools.cache
def _is_object(kind: type[Section], name: str) -> bool:
    """Whether a field holds one object of Kubernetes as plain data."""
    field = kind.model_fields[name]
    waiting: list[Any] = [field.annotation, *field.metadata]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Kubernetes):
            return not part.kind.endswith("[]")
        waiting += [*get_args(part), *getattr(part, "__metadata__", ())]
    return False


# Joining


def _joined(base: _Value, over: _Value, names: Sequence[str], join: Callable[[_Value, _Value], _Value]) -> _Value:
    """A section whose fields are values, joined field by field."""
    kind = type(base.value)
    changed: dict[str, _Value] = {}
    for name in names:
        spelled = kind.model_fields[name].alias or name
        below = base.below(spelled, getattr(base.value, name))
        above = over.below(spelled, getattr(over.value, name))
        changed[name] = above if below.value is None else join(below, above)
    values = {name: found.value for name, found in changed.items()}
    parts = {kind.model_fields[name].alias or name: found.part for name, found in changed.items()}
    return _Value(base.value.model_copy(update=values), with_parts(base.part, parts))


def _merged_maps(base: _Value, over: _Value, join: Callable[[_Value, _Value], _Value]) -> _Value:
    values, parts = dict(base.value), {}
    for name, item in over.value.items():
        above = over.below(name, item)
        known = values.get(name)
        found = above if known is None else join(base.below(name, known), above)
        values[name], parts[name] = found.value, found.part
    return _Value(values, with_parts(base.part, parts))


def _deep(value: Any) -> bool:
    return isinstance(value, Mapping | Section)


def _deepened(first: _Value, second: _Value) -> _Value:
    """Two mappings or sections joined at every depth, the second one's values winning; lists are values here."""

    def join(below: _Value, above: _Value) -> _Value:
        return _deepened(below, above) if _deep(below.value) and _deep(above.value) else above

    if isinstance(first.value, Mapping) and isinstance(second.value, Mapping):
        if any(isinstance(item, Section) for item in second.value.values()):
            return _merged_maps(first, second, lambda _below, above: above)  # params, each of them one value
        return _merged_maps(first, second, join)
    if isinstance(first.value, Section) and type(first.value) is type(second.value):
        names = [name for name in type(second.value).model_fields if name in second.value.model_fields_set]
        return _joined(first, second, names, join)
    return second


def _union(home: Part, first: _Value, second: _Value) -> _Value:
    """The items of the first list, then those of the second that equal none of them."""
    known = {_key(item) for item in first.value}
    found = [*first.items(), *(item for item in second.items() if _key(item.value) not in known)]
    spots = [moved(item.part, home, str(index)) for index, item in enumerate(found)]
    made = type(first.value)(item.value for item in found)
    return _Value(made, home._replace(spot=(*home.spot[:2], spots)))


def _key(item: Any) -> str:
    """What equal items have in common: what was written, whatever its spelling."""
    return item if isinstance(item, str) else canon.dumps(_data(item))


def _data(value: Any) -> Json:
    if isinstance(value, Section):
        return {name: _data(item) for name, item in vars(value).items() if item is not None}
    if isinstance(value, Mapping):
        return {str(name): _data(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [_data(item) for item in value]
    return value if isinstance(value, str | int | float | bool) or value is None else str(value)
