"""Types of inputs and outputs: which values they take, and which output may feed which input (reference, section 8).

A value stays JSON, and what it becomes is what the digest covers. What a single value may be is said by
`planner.compile.type_rules`; here types are put together, as `Dict[str, List[int]]` is.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

from planner import canon
from planner.canon import Json
from planner.compile.composites import COMPOSITE_RULES
from planner.compile.type_rules import RULES, Rule, as_dict, as_list, wrong
from planner.spec.typing_expressions import ANY, Kind, kind_of_io, read_kind

__all__ = ["compatible", "convert", "element_of", "listed_type"]


def convert(value: Json, kind: str, *, is_list: bool = False) -> Json:
    """`value` as a value of type `kind`, or of a list of it.

    Args:
        value: JSON data.
        kind: a type as an input has it (reference, section 8.1), or "" for any.
        is_list: whether a list of such values is wanted; the JSON text of one is taken too.

    Raises:
        ValueError: it is none, in words for the user.
    """
    return _rule(kind, is_list=is_list)(value)


def listed_type(kind: str, *, is_list: bool) -> str:
    """The type in one word, as the reference's second version writes lists."""
    return f"List[{kind or 'any'}]" if is_list else kind


def element_of(kind: str) -> str:
    """The name of the type that single values have, in whatever they are; "" where there are several."""
    found = read_kind(kind) if kind else ANY
    while found.of:
        inner = [one for one in found.of if one.name != "none"]
        if found.name == "dict":
            inner = inner[1:]
        if len(inner) != 1:
            return ""
        (found,) = inner
    return found.name


# Which output may feed which input


_TEXTS = frozenset({"str", "path", "s3", "gcs", "wasb"})
_FLOATS = frozenset({"float", "metric"})
_PARTS: Mapping[str, str] = MappingProxyType(
    {
        **{f"{sign}Int": "int" for sign in ("Positive", "Negative", "NonNegative", "NonPositive", "Strict")},
        **{f"{sign}Float": "float" for sign in ("Positive", "Negative", "NonNegative", "NonPositive", "Strict")},
        "FiniteFloat": "float",
        "StrictBool": "bool",
        "StrictStr": "str",
    }
)
"""The simple type that a constrained one is a part of."""


def compatible(source: str, target: str, *, lists: tuple[bool, bool] = (False, False)) -> bool:
    """Whether an output of type `source` may feed an input of type `target` (reference, section 8.3).

    An end of no type takes and gives anything, but a list is a list.

    Args:
        source: its type, or "".
        target: likewise.
        lists: `isList` of both.
    """
    return _feeds(kind_of_io(source, is_list=lists[0]), kind_of_io(target, is_list=lists[1]))


def _feeds(source: Kind, target: Kind) -> bool:
    if source == target or ANY in (source, target):
        return True
    if source.name == "union":
        return all(_feeds(one, target) for one in source.of)
    if target.name == "union":
        return any(_feeds(source, one) for one in target.of)
    if source.of or target.of:
        return source.name == target.name and _feed_within(source, target)
    if {source.name, target.name} <= _TEXTS or {source.name, target.name} <= _FLOATS:
        return True
    return source.name in _PARTS and _feeds(Kind(_PARTS[source.name]), target)


def _feed_within(source: Kind, target: Kind) -> bool:
    """Containers of one kind; one that says nothing of what is in it takes and gives anything."""
    if not source.of or not target.of:
        return True
    same = len(source.of) == len(target.of) and source.many == target.many
    return same and all(_feeds(*pair) for pair in zip(source.of, target.of, strict=True))


# Rules of types that are put together


@functools.lru_cache(maxsize=1_000)
def _rule(kind: str, *, is_list: bool) -> Rule:
    return _rule_of(kind_of_io(kind, is_list=is_list))


def _rule_of(kind: Kind) -> Rule:
    if not kind.of:
        bare = {"set": _set(_any), "tuple": as_list, **COMPOSITE_RULES}
        return bare[kind.name] if kind.name in bare else RULES[kind.name]
    inner = [_rule_of(one) for one in kind.of]
    match kind.name:
        case "list":
            return _list(inner[0])
        case "set":
            return _set(inner[0])
        case "dict":
            return _dict(*inner)
        case "tuple":
            return _list(inner[0]) if kind.many else _tuple(inner)
        case _:
            return _union(kind, inner)


def _any(value: Json) -> Json:
    return value


def _list(rule: Rule) -> Rule:
    return lambda value: [rule(item) for item in as_list(value)]


def _set(rule: Rule) -> Rule:
    """Each item once, in the order in which they come."""
    return lambda value: list({canon.dumps(item): item for item in map(rule, as_list(value))}.values())


def _tuple(rules: list[Rule]) -> Rule:
    def tuple_(value: Json) -> Json:
        items = as_list(value)
        if len(items) != len(rules):
            raise ValueError(f"a list of {len(rules)} is wanted, not of {len(items)}")
        return [rule(item) for rule, item in zip(rules, items, strict=True)]

    return tuple_


def _dict(key_rule: Rule, rule: Rule) -> Rule:
    """Keys are text in JSON, whatever their type."""

    def dict_(value: Json) -> Json:
        found: dict[str, Json] = {}
        for key, item in as_dict(value).items():
            made = key_rule(key)
            found[made if isinstance(made, str) else canon.dumps(made)] = rule(item)
        return found

    return dict_


def _union(kind: Kind, rules: list[Rule]) -> Rule:
    """The first type that takes the value as it is, else the first that takes it."""

    def union(value: Json) -> Json:
        found: list[Json] = []
        for rule in rules:
            try:
                made = rule(value)
            except ValueError:
                continue
            if type(made) is type(value) and not isinstance(value, str):
                return made
            found.append(made)
        if not found:
            raise wrong(" or ".join(str(one) for one in kind.of), value)
        return found[0]

    return union
