"""What can be wrong with a template.

`TemplateError` is what callers see; `FaultError` is the same before its place is known. Neither ever carries a value of
the data: messages name variables and kinds of values only.
"""

from __future__ import annotations

from typing import Literal

__all__ = ["COSTLY", "REFUSED", "SYNTAX", "UNDEFINED", "Code", "FaultError", "TemplateError", "shorten"]

Code = Literal["PL-404", "PL-405", "PL-406", "PL-407"]
SYNTAX: Code = "PL-404"
UNDEFINED: Code = "PL-405"
REFUSED: Code = "PL-406"
COSTLY: Code = "PL-407"


class TemplateError(Exception):
    """A template that cannot be read or evaluated.

    Attributes:
        code: PL-404 syntax, PL-405 undefined variable, PL-406 not allowed, PL-407 too costly.
        message: one sentence, lower case, no final period.
        line: line inside the template's text, from 1.
        column: column inside that line, from 1.
        hint: what to do, or "".
    """

    def __init__(self, fault: FaultError, text: str) -> None:
        at = min(max(fault.at, 0), len(text))
        self.code: Code = fault.code
        self.message = fault.message
        self.hint = fault.hint
        self.line = text.count("\n", 0, at) + 1
        self.column = at - text.rfind("\n", 0, at)
        super().__init__(f"{self.line}:{self.column}: {self.code}: {self.message}")


class FaultError(Exception):
    """A template error by its offset in the text; `at` is -1 until a node claims it."""

    def __init__(self, code: Code, message: str, *, hint: str = "", at: int = -1) -> None:
        self.code: Code = code
        self.message = message
        self.hint = hint
        self.at = at
        super().__init__(message)


def shorten(text: str, limit: int = 60) -> str:
    """`text` in at most `limit` characters: names in messages come from users."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
