"""Problems: what a user must act on, as values.

Every reader of user input collects problems instead of raising at the first one. A problem says what is wrong,
where, and what to do; it never carries a traceback, a host path or a secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from planner import codes

__all__ = ["Place", "Problem", "ProblemsError", "Severity"]


class Severity(StrEnum):
    """How much a problem weighs: only an error holds a file back."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a file of the repository. Lines and columns count from 1; 0 means the whole file."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.path
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that the user must act on.

    Attributes:
        code: a key of `planner.codes.CODES`.
        message: one sentence, lower case, no final period.
        place: where it is.
        pointer: JSON pointer of the field inside its document, such as `/run/container/image`.
        hint: what to do, or "" where the message says it.
        address: the operation it concerns, or "".
        severity: errors hold a file back; warnings and infos do not.
    """

    code: str
    message: str
    place: Place
    pointer: str = ""
    hint: str = ""
    address: str = ""
    severity: Severity = Severity.ERROR

    def __post_init__(self) -> None:
        if self.code not in codes.CODES:
            raise ValueError(f"{self.code} is not in planner.codes")

    def __str__(self) -> str:
        return f"{self.place}: {self.severity} {self.code}: {self.sentence}"

    @property
    def sentence(self) -> str:
        """What is wrong, and what to do."""
        return f"{self.message}; {self.hint}" if self.hint else self.message

    @property
    def sort_key(self) -> tuple[Place, str, str]:
        """Order of a report: by place, then code."""
        return (self.place, self.code, self.message)


class ProblemsError(Exception):
    """Bad input where a function has no value to return beside its problems."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
