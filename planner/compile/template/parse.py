"""Text to a template that can be evaluated: parse, translate, find what it reads.

Short texts are kept, since a specification repeats them; the cache is bounded in number and in length of text.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from planner.compile.template import lower, nodes, reads, tokens
from planner.compile.template.errors import COSTLY, FaultError, TemplateError
from planner.compile.template.reads import Read

__all__ = ["Template", "compile_expression", "compile_template", "is_template", "names"]

_CACHED = 512
_CACHED_TEXT = 1_000


@dataclass(frozen=True, slots=True)
class Template:
    """A template that compiled.

    Attributes:
        text: what was written, with every line end as a single line feed.
        body: its statements.
        reads: every use of a variable, in the order of the text.
    """

    text: str
    body: tuple[nodes.Stmt, ...]
    reads: tuple[Read, ...]

    @property
    def whole(self) -> nodes.Expr | None:
        """The expression that is all of it: such a template gives a typed value, any other gives text."""
        match self.body:
            case (nodes.Print(of=expr),):
                return expr
            case _:
                return None


def is_template(text: str) -> bool:
    """Whether `text` has something to evaluate; any other text is a literal and is left alone."""
    return "{{" in text or "{%" in text or "{#" in text


def names(template: Template) -> frozenset[tuple[str, ...]]:
    """The variables that a template reads, such as ("params", "lr", "value")."""
    return frozenset(read.path for read in template.reads)


def compile_template(text: str) -> Template:
    """The template that `text` is.

    Raises:
        TemplateError: PL-404 for bad syntax, PL-406 for what the language does not have, PL-407 for what is too large
            or nested too deeply; the place is relative to `text`.
    """
    return _cached(text, bare=False)


def compile_expression(text: str) -> Template:
    """The bare expression that `text` is, as `conditions` takes it: the inside of `{{ }}`.

    Raises:
        TemplateError: as `compile_template`.
    """
    return _cached(text, bare=True)


def _cached(text: str, *, bare: bool) -> Template:
    return _short(text, bare=bare) if len(text) <= _CACHED_TEXT else _compiled(text, bare=bare)


@functools.lru_cache(maxsize=_CACHED)
def _short(text: str, *, bare: bool) -> Template:
    return _compiled(text, bare=bare)


def _compiled(text: str, *, bare: bool) -> Template:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        body = _expression(text) if bare else lower.template(tokens.parse_template(text))
    except FaultError as fault:
        raise TemplateError(fault, text) from None
    except RecursionError:
        raise TemplateError(FaultError(COSTLY, "the template is nested too deeply"), text) from None
    return Template(text, body, reads.of_statements(body))


def _expression(text: str) -> tuple[nodes.Stmt, ...]:
    expr = lower.expression(tokens.parse_expression(text))
    return (nodes.Print(expr, expr.at),)
