"""What a template asks for and the data does not have, and the sentence that says so.

A missing value is passed on until something needs it, so that `default` and `is defined` can look at it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from planner.compile.template import nodes
from planner.compile.template.errors import UNDEFINED, FaultError, shorten
from planner.compile.template.suggest import meant
from planner.compile.template.values import kind

__all__ = ["Missing", "written"]


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that is not there.

    Attributes:
        of: what was asked, as it is written, or "" for the scope itself.
        key: what it was asked for.
        owner: the value that was asked.
        at: offset in the template's text.
        beside: other names that could have been meant.
        empty: whether the owner has nothing at all, so that the key is no name.
    """

    of: str
    key: str
    owner: object
    at: int
    beside: Iterable[str] = ()
    empty: bool = False

    def fault(self) -> FaultError:
        """The error, with what may have been meant."""
        if self.empty:
            return FaultError(UNDEFINED, f"there is no {self.key} item: it is empty", at=self.at)
        dotted = f"{self.of}{'' if self.key.startswith('[') else '.'}{self.key}" if self.of else self.key
        message = f"'{shorten(dotted)}' is undefined"
        prefix = f"{shorten(self.of)}." if self.of else ""
        if not isinstance(self.owner, Mapping):
            return FaultError(UNDEFINED, f"{message}: '{shorten(self.of)}' is a {kind(self.owner)}", at=self.at)
        return FaultError(UNDEFINED, message, hint=meant(self.key, (*self.beside, *self.owner), prefix), at=self.at)


def written(expr: nodes.Expr) -> str:
    """A lookup as people write it, for messages; what is no lookup is `…`."""
    match expr:
        case nodes.Name():
            return expr.name or "item"
        case nodes.Member(key=nodes.Const(value=str() as key)):
            return f"{written(expr.of)}.{key}"
        case nodes.Member(key=nodes.Const(value=int() as place)):
            return f"{written(expr.of)}[{place}]"
        case nodes.Member() | nodes.Cut():
            return f"{written(expr.of)}[…]"
        case _:
            return "…"
