"""What a value must satisfy beyond its type: the `validation` keys (reference, section 6.1).

Whether a value passes is said by `planner.compile.check_rules`; here checks are collected, and failures are told. What
a pattern costs is paid for, as nothing else here is more than linear.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from planner import canon
from planner.canon import Json
from planner.compile.check_rules import BOUNDS, COUNTS, READERS, RULES, Test, test_of
from planner.compile.types import convert, element_of
from planner.spec import patterns
from planner.spec.io import IO
from planner.spec.typing_expressions import CONSTRAINED_TYPES
from planner.spec.words import short

__all__ = ["Checker", "Pay", "bound_faults", "checks_of", "violations"]

_NUMBERS = frozenset({"int", "float", "metric"}) | {n for n in CONSTRAINED_TYPES if n.endswith(("Int", "Float"))}

Pay = Callable[[int], bool]
"""Pays for matching a pattern, in characters times parts of it; False where that is too much."""


def checks_of(io: IO) -> Mapping[str, Json]:
    """The checks of an input or output, both spellings of options included."""
    found: dict[str, Json] = {}
    if io.validation is not None:
        said: dict[str, Json] = io.validation.model_dump(mode="json", by_alias=True, exclude_unset=True)
        found = {name: value for name, value in said.items() if name != "delay" and value is not None}
    if io.choices is not None:
        found["options"] = list(io.choices)
    return found


def bound_faults(io: IO) -> Iterator[tuple[str, str]]:
    """Bounds that are no value of the type that they bound, each with the sentence that says so."""
    kind = element_of(io.type or "")
    for name in BOUNDS if io.validation is not None else ():
        bound = getattr(io.validation, name)
        if bound is not None and kind in _NUMBERS and isinstance(bound, str):
            yield name, f"a bound of {kind}: a number is wanted, not `{short(bound)}`"
        try:
            if bound is not None and kind in READERS:
                convert(bound, kind)
        except ValueError as error:
            yield name, f"a bound of {kind}: {error}"


def violations(value: Json, checks: Mapping[str, Json], kind: str = "") -> Iterator[str]:
    """What is wrong with a value, one sentence for each check that it fails. Null passes everything.

    Args:
        value: as its type has it.
        checks: from `checks_of`.
        kind: the type of the value, or "".
    """
    return Checker.of(checks, kind).violations(value)


@dataclass(frozen=True, slots=True)
class Checker:
    """Checks that many values can be asked for."""

    checks: tuple[_Check, ...]

    @classmethod
    def of(cls, checks: Mapping[str, Json], kind: str) -> Checker:
        """Those of an input, from `checks_of`, and its type."""
        single = element_of(kind)
        return cls(tuple(_check(name, bound, single) for name, bound in checks.items()))

    def violations(self, value: Json, pay: Pay | None = None) -> Iterator[str]:
        """What is wrong with a value, as the function of that name says it."""
        for check in self.checks if value is not None else ():
            items = _items(value)
            cost = check.cost * sum(len(item) for item in items if isinstance(item, str))
            if cost > patterns.MAX_COST:
                yield f"is too long to be matched against {check.said()}"
            elif cost and pay is not None and not pay(cost):
                yield f"is not matched against {check.said()}: the patterns of this file cost too much together"
            elif not check.passes(value, items):
                yield check.message.format(check.said())


@dataclass(frozen=True, slots=True)
class _Check:
    """One check: what it tests, how often a character of a text is looked at, and how a failure is told."""

    name: str
    test: Test
    message: str
    cost: int
    said: Callable[[], str]

    def passes(self, value: Json, items: Sequence[Json]) -> bool:
        if self.name in COUNTS:
            return not _counts(self.name, value) or self.test(value)
        return _all_pass(self.test, items)


def _check(name: str, bound: Json, kind: str) -> _Check:
    rule, message = COUNTS[name] if name in COUNTS else RULES[name]
    test = rule(bound) if name in COUNTS else test_of(name, bound, kind)
    cost = patterns.cost(str(bound)) if name == "regex" else 0
    return _Check(name, test, message, cost, functools.cache(lambda: short(canon.dumps(bound))))


def _counts(name: str, value: Json) -> bool:
    """Whether a check of a whole says anything of a value: lists have no keys, and texts no items."""
    return isinstance(value, Mapping if "eys" in name else Mapping | list | tuple)


def _all_pass(test: Test, items: Sequence[Json]) -> bool:
    """A value that a check does not apply to (a list for `gt`, a number that no float holds) fails it."""
    try:
        return all(test(item) for item in items)
    except (TypeError, ValueError, OverflowError):
        return False


def _items(value: Json) -> Sequence[Json]:
    match value:
        case str():
            return [value]
        case Mapping():
            return list(value.values())
        case Sequence():
            return value
        case _:
            return [value]
