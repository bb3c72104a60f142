"""The tree of a template: everything that the language can say.

A closed union of frozen nodes. `at` is the offset in the text that an error of the node points to. There is no node
for a call, an attribute of an object, an assignment or an import, so no evaluator can be led to one.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "ELEMENT",
    "Arguments",
    "Binary",
    "Compare",
    "Concat",
    "Cond",
    "Const",
    "Cut",
    "Data",
    "Default",
    "Defined",
    "Each",
    "Expr",
    "Filter",
    "For",
    "If",
    "ListOf",
    "Logic",
    "Member",
    "Name",
    "Print",
    "Record",
    "Stmt",
    "Test",
    "Unary",
]

ELEMENT = ""
"""Name of the element in the body of `Each`; no template can write it."""


@dataclass(frozen=True, slots=True)
class Const:
    """A literal scalar."""

    value: bool | int | float | str | None
    at: int


@dataclass(frozen=True, slots=True)
class ListOf:
    """A literal list or tuple."""

    items: tuple[Expr, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Record:
    """A literal mapping."""

    pairs: tuple[tuple[Expr, Expr], ...]
    at: int


@dataclass(frozen=True, slots=True)
class Name:
    """A variable."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Member:
    """`of.key` or `of[key]`: an entry of a mapping, list or text."""

    of: Expr
    key: Expr
    at: int


@dataclass(frozen=True, slots=True)
class Cut:
    """`of[start:stop]` of a list or text."""

    of: Expr
    start: Expr | None
    stop: Expr | None
    at: int


@dataclass(frozen=True, slots=True)
class Unary:
    """`not`, `-` or `+` before an expression."""

    op: str
    of: Expr
    at: int


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic: one of `+ - * / // %`."""

    op: str
    left: Expr
    right: Expr
    at: int


@dataclass(frozen=True, slots=True)
class Logic:
    """`and` or `or`: gives the operand that decided."""

    op: str
    left: Expr
    right: Expr
    at: int


@dataclass(frozen=True, slots=True)
class Compare:
    """A chain of comparisons; each operator is one of `== != < <= > >= in`, or `not in`."""

    first: Expr
    rest: tuple[tuple[str, Expr], ...]
    at: int


@dataclass(frozen=True, slots=True)
class Concat:
    """`~`: the texts of its parts in a row."""

    parts: tuple[Expr, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Cond:
    """`then if test else other`."""

    test: Expr
    then: Expr
    other: Expr
    at: int


Arguments = tuple[tuple[str, "Expr"], ...]
"""Arguments by the name of their parameter."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter of the table in `filters`."""

    of: Expr
    name: str
    args: Arguments
    at: int


@dataclass(frozen=True, slots=True)
class Test:
    """A test of the table in `predicates`."""

    of: Expr
    name: str
    args: Arguments
    at: int


@dataclass(frozen=True, slots=True)
class Each:
    """`body` for every item, which it sees as `ELEMENT`.

    Attributes:
        keep: None gives the bodies (`map`); True and False keep the items whose body is true or false.
    """

    items: Expr
    body: Expr
    keep: bool | None
    at: int


@dataclass(frozen=True, slots=True)
class Default:
    """`of`, or `value` where `of` is undefined (or false, if `falsy` is true)."""

    of: Expr
    value: Expr
    falsy: Expr
    at: int


@dataclass(frozen=True, slots=True)
class Defined:
    """Whether `of` is defined."""

    of: Expr
    at: int


Expr = (
    Const
    | ListOf
    | Record
    | Name
    | Member
    | Cut
    | Unary
    | Binary
    | Logic
    | Compare
    | Concat
    | Cond
    | Filter
    | Test
    | Each
    | Default
    | Defined
)


@dataclass(frozen=True, slots=True)
class Data:
    """Text outside of tags."""

    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Print:
    """`{{ of }}`."""

    of: Expr
    at: int


@dataclass(frozen=True, slots=True)
class If:
    """The body of the first branch whose test is true, else `other`."""

    branches: tuple[tuple[Expr, tuple[Stmt, ...]], ...]
    other: tuple[Stmt, ...]
    at: int


@dataclass(frozen=True, slots=True)
class For:
    """`body` for every item that passes `test`; `other` where there was none."""

    targets: tuple[str, ...]
    items: Expr
    test: Expr | None
    body: tuple[Stmt, ...]
    other: tuple[Stmt, ...]
    at: int


Stmt = Data | Print | If | For
