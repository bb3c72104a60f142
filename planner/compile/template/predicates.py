"""The tests of the language: what may stand after `is`.

Each is a pure function of JSON data. `defined` and `undefined` are not here: they are about what is not there, which
no function can be given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from planner.canon import Json
from planner.compile.template.errors import REFUSED, FaultError
from planner.compile.template.given import Given
from planner.compile.template.operators import compare
from planner.compile.template.values import integer, is_number, kind

__all__ = ["TESTS", "TestRule"]


@dataclass(frozen=True, slots=True)
class TestRule:
    """A test: what it computes and the names of its arguments, all of which it needs."""

    apply: Callable[[Json, Given], bool]
    names: tuple[str, ...] = ()


def _alone(apply: Callable[[Json], bool]) -> TestRule:
    return TestRule(lambda value, _given: apply(value))


def _is(*kinds: str) -> TestRule:
    return _alone(lambda value: kind(value) in kinds)


def _compares(op: str, name: str = "other") -> TestRule:
    return TestRule(lambda value, given: compare(op, value, given.args[name], given.budget), (name,))


def _whole(value: Json) -> bool:
    return isinstance(value, int) and is_number(value)


def _float(value: Json) -> bool:
    return isinstance(value, float)


def _odd(value: Json) -> bool:
    return integer(value, "the subject of 'odd'") % 2 == 1


def _even(value: Json) -> bool:
    return integer(value, "the subject of 'even'") % 2 == 0


def _divisible(value: Json, given: Given) -> bool:
    divisor = integer(given.args["num"], "the argument of 'divisibleby'")
    if divisor == 0:
        raise FaultError(REFUSED, "division by zero")
    return integer(value, "the subject of 'divisibleby'") % divisor == 0


TESTS: Mapping[str, TestRule] = MappingProxyType(
    {
        "none": _is("none"),
        "boolean": _is("boolean"),
        "true": _alone(lambda value: value is True),
        "false": _alone(lambda value: value is False),
        "number": _is("number"),
        "integer": _alone(_whole),
        "float": _alone(_float),
        "string": _is("string"),
        "sequence": _is("list"),
        "mapping": _is("mapping"),
        "iterable": _is("list", "mapping"),
        "odd": _alone(_odd),
        "even": _alone(_even),
        "divisibleby": TestRule(_divisible, ("num",)),
        "in": _compares("in", "seq"),
    }
    | {name: _compares("==") for name in ("eq", "equalto", "==")}
    | {name: _compares("!=") for name in ("ne", "!=")}
    | {name: _compares("<") for name in ("lt", "lessthan", "<")}
    | {name: _compares("<=") for name in ("le", "<=")}
    | {name: _compares(">") for name in ("gt", "greaterthan", ">")}
    | {name: _compares(">=") for name in ("ge", ">=")}
)
"""Every test by name, `defined` and `undefined` excepted."""
