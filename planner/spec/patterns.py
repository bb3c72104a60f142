r"""Patterns that users write, matched in time that is linear in the text (reference, section 6.1: `regex`).

The engine is that of pydantic, Rust's `regex`: it knows no look-around and no backreference, and so never backtracks.
Python's `re` would: a pattern of ten characters keeps it busy for ever, and no other thread runs meanwhile. A match
still costs the length of the text times the size of the pattern, so both are bounded here.

What is different from Python's syntax beside that: `$` without flags is the end of the text only, `\z` is written for
`\Z`, and a brace that starts no count is escaped. This module must never hand a user's pattern to `re`.
"""

from __future__ import annotations

import functools
import re

from pydantic_core import SchemaError, SchemaValidator, core_schema

from planner.spec.words import short

__all__ = ["MAX_COST", "MAX_WEIGHT", "cost", "fault_of", "matches", "weight"]

MAX_COST = 2_000_000
"""Bound of `cost(pattern)` times the characters that it is matched against: a fifth of a second at worst."""

MAX_WEIGHT = 200_000
"""Bound of `weight` over the patterns of a file: half a second at worst."""

_LONGEST = 500
_WIDE = re.compile(r"\\[wWdDsSpP]|(?<!\\)\.|\(\?[a-zA-Z]*i")
_WIDTH = 20
"""How much more it costs to read a part that knows all scripts."""
_LARGEST = 10_000
_KEPT = 32
"""Patterns that stay compiled; one takes some megabytes at worst."""

_COUNT = re.compile(r"\{\s*([0-9]+)\s*(?:,\s*([0-9]*)\s*)?\}")
_LONG_WORDS = ", including look-ahead and look-behind,"
_CLASSES = r"`\w`, `\d` and `\s` know all scripts: write `[a-z0-9_]`, or smaller counts"


def fault_of(pattern: str) -> tuple[str, str] | None:
    """What is wrong with a pattern and what to do; None for one that can be matched."""
    if len(pattern) > _LONGEST:
        return f"a pattern of {len(pattern)} characters", f"use {_LONGEST} at most"
    if (size := cost(pattern)) > _LARGEST:
        return f"a pattern of {size:,} parts, with its counts written out", f"use {_LARGEST:,} at most"
    if weight(pattern) > _WIDTH * _LARGEST // 10:
        return "a pattern that is too large to be matched", _CLASSES
    try:
        _compiled(pattern)  # by itself first: "a)|(b" is only made whole by what is put around it
        _anchored(pattern)
    except SchemaError as error:
        said = str(error).splitlines()[-1].removeprefix("error: ")
        if "size limit" in said:
            return "a pattern that is too large to be matched", _CLASSES
        hint = "write it in the syntax of Rust's regex: it has no look-around and no backreferences"
        return f"not a regular expression: {short(said.replace(_LONG_WORDS, ''))}", hint
    return None


def cost(pattern: str) -> int:
    """How much one character costs at most: the parts of a pattern with its counts written out.

    An upper bound that needs no parser: only a count behind a group or behind another count can multiply counts.
    """
    parts, factor = len(pattern), 1
    for found in _COUNT.finditer(pattern):
        most = max(int(found[1]) + 1, int(found[2] or 0))
        before = pattern[: found.start()][-1:]
        if before in set(")}*+?") or before.isspace():
            factor *= most
        else:
            parts += most
    return parts * factor


def weight(pattern: str) -> int:
    """How much it costs at most to read a pattern, before it is matched against anything."""
    return cost(pattern) * (_WIDTH if _WIDE.search(pattern) else 1)


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern matches at the start of a text; a pattern with a fault matches nothing."""
    try:
        return _anchored(pattern).isinstance_python(text)
    except SchemaError:
        return False


@functools.lru_cache(maxsize=_KEPT)
def _anchored(pattern: str) -> SchemaValidator:
    return _compiled(rf"\A(?:{pattern})")


def _compiled(pattern: str) -> SchemaValidator:
    return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex", strict=True))
