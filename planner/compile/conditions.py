"""Conditions: what must be true before an operation or a hook starts (reference, section 16.3; design: section 4, 4).

A bare expression is taken as a template of that expression, which Polyaxon's documentation promises and its code does
not do. This module decides the syntax and what counts as true; when conditions are asked is decided elsewhere.
"""

from __future__ import annotations

from planner.canon import Json
from planner.compile.origin import Origin, Report
from planner.compile.template import TemplateError, compile_expression, compile_template, is_template
from planner.compile.types import convert

__all__ = ["check_condition", "condition_text", "is_true"]


def condition_text(written: str) -> str:
    """The template text of a condition: an expression in braces; a template, or a word for a truth value, as it is.

    Raises:
        TemplateError: it is neither an expression nor a template; its place is relative to what was written.
    """
    if _is_word(written):
        return written.strip()
    text = written
    if not is_template(written):
        text = "{{ " + compile_expression(written).text.strip() + " }}"
    compile_template(text)
    return text


def check_condition(written: str | None, origin: Origin, report: Report) -> str:
    """The template text of a condition; "" for none, and with a problem for one that cannot be read.

    Args:
        written: as in the spec.
        origin: where.
        report: takes PL-404, PL-406 or PL-407.
    """
    if written is None:
        return ""
    if not written.strip():
        report.add(origin.problem("PL-404", "the condition is empty", "write an expression, or leave it out"))
        return ""
    try:
        return condition_text(written)
    except TemplateError as error:
        report.add(origin.problem(error.code, error.message, error.hint or "write an expression such as `loss < 0.5`"))
        return ""


def is_true(value: Json) -> bool:
    """Whether a rendered condition holds.

    Raises:
        ValueError: it is no truth value, in words for the user.
    """
    return bool(convert(value, "bool"))


def _is_word(text: str) -> bool:
    try:
        convert(text, "bool")
    except ValueError:
        return False
    return True
