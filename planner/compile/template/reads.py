"""Which variables a template reads: found from its tree, without evaluating it.

A variable is the longest path of constant names: `params[x].value` reads all of `params`. Names that a loop sets are
no variables. A read is guarded if the template can do without it: it stands under `default`, or the template asks
somewhere whether it, or something that it is a part of, is defined.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from planner.compile.template import nodes

__all__ = ["Read", "of_expression", "of_statements"]

_Locals = frozenset[str]

_LOOP = frozenset({"loop"})
_BODY = frozenset({nodes.ELEMENT})


@dataclass(frozen=True, slots=True)
class Read:
    """One use of a variable.

    Attributes:
        path: its constant names, outermost first.
        at: offset in the template's text.
        guarded: whether the template has an answer for its absence.
        asked: whether the template only asks if it is defined.
    """

    path: tuple[str, ...]
    at: int
    guarded: bool = False
    asked: bool = False


def of_statements(body: Sequence[nodes.Stmt]) -> tuple[Read, ...]:
    """Every use of a variable in `body`, in the order of the text."""
    return _settled(_body(body, frozenset()))


def of_expression(expr: nodes.Expr) -> tuple[Read, ...]:
    """Every use of a variable in `expr`, in the order of the text."""
    return _settled(_expr(expr, frozenset()))


def _settled(found: Iterator[Read]) -> tuple[Read, ...]:
    reads = sorted(found, key=lambda read: (read.at, read.path))
    asked = {read.path for read in reads if read.asked}
    return tuple(replace(read, guarded=read.guarded or _covered(read.path, asked)) for read in reads)


def _covered(path: tuple[str, ...], asked: set[tuple[str, ...]]) -> bool:
    return any(path[:length] in asked for length in range(1, len(path) + 1))


def _body(body: Sequence[nodes.Stmt], known: _Locals) -> Iterator[Read]:
    for statement in body:
        yield from _statement(statement, known)


def _statement(node: nodes.Stmt, known: _Locals) -> Iterator[Read]:
    match node:
        case nodes.Data():
            return
        case nodes.Print():
            yield from _expr(node.of, known)
        case nodes.If():
            for test, body in node.branches:
                yield from _expr(test, known)
                yield from _body(body, known)
            yield from _body(node.other, known)
        case nodes.For():
            yield from _loop(node, known)
        case _:
            assert_never(node)


def _loop(node: nodes.For, known: _Locals) -> Iterator[Read]:
    inner = known | frozenset(node.targets)
    yield from _expr(node.items, known)
    if node.test is not None:
        yield from _expr(node.test, inner)
    yield from _body(node.body, inner | _LOOP)
    yield from _body(node.other, known)


def _expr(node: nodes.Expr, known: _Locals) -> Iterator[Read]:
    match node:
        case nodes.Name() | nodes.Member():
            yield from _path(node, known)
        case nodes.Default():
            yield from (replace(read, guarded=True) for read in _path(node.of, known))
            yield from _expr(node.value, known)
            yield from _expr(node.falsy, known)
        case nodes.Defined():
            yield from (replace(read, guarded=True, asked=True) for read in _path(node.of, known))
        case nodes.Each():
            yield from _expr(node.items, known)
            yield from _expr(node.body, known | _BODY)
        case _:
            for part in _parts(node):
                yield from _expr(part, known)


def _path(node: nodes.Expr, known: _Locals) -> Iterator[Read]:
    """The variable that a chain of lookups begins with, and what its computed keys read."""
    names: list[str] = []
    while isinstance(node, nodes.Member):
        if isinstance(node.key, nodes.Const) and isinstance(node.key.value, str):
            names.append(node.key.value)
        else:
            names.clear()
            yield from _expr(node.key, known)
        node = node.of
    if not isinstance(node, nodes.Name):
        yield from _expr(node, known)
    elif node.name not in known:
        yield Read((node.name, *reversed(names)), node.at)


def _parts(node: _Plain) -> Iterator[nodes.Expr]:
    """The expressions that a node is made of, where all are read alike."""
    match node:
        case nodes.Const():
            return
        case nodes.ListOf():
            yield from node.items
        case nodes.Record():
            yield from (part for pair in node.pairs for part in pair)
        case nodes.Unary():
            yield node.of
        case nodes.Cut():
            yield from (part for part in (node.of, node.start, node.stop) if part is not None)
        case nodes.Concat():
            yield from node.parts
        case _:
            yield from _operands(node)


def _operands(node: _Operation) -> Iterator[nodes.Expr]:
    match node:
        case nodes.Binary() | nodes.Logic():
            yield from (node.left, node.right)
        case nodes.Compare():
            yield from (node.first, *(part for _, part in node.rest))
        case nodes.Cond():
            yield from (node.test, node.then, node.other)
        case nodes.Filter() | nodes.Test():
            yield from (node.of, *(value for _, value in node.args))
        case _:
            assert_never(node)


_Operation = nodes.Binary | nodes.Logic | nodes.Compare | nodes.Cond | nodes.Filter | nodes.Test
_Plain = nodes.Const | nodes.ListOf | nodes.Record | nodes.Unary | nodes.Cut | nodes.Concat | _Operation
