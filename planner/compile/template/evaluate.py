"""Templates to values.

Expressions see the scope and the names of the loops around them, both JSON data. The only ways from a value to
another are the entries of mappings and the places of lists and strings; there is no way to an attribute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never, cast

from planner.canon import Json
from planner.compile.template import nodes, values
from planner.compile.template.budget import Budget
from planner.compile.template.errors import COSTLY, REFUSED, FaultError, TemplateError
from planner.compile.template.filters import FILTERS
from planner.compile.template.given import Given
from planner.compile.template.lists import Empty
from planner.compile.template.missing import Missing, written
from planner.compile.template.operators import binary, compare, negative
from planner.compile.template.parse import Template
from planner.compile.template.predicates import TESTS
from planner.compile.template.symbols import Scope

__all__ = ["evaluate"]


def evaluate(template: Template, scope: Scope, budget: Budget | None = None) -> Json:
    """The value of a template: typed if it is one `{{ expression }}` and nothing else, a string otherwise.

    Inside a string, none is nothing, booleans are `true` and `false`, lists and mappings are JSON with sorted keys.
    The result shares nothing with the scope and is never read as a template again.

    Args:
        template: what `compile_template` gave.
        scope: the variables.
        budget: what it may cost; without one, as much as `Budget()` has.

    Raises:
        TemplateError: PL-405 for a variable that is not there or not known yet, PL-406 for an operation that the
            values do not allow, PL-407 where the budget ends; the place is relative to the template's text.
    """
    frame = _Frame(cast("Mapping[str, Json]", scope), {}, budget if budget is not None else Budget())
    try:
        whole = template.whole
        if whole is not None:
            return values.copy(_value(whole, frame), frame.budget)
        parts: list[str] = []
        _render(template.body, frame, parts)
        return "".join(parts)
    except FaultError as fault:
        raise TemplateError(fault, template.text) from None
    except RecursionError:
        raise TemplateError(FaultError(COSTLY, "the template is nested too deeply"), template.text) from None


@dataclass(frozen=True, slots=True)
class _Frame:
    """What an expression sees: the scope, the names of loops, and the budget that it draws on."""

    scope: Mapping[str, Json]
    names: Mapping[str, Json]
    budget: Budget

    def within(self, names: Mapping[str, Json]) -> _Frame:
        """With more names, which hide the outer ones."""
        return replace(self, names={**self.names, **names})


def _render(body: Sequence[nodes.Stmt], frame: _Frame, parts: list[str]) -> None:
    for node in body:
        try:
            _statement(node, frame, parts)
        except FaultError as fault:
            raise _claimed(fault, node.at) from None


def _statement(node: nodes.Stmt, frame: _Frame, parts: list[str]) -> None:
    frame.budget.step()
    match node:
        case nodes.Data():
            _emit(node.text, frame, parts)
        case nodes.Print():
            _emit(_text(node.of, frame), frame, parts)
        case nodes.If():
            taken = (inner for test, inner in node.branches if values.truth(_value(test, frame)))
            _render(next(taken, node.other), frame, parts)
        case nodes.For():
            _loop(node, frame, parts)
        case _:
            assert_never(node)


def _emit(text: str, frame: _Frame, parts: list[str]) -> None:
    frame.budget.grow(len(text))
    parts.append(text)


def _loop(node: nodes.For, frame: _Frame, parts: list[str]) -> None:
    items = _listed(node.items, frame, "'for'")
    frame.budget.step(len(items))
    entries = [_unpacked(node.targets, item) for item in items]
    if node.test is not None:
        test = node.test
        entries = [entry for entry in entries if values.truth(_value(test, frame.within(entry)))]
    if not entries:
        _render(node.other, frame, parts)
    for index, entry in enumerate(entries):
        frame.budget.step()
        _render(node.body, frame.within({**entry, "loop": _position(index, len(entries))}), parts)


def _position(index: int, length: int) -> Mapping[str, Json]:
    return {
        "index": index + 1,
        "index0": index,
        "first": index == 0,
        "last": index == length - 1,
        "length": length,
    }


def _unpacked(targets: Sequence[str], item: Json) -> Mapping[str, Json]:
    if len(targets) == 1:
        return {targets[0]: item}
    if not isinstance(item, list | tuple) or len(item) != len(targets):
        raise FaultError(
            REFUSED, f"an item of the loop is not a list of {len(targets)}", hint="use '| items' on a mapping"
        )
    return dict(zip(targets, item, strict=True))


def _value(node: nodes.Expr, frame: _Frame) -> Json:
    """The value of an expression that must have one."""
    result = _maybe(node, frame)
    if isinstance(result, Missing):
        raise result.fault()
    return result


def _maybe(node: nodes.Expr, frame: _Frame) -> Json | Missing:
    """The value of an expression, or what it lacks."""
    try:
        frame.budget.step()
        match node:
            case nodes.Const():
                return node.value
            case nodes.ListOf() | nodes.Record():
                return _literal(node, frame)
            case nodes.Name() | nodes.Member() | nodes.Cut():
                return _lookup(node, frame)
            case nodes.Logic() | nodes.Cond() | nodes.Default() | nodes.Defined():
                return _choice(node, frame)
            case nodes.Unary() | nodes.Binary() | nodes.Compare() | nodes.Concat():
                return _operation(node, frame)
            case nodes.Filter() | nodes.Test() | nodes.Each():
                return _application(node, frame)
            case _:
                assert_never(node)
    except FaultError as fault:
        raise _claimed(fault, node.at) from None


def _claimed(fault: FaultError, at: int) -> FaultError:
    """The fault with a place: the innermost node that has one."""
    if fault.at < 0:
        fault.at = at
    return fault


def _literal(node: nodes.ListOf | nodes.Record, frame: _Frame) -> Json:
    if isinstance(node, nodes.ListOf):
        return [_value(item, frame) for item in node.items]
    record: dict[str, Json] = {}
    for key_node, value_node in node.pairs:
        key = _value(key_node, frame)
        if not isinstance(key, str):
            raise FaultError(REFUSED, f"a key is a string, not a {values.kind(key)}", at=key_node.at)
        record[key] = _value(value_node, frame)
    return record


def _lookup(node: nodes.Name | nodes.Member | nodes.Cut, frame: _Frame) -> Json | Missing:
    match node:
        case nodes.Name():
            for names in (frame.names, frame.scope):
                if node.name in names:
                    return names[node.name]
            return Missing("", node.name, frame.scope, node.at, frame.names)
        case nodes.Member():
            of = _maybe(node.of, frame)
            return of if isinstance(of, Missing) else _member(node, of, _value(node.key, frame))
        case nodes.Cut():
            of = _maybe(node.of, frame)
            return of if isinstance(of, Missing) else _cut(node, of, frame)


def _member(node: nodes.Member, of: Json, key: Json) -> Json | Missing:
    values.kind(of)
    place = key if isinstance(key, int) and not isinstance(key, bool) else None
    match of:
        case Mapping() if isinstance(key, str) and key in of:
            return of[key]
        case str() | list() | tuple() if place is not None and -len(of) <= place < len(of):
            return of[place]
        case _ if isinstance(key, str):
            return Missing(written(node.of), key, of, node.at)
        case _ if place is not None:
            return Missing(written(node.of), f"[{place if abs(place) < 10**9 else '…'}]", of, node.at)
        case _:
            raise FaultError(REFUSED, f"a {values.kind(of)} has no place for a {values.kind(key)}")


def _cut(node: nodes.Cut, of: Json, frame: _Frame) -> Json:
    start, stop = (
        None if bound is None else values.integer(_value(bound, frame), "a bound of a slice")
        for bound in (node.start, node.stop)
    )
    if not isinstance(of, str | list | tuple):
        raise FaultError(REFUSED, f"a {values.kind(of)} has no slices")
    frame.budget.grow(len(range(*slice(start, stop).indices(len(of)))))
    return of[start:stop]


def _choice(node: nodes.Logic | nodes.Cond | nodes.Default | nodes.Defined, frame: _Frame) -> Json | Missing:
    match node:
        case nodes.Logic():
            left = _value(node.left, frame)
            return left if values.truth(left) == (node.op == "or") else _value(node.right, frame)
        case nodes.Cond():
            return _maybe(node.then if values.truth(_value(node.test, frame)) else node.other, frame)
        case nodes.Default():
            of = _maybe(node.of, frame)
            if isinstance(of, Missing) or (not values.truth(of) and values.truth(_value(node.falsy, frame))):
                return _value(node.value, frame)
            return of
        case nodes.Defined():
            return not isinstance(_maybe(node.of, frame), Missing)


def _operation(node: nodes.Unary | nodes.Binary | nodes.Compare | nodes.Concat, frame: _Frame) -> Json:
    match node:
        case nodes.Unary(op="not"):
            return not values.truth(_value(node.of, frame))
        case nodes.Unary():
            value = negative(_value(node.of, frame))
            return value if node.op == "-" else negative(value)
        case nodes.Binary():
            return binary(node.op, _value(node.left, frame), _value(node.right, frame), frame.budget)
        case nodes.Compare():
            return _comparison(node, frame)
        case nodes.Concat():
            parts: list[str] = []
            for part in node.parts:
                _emit(_text(part, frame), frame, parts)
            return "".join(parts)


def _comparison(node: nodes.Compare, frame: _Frame) -> bool:
    left = _value(node.first, frame)
    for op, part in node.rest:
        right = _value(part, frame)
        if not compare(op, left, right, frame.budget):
            return False
        left = right
    return True


def _application(node: nodes.Filter | nodes.Test | nodes.Each, frame: _Frame) -> Json | Missing:
    if isinstance(node, nodes.Each):
        return _each(node, frame)
    subject = _value(node.of, frame)
    values.kind(subject)
    given = Given({name: _value(value, frame) for name, value in node.args}, frame.budget)
    if isinstance(node, nodes.Test):
        return TESTS[node.name].apply(subject, given)
    result = FILTERS[node.name].apply(subject, given)
    return Missing("", node.name, subject, node.at, empty=True) if isinstance(result, Empty) else result


def _each(node: nodes.Each, frame: _Frame) -> Json:
    found: list[Json] = []
    for item in _listed(node.items, frame, "this filter"):
        frame.budget.step()
        value = _value(node.body, frame.within({nodes.ELEMENT: item}))
        if node.keep is None:
            found.append(value)
        elif values.truth(value) == node.keep:
            found.append(item)
    return found


def _listed(node: nodes.Expr, frame: _Frame, what: str) -> Sequence[Json]:
    """The items of a list or the keys of a mapping."""
    return values.listed(_value(node, frame), what)


def _text(node: nodes.Expr, frame: _Frame) -> str:
    return values.text(_value(node, frame), frame.budget)
