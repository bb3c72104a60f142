"""Filters and tests as they are written, to nodes.

Decides which filters and tests there are, what their arguments are called, and what the ones that work on every item
of a list (`map`, `select`, …) or on something undefined (`default`, `is defined`) turn into. Evaluates nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from planner.compile.template import nodes
from planner.compile.template.errors import REFUSED, SYNTAX, FaultError, shorten
from planner.compile.template.filters import FILTERS
from planner.compile.template.predicates import TESTS
from planner.compile.template.suggest import meant

__all__ = ["FILTER_NAMES", "TEST_NAMES", "Call", "filtered", "tested"]

_ALIASES: Mapping[str, str] = MappingProxyType({"d": "default", "count": "length"})
_EVERY = ("map", "select", "reject", "selectattr", "rejectattr")

FILTER_NAMES = frozenset({*FILTERS, *_ALIASES, *_EVERY, "default"})
"""Every filter of the language, by every name it has."""
TEST_NAMES = frozenset({*TESTS, "defined", "undefined"})
"""Every test of the language, by every name it has."""


@dataclass(frozen=True, slots=True)
class Call:
    """The arguments of one use of a filter or test, and its place."""

    args: tuple[nodes.Expr, ...]
    keywords: tuple[tuple[str, nodes.Expr], ...]
    at: int

    def rest(self) -> Call:
        """Without the first positional argument."""
        return Call(self.args[1:], self.keywords, self.at)


def filtered(name: str, of: nodes.Expr, call: Call) -> nodes.Expr:
    """`of | name(…)`.

    Raises:
        FaultError: PL-406 for a filter that is not ours, PL-404 for arguments that it does not take.
    """
    name = _known("filter", name, FILTER_NAMES, call.at)
    name = _ALIASES.get(name, name)
    if name in _EVERY:
        return _every(name, of, call)
    if name == "default":
        args = dict(_bound("filter 'default'", ("default_value", "boolean"), 0, call))
        value = args.get("default_value", nodes.Const("", call.at))
        return nodes.Default(of, value, args.get("boolean", nodes.Const(value=False, at=call.at)), call.at)
    rule = FILTERS[name]
    return nodes.Filter(of, name, _bound(f"filter '{name}'", rule.names, rule.required, call), call.at)


def tested(name: str, of: nodes.Expr, call: Call) -> nodes.Expr:
    """`of is name(…)`.

    Raises:
        FaultError: as `filtered`.
    """
    name = _known("test", name, TEST_NAMES, call.at)
    if name in ("defined", "undefined"):
        _bound(f"test '{name}'", (), 0, call)
        known = nodes.Defined(of, call.at)
        return known if name == "defined" else nodes.Unary("not", known, call.at)
    rule = TESTS[name]
    return nodes.Test(of, name, _bound(f"test '{name}'", rule.names, len(rule.names), call), call.at)


def _known(what: str, name: str, names: Iterable[str], at: int) -> str:
    if name in names:
        return name
    words = [word for word in names if word.isidentifier()]
    raise FaultError(REFUSED, f"there is no {what} '{shorten(name)}' here", hint=meant(name, words), at=at)


def _bound(what: str, names: Sequence[str], required: int, call: Call) -> nodes.Arguments:
    """Arguments by parameter: positional ones first, as in Python."""
    if len(call.args) > len(names):
        raise FaultError(SYNTAX, f"{what} takes {_at_most(len(names))}", at=call.at)
    args = dict(zip(names, call.args, strict=False))
    for name, value in call.keywords:
        if name not in names:
            hint = meant(name, names)
            raise FaultError(SYNTAX, f"{what} has no argument '{shorten(name)}'", hint=hint, at=call.at)
        if name in args:
            raise FaultError(SYNTAX, f"{what} has the argument '{name}' twice", at=call.at)
        args[name] = value
    for name in names[:required]:
        if name not in args:
            raise FaultError(SYNTAX, f"{what} needs its argument '{name}'", at=call.at)
    return tuple(args.items())


def _at_most(count: int) -> str:
    if count == 0:
        return "no arguments"
    return "at most one argument" if count == 1 else f"at most {count} arguments"


def _every(name: str, of: nodes.Expr, call: Call) -> nodes.Each:
    element = nodes.Name(nodes.ELEMENT, call.at)
    if name == "map":
        return nodes.Each(of, _mapped(element, call), None, call.at)
    if name in ("selectattr", "rejectattr"):
        field = _member(element, _word(call, f"filter '{name}' needs the name of a field"), call.at)
        inner, missing = call.rest(), nodes.Const(None, call.at)
        plain = nodes.Default(field, missing, nodes.Const(value=False, at=call.at), call.at)
        body = _tested_or(plain, field, inner)
    else:
        body = _tested_or(element, element, call)
    return nodes.Each(of, body, name.startswith("select"), call.at)


def _tested_or(plain: nodes.Expr, subject: nodes.Expr, call: Call) -> nodes.Expr:
    """The test that the first argument names on `subject`; without arguments whether `plain` is true."""
    if not call.args and not call.keywords:
        return plain
    return tested(_word(call, "the first argument is the name of a test"), subject, call.rest())


def _mapped(element: nodes.Expr, call: Call) -> nodes.Expr:
    if call.args:
        return filtered(_word(call, "filter 'map' needs the name of a filter"), element, call.rest())
    args = dict(_bound("filter 'map'", ("attribute", "default"), 1, call))
    path = args["attribute"]
    field = _member(element, _text(path, "the attribute of 'map' is a name in quotes", call.at), call.at)
    if "default" not in args:
        return field
    return nodes.Default(field, args["default"], nodes.Const(value=False, at=call.at), call.at)


def _word(call: Call, message: str) -> str:
    return _text(call.args[0] if call.args else None, message, call.at)


def _text(expr: nodes.Expr | None, message: str, at: int) -> str:
    if isinstance(expr, nodes.Const) and isinstance(expr.value, str):
        return expr.value
    raise FaultError(SYNTAX, message, hint="write it in quotes", at=at)


def _member(of: nodes.Expr, path: str, at: int) -> nodes.Expr:
    """`of` followed down a dotted path, in which a number is a place in a list."""
    for key in path.split("."):
        number = key.isascii() and key.isdigit() and len(key) < 10
        of = nodes.Member(of, nodes.Const(int(key) if number else key, at), at)
    return of
