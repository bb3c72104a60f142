"""Template text to Jinja's parse tree, by Jinja's own lexer and parser.

Two things are added on the way. Tokens carry their offset where Jinja keeps the line, so that every node of the tree
knows its column. And what would make the parser recurse or compute without bound is refused before it sees it.
Nothing here evaluates, and only `lower` may look at the tree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import TokenStream
from jinja2.parser import Parser

from planner.compile.template.budget import MAX_TEXT, MAX_TOKENS
from planner.compile.template.errors import COSTLY, REFUSED, SYNTAX, FaultError, shorten

__all__ = ["TAGS", "parse_expression", "parse_template"]

TAGS = ("if", "elif", "else", "endif", "for", "endfor")
"""Statements of the language; `raw` beside them is the lexer's."""

_ENVIRONMENT = Environment(keep_trailing_newline=True, autoescape=True)  # holds the lexer; nothing is ever rendered
_BRACKETS = 24
_PREFIXES = 48
_BLOCKS = 12
_DIGITS = 200
_ESCAPE = re.compile(r"\\(?:[\\'\"nrtbf]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|(?P<bad>.|$))", re.DOTALL)

_Raw = tuple[int, str, str]  # offset, kind, text
_Tree = TypeVar("_Tree")


def parse_template(text: str) -> nodes.Template:
    """Jinja's tree of `text`, in which `lineno` is an offset.

    Raises:
        FaultError: PL-404 for bad syntax, PL-406 for a tag that is not ours, PL-407 for what is too large.
    """
    return _parse(text, None, Parser.parse)


def parse_expression(text: str) -> nodes.Expr:
    """Jinja's tree of a bare expression: the inside of `{{ }}`.

    Raises:
        FaultError: as `parse_template`.
    """
    return _parse(text, "variable", _only_expression)


def _only_expression(parser: Parser) -> nodes.Expr:
    tree = parser.parse_expression()
    if not parser.stream.eos:
        parser.fail("expected the end of the expression")
    return tree


def _parse(text: str, state: str | None, read: Callable[[Parser], _Tree]) -> _Tree:
    if len(text) > MAX_TEXT:
        raise FaultError(COSTLY, f"a template has at most {MAX_TEXT} characters", at=0)
    parser = Parser(_ENVIRONMENT, "")
    try:
        raw = _Guard().watched(_positioned(text, state))
        parser.stream = TokenStream(_ENVIRONMENT.lexer.wrap(raw), None, None)
        return read(parser)
    except TemplateSyntaxError as error:
        raise FaultError(SYNTAX, _plain(error), at=error.lineno) from None
    except RecursionError:
        raise FaultError(COSTLY, "the template is nested too deeply", at=0) from None


def _positioned(text: str, state: str | None) -> Iterator[_Raw]:
    """Raw tokens with offsets; what lies between two tokens is white space that a `-` took away."""
    tokens = _ENVIRONMENT.lexer.tokeniter(text, None, state=state)
    at = 0
    while True:
        try:
            token = next(tokens, None)
        except TemplateSyntaxError as error:
            raise FaultError(SYNTAX, _plain(error), at=at) from None
        if token is None:
            return
        _, kind, value = token
        at = text.index(value, at)
        yield at, kind, value
        at += len(value)


@dataclass(slots=True)
class _Guard:
    """Refuses tokens that would cost the parser too much or that begin a tag of Jinja which is not ours."""

    count: int = 0
    brackets: int = 0
    prefixes: int = 0
    blocks: int = 0
    previous: str = ""

    def watched(self, tokens: Iterator[_Raw]) -> Iterator[_Raw]:
        """The same tokens, each checked."""
        for at, kind, value in tokens:
            self._check(at, kind, value)
            if kind not in ("whitespace", "comment"):
                self.previous = "sign" if kind == "operator" and value in "+-" else kind
            yield at, kind, value

    def _check(self, at: int, kind: str, value: str) -> None:
        self.count += kind not in ("whitespace", "comment")
        if self.count > MAX_TOKENS:
            raise FaultError(COSTLY, f"a template has at most {MAX_TOKENS} words and signs", at=at)
        match kind:
            case "variable_begin" | "block_begin":
                self.brackets = self.prefixes = 0
            case "name":
                self._name(at, value)
            case "operator":
                self._operator(at, value)
            case "string":
                _check_string(at, value)
            case "integer" | "float" if len(value) > _DIGITS:
                raise FaultError(COSTLY, f"a number has at most {_DIGITS} digits", at=at)

    def _name(self, at: int, name: str) -> None:
        if self.previous == "block_begin":
            self._tag(at, name)
        if name in ("not", "else"):
            self._prefix(at)

    def _tag(self, at: int, name: str) -> None:
        if name not in TAGS:
            raise FaultError(
                REFUSED,
                f"the tag '{shorten(name)}' is not part of the template language",
                hint="the tags are if, elif, else, for and raw",
                at=at,
            )
        self.blocks += (name in ("if", "for")) - name.startswith("end")
        if self.blocks > _BLOCKS:
            raise FaultError(COSTLY, f"at most {_BLOCKS} tags may be inside one another", at=at)

    def _operator(self, at: int, sign: str) -> None:
        if sign in "([{":
            self.brackets += 1
        elif sign in ")]}":
            self.brackets -= 1
        elif sign in "+-" and self.previous == "sign":
            self._prefix(at)
        if self.brackets > _BRACKETS:
            raise FaultError(COSTLY, f"at most {_BRACKETS} brackets may be inside one another", at=at)

    def _prefix(self, at: int) -> None:
        self.prefixes += 1
        if self.prefixes > _PREFIXES:
            raise FaultError(COSTLY, f"at most {_PREFIXES} 'not', 'else' and signs may be in one tag", at=at)


def _check_string(at: int, literal: str) -> None:
    """Refuse escapes that Python warns about or that make half a character."""
    for found in _ESCAPE.finditer(literal):
        code = found[0][2:]
        if found["bad"] is not None:
            message = f"unknown escape '{found[0]}' in a string"
        elif code and (0xD800 <= int(code, 16) <= 0xDFFF or int(code, 16) > 0x10FFFF):
            message = f"'{found[0]}' is not a character"
        else:
            continue
        raise FaultError(SYNTAX, message, hint="write '\\\\' for a backslash", at=at + found.start())


def _plain(error: TemplateSyntaxError) -> str:
    """Jinja's message in our form: lower case, one sentence, bounded."""
    text = re.sub(r"(unexpected char .*) at [0-9]+", r"\1", error.message or "bad syntax", flags=re.DOTALL)
    sentences = [part.strip().rstrip(".") for part in re.split(r"\.\s+", text)]
    message = "; ".join(part[:1].lower() + part[1:] for part in sentences if part)
    return shorten(message, 200)
