"""Filters on strings. A number or boolean is taken as its text; a list or mapping is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping

from planner.canon import Json
from planner.compile.template.budget import Budget
from planner.compile.template.errors import REFUSED, FaultError, shorten
from planner.compile.template.given import Given
from planner.compile.template.values import integer, is_number, kind, text

__all__ = ["capitalize", "lower", "map_format", "replace", "split", "title", "trim", "upper"]

_WORD = re.compile(r"[^-\s({\[<]+")
_HOLE = re.compile(r"%(?:\((?P<name>\w+)\))?(?P<form>[-0+]?[0-9]{0,2}(?:\.[0-9]{1,2})?)(?P<type>[sdifeg%])|%")


def upper(value: Json, given: Given) -> str:
    """In upper case."""
    return _subject(value, given.budget).upper()


def lower(value: Json, given: Given) -> str:
    """In lower case."""
    return _subject(value, given.budget).lower()


def capitalize(value: Json, given: Given) -> str:
    """First letter in upper case, the rest in lower case."""
    return _subject(value, given.budget).capitalize()


def title(value: Json, given: Given) -> str:
    """Every word capitalized."""
    return _WORD.sub(lambda word: word[0].capitalize(), _subject(value, given.budget))


def trim(value: Json, given: Given) -> str:
    """Without white space, or the characters given, at both ends."""
    subject = _subject(value, given.budget)
    if "chars" not in given.args:
        return subject.strip()
    chars = _word(given.args["chars"], "'chars'")
    given.budget.scan(len(subject) * len(chars))
    return subject.strip(chars)


def replace(value: Json, given: Given) -> str:
    """With `new` for every `old`, or for the first `count` of them."""
    subject = _subject(value, given.budget)
    old, new = _word(given.args["old"], "'old'"), text(given.args["new"], given.budget)
    if not old:
        raise FaultError(REFUSED, "'replace' needs a text to look for")
    limit = given.args.get("count")
    most = -1 if limit is None else integer(limit, "'count'")
    times = subject.count(old) if most < 0 else min(subject.count(old), most)
    given.budget.grow(times * len(new))
    return subject.replace(old, new, times)


def split(value: Json, given: Given) -> list[Json]:
    """The parts between separators; without one the words between white space."""
    subject = _subject(value, given.budget)
    sep, most = given.args.get("sep"), given.args.get("maxsplit")
    if sep == "":
        raise FaultError(REFUSED, "'split' needs a separator")
    limit = -1 if most is None else integer(most, "'maxsplit'")
    parts = subject.split(None if sep is None else _word(sep, "'sep'"), max(-1, min(limit, len(subject))))
    given.budget.step(len(parts))
    return list(parts)


def map_format(value: Json, given: Given) -> str:
    """The pattern with the value in the place of its `%s` (or `%(variable_name)s`); reference, section 9.1."""
    pattern = _word(given.args["pattern"], "'pattern'")
    name = given.args.get("variable_name")
    given.budget.grow(len(pattern))

    def fill(hole: re.Match[str]) -> str:
        if hole["type"] is None or hole["name"] != (None if hole["type"] == "%" else name):
            hint = "holes are %s %d %i %f %e %g, with a width of two digits at most; write %% for a percent sign"
            raise FaultError(REFUSED, f"'{shorten(pattern)}' is no pattern for this value", hint=hint)
        if hole["type"] == "%":
            return "%"
        filled = _filled(value, hole["form"], hole["type"], given.budget)
        given.budget.grow(len(filled))
        return filled

    return _HOLE.sub(fill, pattern)


def _filled(value: Json, form: str, how: str, budget: Budget) -> str:
    if how == "s":
        return f"%{form}s" % text(value, budget)
    if not is_number(value):
        raise FaultError(REFUSED, f"'%{how}' needs a number, not a {kind(value)}")
    try:
        return f"%{form}{how}" % value
    except (OverflowError, ValueError):
        raise FaultError(REFUSED, "the number is too large for its pattern") from None


def _subject(value: Json, budget: Budget) -> str:
    """The text of a scalar, paid for as the result of about its length."""
    if isinstance(value, list | tuple | Mapping):
        raise FaultError(REFUSED, f"needs a string, not a {kind(value)}", hint="use 'join', 'tojson' or 'map' first")
    subject = text(value, budget)
    budget.grow(len(subject))
    return subject


def _word(value: Json, what: str) -> str:
    if isinstance(value, str):
        return value
    raise FaultError(REFUSED, f"{what} must be a string, not a {kind(value)}")
