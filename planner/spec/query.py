"""The query language: which runs are meant (reference, section 17.2).

`status: succeeded, metrics.loss: <0.3 OR (name: best%)`: conditions on fields, joined by `,` or AND, by OR, and by
parentheses; AND binds tighter. Decides the syntax and what the parts mean, in linear time; it never looks at runs.
Templates may stand anywhere: they are taken for what will be right once it is known, and checked again then.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from planner.spec.query_fields import HOLE, Condition, QueryError, condition, sort_fields
from planner.spec.words import short

__all__ = ["All", "Condition", "Either", "Query", "QueryError", "parse_query", "parse_sort"]

_LONGEST = 5_000
_MOST = 100
_DEEPEST = 20


@dataclass(frozen=True, slots=True)
class All:
    """Every part must hold."""

    parts: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One part must hold."""

    parts: tuple[Query, ...]


Query = Condition | All | Either
"""What must hold of a run."""


def parse_query(text: str) -> Query | None:
    """What a query says; None for one that depends on a template as a whole.

    Raises:
        QueryError: it cannot be read.
    """
    if len(text) > _LONGEST:
        raise QueryError(f"a query of {len(text):,} characters", f"use {_LONGEST:,} at most")
    if "{%" in text:
        return None
    plain, places = _without_templates(text)
    if not plain.strip():
        raise QueryError("the query is empty", "write conditions, such as `status: succeeded`")
    if plain.strip() == HOLE:
        return None
    reader = _Reader(plain, places)
    try:
        return _whole(reader)
    except QueryError as error:
        error.column = reader.column
        raise


def _whole(reader: _Reader) -> Query:
    found = reader.either(0)
    reader.skip()
    reader.began = reader.at
    if reader.at < len(reader.text):
        rest = short(reader.text[reader.at :])
        if rest.startswith(")"):
            raise QueryError(f"`{rest}` has no opening parenthesis", "remove the `)`")
        raise QueryError(f"`{rest}` is not joined to what is before it", "write `,` or OR between them")
    return found


def parse_sort(text: str) -> tuple[tuple[str, str, bool], ...]:
    """Fields to order by: name, rest, and whether it descends; those with templates are left out.

    Raises:
        QueryError: one of them is none.
    """
    if len(text) > _LONGEST:
        raise QueryError(f"a sort of {len(text):,} characters", f"use {_LONGEST:,} at most")
    if "{%" in text:
        return ()
    return sort_fields(_HOLES.sub(HOLE, text))


_HOLES = re.compile(r"\{\{.*?\}\}", re.DOTALL)


def _without_templates(text: str) -> tuple[str, list[int]]:
    """The text with a hole in place of each template and single spaces, and where each character of it was."""
    parts: list[str] = []
    places: list[int] = []
    at = 0
    while at < len(text):
        hole = text.startswith("{{", at) and text.find("}}", at)
        end = hole + 2 if hole and hole > 0 else at + 1
        found = HOLE if end > at + 1 else " " if text[at].isspace() else text[at]
        if found != " " or (parts and parts[-1] != " "):
            parts.append(found)
            places.append(at)
        at = end
    return "".join(parts), [*places, max(len(text) - 1, 0)]


_START = rf"(?:\(|[\w.{HOLE}-]{{1,200}}[ ]?:)"
"""How a condition or a group begins."""
_END = re.compile(rf",|[()]| (?:and|or) (?={_START})| \|[ ]?(?={_START})", re.IGNORECASE)
_FIELD = re.compile(rf"[\w.{HOLE}-]{{1,200}}")


@dataclass(slots=True)
class _Reader:
    """A query while it is read.

    Attributes:
        text: with holes in place of templates, and single spaces.
        places: where each character of it is written.
        at: what comes next.
        began: where what is read now began: a condition, or an opening parenthesis.
    """

    text: str
    places: Sequence[int]
    at: int = 0
    conditions: int = 0
    began: int = 0

    @property
    def column(self) -> int:
        """Where what is read now is written, from 1."""
        return self.places[min(self.began, len(self.places) - 1)] + 1

    def skip(self) -> None:
        while self.at < len(self.text) and self.text[self.at] == " ":
            self.at += 1

    def either(self, depth: int) -> Query:
        if depth > _DEEPEST:
            raise QueryError("too many parentheses in one another", f"use {_DEEPEST} at most")
        parts = [self.all(depth)]
        while self._joined("or", "|"):
            parts.append(self.all(depth))
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def all(self, depth: int) -> Query:
        parts = [self.one(depth)]
        while self._joined("and", ","):
            parts.append(self.one(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _joined(self, word: str, sign: str) -> bool:
        """Whether the next thing joins two parts in this way; then it is behind it."""
        self.skip()
        rest = self.text[self.at : self.at + len(word) + 1].lower()
        if rest.startswith(sign):
            self.at += len(sign)
            return True
        if rest == f"{word} ":
            self.at += len(rest)
            return True
        return False

    def one(self, depth: int) -> Query:
        self.skip()
        start = self.began = self.at
        if self.text[self.at : self.at + 1] != "(":
            return self._condition()
        self.at += 1
        found = self.either(depth + 1)
        self.skip()
        if self.text[self.at : self.at + 1] != ")":
            self.began = start
            raise QueryError("a parenthesis is never closed", "add a `)`")
        self.at += 1
        return found

    def _condition(self) -> Condition:
        self.conditions += 1
        if self.conditions > _MOST:
            raise QueryError(f"more than {_MOST} conditions")
        name = _FIELD.match(self.text, self.at)
        end = name.end() if name else self.at
        if self.text[end : end + 1] == " ":
            end += 1
        if name is None or self.text[end : end + 1] != ":":
            said = short(self.text[self.at :]) or "the end of the query"
            if name is not None and name[0] == HOLE:
                self.at = name.end()
                return Condition(HOLE, "", "template", ())
            raise QueryError(f"`{said}` is not a condition", "write `field: value`")
        self.at = end + 1
        return replace(condition(name[0], self._operation()), column=self.column)

    def _operation(self) -> str:
        """What is written up to the end of the condition; parentheses in it are text as long as they match."""
        start, open_ = self.at, 0
        while found := _END.search(self.text, self.at):
            if found[0] == "(":
                open_ += 1
            elif found[0] != ")" or not open_:
                self.at = found.start()
                return self.text[start : self.at]
            else:
                open_ -= 1
            self.at = found.end()
        self.at = len(self.text)
        return self.text[start:]
