"""Jinja's parse tree to ours: the allow-list.

Each of Jinja's nodes that the language has is translated here; any other is a fault with its place. Names of filters
and tests, and the names and number of their arguments, are settled here too, so that a template that compiles can
only fail on its data. Nothing here evaluates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from jinja2 import nodes as jinja

from planner.compile.template import apply, nodes
from planner.compile.template.budget import MAX_BITS, MAX_DEPTH
from planner.compile.template.errors import COSTLY, REFUSED, SYNTAX, FaultError, shorten

__all__ = ["expression", "template"]

_BINARY: Mapping[type[jinja.Expr], str] = MappingProxyType(
    {jinja.Add: "+", jinja.Sub: "-", jinja.Mul: "*", jinja.Div: "/", jinja.FloorDiv: "//", jinja.Mod: "%"}
)
_UNARY: Mapping[type[jinja.Expr], str] = MappingProxyType({jinja.Not: "not", jinja.Neg: "-", jinja.Pos: "+"})
_COMPARE: Mapping[str, str] = MappingProxyType(
    {"eq": "==", "ne": "!=", "lt": "<", "lteq": "<=", "gt": ">", "gteq": ">=", "in": "in", "notin": "not in"}
)
_TARGETS = 8
_METHODS: Mapping[str, str] = MappingProxyType(
    {"items": "| items", "keys": "| list", "values": "| items | map('last')", "get": "[name] | default(value)"}
    | {name: f"| {name}" for name in ("upper", "lower", "replace", "split", "join", "title", "capitalize")}
    | {"strip": "| trim", "format": "~"}
)


def template(tree: jinja.Template) -> tuple[nodes.Stmt, ...]:
    """The statements of a template.

    Raises:
        FaultError: PL-404, PL-406 or PL-407 at the offset of the first node that is not ours.
    """
    return _Lowering().body(tree.body)


def expression(tree: jinja.Expr) -> nodes.Expr:
    """A bare expression.

    Raises:
        FaultError: as `template`.
    """
    return _Lowering().expr(tree)


@dataclass(slots=True)
class _Lowering:
    depth: int = 0

    def body(self, statements: Sequence[jinja.Node]) -> tuple[nodes.Stmt, ...]:
        return tuple(part for statement in statements for part in self._statement(statement))

    def _statement(self, node: jinja.Node) -> Sequence[nodes.Stmt]:
        match node:
            case jinja.Output():
                return [self._output(part) for part in node.nodes]
            case jinja.If():
                branches = tuple((self.expr(part.test), self.body(part.body)) for part in (node, *node.elif_))
                return [nodes.If(branches, self.body(node.else_), node.lineno)]
            case jinja.For():
                return [self._loop(node)]
            case _:
                raise _refused(node)

    def _output(self, node: jinja.Expr) -> nodes.Data | nodes.Print:
        if isinstance(node, jinja.TemplateData):
            return nodes.Data(node.data, node.lineno)
        return nodes.Print(self.expr(node), node.lineno)

    def _loop(self, node: jinja.For) -> nodes.For:
        if node.recursive:
            raise FaultError(REFUSED, "recursive loops are not part of the template language", at=node.lineno)
        return nodes.For(
            targets=tuple(_targets(node.target)),
            items=self.expr(node.iter),
            test=None if node.test is None else self.expr(node.test),
            body=self.body(node.body),
            other=self.body(node.else_),
            at=node.lineno,
        )

    def expr(self, node: jinja.Node) -> nodes.Expr:
        """`node` in our tree."""
        if self.depth >= MAX_DEPTH:
            raise FaultError(COSTLY, f"an expression has at most {MAX_DEPTH} levels", at=node.lineno)
        self.depth += 1
        try:
            return self._literal(node)
        finally:
            self.depth -= 1

    def _literal(self, node: jinja.Node) -> nodes.Expr:
        match node:
            case jinja.Const():
                return _const(node.value, node.lineno)
            case jinja.List() | jinja.Tuple():
                return nodes.ListOf(self._all(node.items), node.lineno)
            case jinja.Dict():
                pairs = tuple((self.expr(pair.key), self.expr(pair.value)) for pair in node.items)
                return nodes.Record(pairs, node.lineno)
            case _:
                return self._lookup(node)

    def _lookup(self, node: jinja.Node) -> nodes.Expr:
        match node:
            case jinja.Name():
                return nodes.Name(_plain_name(node.name, node.lineno), node.lineno)
            case jinja.Getattr():
                key = nodes.Const(_plain_name(node.attr, node.lineno), node.lineno)
                return _member(self.expr(node.node), key)
            case jinja.Getitem(arg=jinja.Slice()):
                return self._cut(node, node.arg)
            case jinja.Getitem():
                return _member(self.expr(node.node), self.expr(node.arg))
            case _:
                return self._operation(node)

    def _cut(self, node: jinja.Getitem, cut: jinja.Node) -> nodes.Cut:
        assert isinstance(cut, jinja.Slice)
        if cut.step is not None:
            raise FaultError(REFUSED, "a slice has no step here", at=node.lineno)
        start = None if cut.start is None else self.expr(cut.start)
        stop = None if cut.stop is None else self.expr(cut.stop)
        return nodes.Cut(self.expr(node.node), start, stop, node.lineno)

    def _operation(self, node: jinja.Node) -> nodes.Expr:
        match node:
            case jinja.And() | jinja.Or():
                return nodes.Logic(node.operator, self.expr(node.left), self.expr(node.right), node.lineno)
            case jinja.BinExpr() if type(node) in _BINARY:
                return nodes.Binary(_BINARY[type(node)], self.expr(node.left), self.expr(node.right), node.lineno)
            case jinja.UnaryExpr() if type(node) in _UNARY:
                return nodes.Unary(_UNARY[type(node)], self.expr(node.node), node.lineno)
            case jinja.Compare():
                rest = tuple((_COMPARE[part.op], self.expr(part.expr)) for part in node.ops)
                first = self.expr(node.expr)
                return nodes.Compare(first, rest, first.at)
            case jinja.Concat():
                return nodes.Concat(self._all(node.nodes), node.lineno)
            case _:
                return self._application(node)

    def _application(self, node: jinja.Node) -> nodes.Expr:
        match node:
            case jinja.CondExpr():
                other = nodes.Const(None, node.lineno) if node.expr2 is None else self.expr(node.expr2)
                return nodes.Cond(self.expr(node.test), self.expr(node.expr1), other, node.lineno)
            case jinja.Filter() if node.node is not None:
                return apply.filtered(node.name, self.expr(node.node), self._call(node))
            case jinja.Test():
                return apply.tested(node.name, self.expr(node.node), self._call(node))
            case _:
                raise _refused(node)

    def _call(self, node: jinja.Filter | jinja.Test) -> apply.Call:
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            raise FaultError(
                REFUSED, "'*' and '**' before arguments are not part of the template language", at=node.lineno
            )
        # Jinja's annotation of kwargs says Pair; its parser makes Keyword nodes.
        keywords = [(part.key, self.expr(part.value)) for part in node.kwargs]
        return apply.Call(self._all(node.args), tuple((str(name), value) for name, value in keywords), node.lineno)

    def _all(self, items: Sequence[jinja.Node]) -> tuple[nodes.Expr, ...]:
        return tuple(self.expr(item) for item in items)


def _member(of: nodes.Expr, key: nodes.Expr) -> nodes.Member:
    if isinstance(key, nodes.Const) and isinstance(key.value, str):
        _plain_name(key.value, key.at)
    return nodes.Member(of, key, of.at)


def _plain_name(name: str, at: int) -> str:
    """Nothing of ours begins with two underscores; whoever writes it is after Python's own attributes."""
    if name.startswith("__"):
        raise FaultError(REFUSED, f"names such as '{shorten(name)}' are not part of the template language", at=at)
    return name


def _const(value: object, at: int) -> nodes.Const:
    match value:
        case None | bool() | str():
            return nodes.Const(value, at)
        case int() if value.bit_length() <= MAX_BITS:
            return nodes.Const(value, at)
        case float() if math.isfinite(value):
            return nodes.Const(value, at)
        case _:
            raise FaultError(COSTLY, "the number is too large", at=at)


def _targets(target: jinja.Node) -> list[str]:
    parts = target.items if isinstance(target, jinja.Tuple) else [target]
    names = [_plain_name(part.name, part.lineno) for part in parts if isinstance(part, jinja.Name)]
    if len(names) != len(parts) or not names:
        raise FaultError(
            REFUSED, "a loop sets plain names", hint="write 'for x in …' or 'for a, b in …'", at=target.lineno
        )
    if len(names) > _TARGETS:
        raise FaultError(COSTLY, f"a loop sets at most {_TARGETS} names", at=target.lineno)
    if "loop" in names or len(set(names)) != len(names):
        raise FaultError(SYNTAX, "the names of a loop are different ones, and not 'loop'", at=target.lineno)
    return names


def _refused(node: jinja.Node) -> FaultError:
    match node:
        case jinja.Call(node=jinja.Getattr(attr=str() as method)):
            hint = f"write '{_METHODS[method]}'" if method in _METHODS else "use a filter"
            return FaultError(REFUSED, f"calls such as '.{shorten(method)}()' are refused", hint=hint, at=node.lineno)
        case jinja.Call(node=jinja.Name(name=str() as function)):
            return FaultError(
                REFUSED, f"the call of '{shorten(function)}' is refused", hint="use a filter", at=node.lineno
            )
        case jinja.Call():
            return FaultError(REFUSED, "calls are refused", hint="use a filter", at=node.lineno)
        case jinja.Pow():
            return FaultError(REFUSED, "the operator '**' is refused", hint="write the product", at=node.lineno)
        case _:
            what = type(node).__name__.lower()
            return FaultError(REFUSED, f"'{what}' is not part of the template language", at=node.lineno)
