"""Stored text: any of our frozen dataclasses to canonical JSON and back.

The text is a contract with ledgers on disk: keys sorted, no spaces, ASCII, instants in UTC with `Z`, durations in
seconds, run keys and enums as text. A field is left out when its value is its default and that default is empty
(None, false, 0, "" or a container without items): an empty default never changes its meaning, any other may, so it
is written out. Unknown fields are ignored and missing ones take their defaults, which lets older text load in a newer
version. Members of closed unions carry their class name as `type`; renaming such a class breaks stored text.

This module must never look at what a value means, and never read a clock or a file.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin

from cattrs import Converter
from cattrs.errors import CattrsError
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from planner import canon, keys
from planner.keys import Key
from planner.model.desired import Dag, Leaf, Sweep
from planner.model.facts import Fact
from planner.model.schedule import Schedule
from planner.model.search import Search

__all__ = ["blob_of", "decode", "decode_fact", "encode"]

T = TypeVar("T")

_TAGGED: frozenset[type] = frozenset((*get_args(Fact), *get_args(Schedule), Leaf, Dag, Sweep, *get_args(Search)))


def encode(value: object) -> str:
    """The canonical text of `value`: a dataclass of `planner.model`, or a container of such.

    Raises:
        ValueError: for NaN, infinities and instants without a zone.
        TypeError: for a value that has no stored form.
    """
    return _TEXT.encode(_plain(value))


def decode(kind: type[T], text: str) -> T:
    """The value of type `kind` that `text` was made from.

    Raises:
        ValueError: when `text` is not such a value.
    """
    try:
        return _converter().structure(json.loads(text), kind)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError, CattrsError) as error:
        name = getattr(kind, "__name__", str(kind))
        raise ValueError(f"not a stored {name}: {error!r}") from error


def decode_fact(text: str) -> Fact:
    """The fact that `text` was made from.

    Raises:
        ValueError: when `text` is not a fact of this version.
    """
    return decode(cast("type[Fact]", Fact), text)


def blob_of(value: object) -> tuple[str, str]:
    """The digest and the text of `value`: the digest is `canon.digest` of the content of the text."""
    plain = _plain(value)
    return canon.digest(plain), _TEXT.encode(plain)


def _plain(value: object) -> Any:
    return _converter().unstructure(value)


def _container(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, frozenset):
        return sorted(value, key=_TEXT.encode)
    raise TypeError(f"{type(value).__name__} has no stored form")


_TEXT = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False, default=_container)


@functools.cache
def _converter() -> Converter:
    made = Converter(detailed_validation=False)
    made.register_unstructure_hook(Key, str)
    made.register_structure_hook(Key, lambda text, _: keys.parse(text))
    made.register_unstructure_hook(datetime, _instant)
    made.register_structure_hook(datetime, lambda text, _: datetime.fromisoformat(text))
    made.register_unstructure_hook(timedelta, _seconds)
    made.register_structure_hook(timedelta, lambda seconds, _: timedelta(seconds=seconds))
    made.register_unstructure_hook_factory(dataclasses.is_dataclass, _dataclass_writer)
    made.register_structure_hook_factory(dataclasses.is_dataclass, _dataclass_reader)
    made.register_unstructure_hook_func(_is_tagged_union, made.unstructure)
    made.register_structure_hook_factory(_is_tagged_union, _union_reader)
    made.register_unstructure_hook_func(_is_json, lambda value: value)
    made.register_structure_hook_func(_is_json, lambda value, _: value)
    made.register_unstructure_hook_func(_is_json_mapping, dict)
    made.register_structure_hook_func(_is_json_mapping, lambda value, _: dict(value))
    return made


def _instant(value: datetime) -> str:
    if value.tzinfo is not UTC:
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        value = value.astimezone(UTC)
    return value.isoformat()[:-6] + "Z"


def _seconds(value: timedelta) -> float:
    seconds = value.total_seconds()
    return int(seconds) if seconds.is_integer() else seconds


def _dataclass_writer(kind: type) -> Callable[[Any], Any]:
    omitted: dict[str, Any] = {
        field.name: override(omit_if_default=True) for field in dataclasses.fields(kind) if _is_empty(field)
    }
    write: Callable[[Any], dict[str, Any]] = make_dict_unstructure_fn(kind, _converter(), **omitted)
    if kind not in _TAGGED:
        return write
    tag = kind.__name__

    def write_tagged(value: Any) -> dict[str, Any]:
        plain = write(value)
        plain["type"] = tag
        return plain

    return write_tagged


def _dataclass_reader(kind: type) -> Callable[[Any, Any], Any]:
    return make_dict_structure_fn(kind, _converter())


def _is_empty(field: dataclasses.Field[Any]) -> bool:
    if field.default is not dataclasses.MISSING:
        default = field.default
    elif field.default_factory is not dataclasses.MISSING:
        default = field.default_factory()
    else:
        return False
    return not default


def _union_reader(union: Any) -> Callable[[Any, Any], Any]:
    members = {member.__name__: member for member in get_args(union) if member is not NoneType}
    readers: dict[str, Callable[[Any, Any], Any]] = {}

    def read(plain: Any, _: Any) -> Any:
        if plain is None and NoneType in get_args(union):
            return None
        tag = plain["type"]
        reader = readers.get(tag)
        if reader is None:
            if tag not in members:
                raise ValueError(f"unknown type {tag!r}")
            reader = readers[tag] = _converter().get_structure_hook(members[tag])
        return reader(plain, members[tag])

    return read


def _members(kind: Any) -> tuple[Any, ...]:
    return get_args(kind) if get_origin(kind) in {Union, UnionType} else ()


def _is_tagged_union(kind: Any) -> bool:
    members = [member for member in _members(kind) if member is not NoneType]
    return len(members) > 1 and all(dataclasses.is_dataclass(member) for member in members)


def _is_json(kind: Any) -> bool:
    # `planner.canon.Json` names itself, so resolving a hint gives another object each time: known by its members.
    return {bool, int, float, str} <= set(_members(kind))


def _is_json_mapping(kind: Any) -> bool:
    arguments = get_args(kind)
    return get_origin(kind) is Mapping and len(arguments) == 2 and arguments[0] is str and _is_json(arguments[1])
