"""Where things are written, and the problems found with them.

An `Origin` is a value of a document: it knows its place in the file and its JSON pointer. A `Report` collects
problems while one file is compiled; nothing in compile raises for bad input.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from planner.errors import Place, Problem, Severity
from planner.spec.places import Places, pointer

__all__ = ["Origin", "Report", "info", "warning"]


@dataclass(frozen=True, slots=True)
class Origin:
    """A value of a document, there or not.

    Attributes:
        places: where the document's values stand.
        pointer: JSON pointer of the value.
    """

    places: Places
    pointer: str = ""

    @property
    def path(self) -> str:
        """The file that the value is written in: for a merged one, that of its own part."""
        return self.places.part(self.pointer).path

    @property
    def folder(self) -> str:
        """The folder of the file; "" for the root."""
        return self.path.rpartition("/")[0]

    @property
    def place(self) -> Place:
        """Where the value is, or the nearest one around it that is written."""
        return self.places.value(self.pointer)

    def at(self, *parts: str | int) -> Origin:
        """A value below this one."""
        return Origin(self.places, self.pointer + pointer(*parts))

    def has(self, *parts: str | int) -> bool:
        """Whether the document has a value there."""
        return self.places.has(self.pointer + pointer(*parts))

    def first(self, *options: tuple[str | int, ...]) -> Origin:
        """The first of several values below this one that is written; this one where none is."""
        return next((self.at(*parts) for parts in options if self.has(*parts)), self)

    def problem(self, code: str, message: str, hint: str = "") -> Problem:
        """A problem with this value."""
        return Problem(code, message, self.place, self.places.pointer(self.pointer), hint)

    def key_problem(self, code: str, message: str, hint: str = "") -> Problem:
        """A problem with this value's key."""
        return Problem(code, message, self.places.key(self.pointer), self.places.pointer(self.pointer), hint)


def warning(problem: Problem) -> Problem:
    """The same as a warning: it holds nothing back."""
    return replace(problem, severity=Severity.WARNING)


def info(problem: Problem) -> Problem:
    """The same as an info: nobody has to act."""
    return replace(problem, severity=Severity.INFO)


@dataclass(slots=True)
class Report:
    """Problems in the order in which they were found.

    Attributes:
        address: the operation that is looked at.
        problems: all of them.
        errors: how many of them are errors.
        operations: how many operations were compiled.
    """

    address: str = ""
    problems: list[Problem] = field(default_factory=list)
    errors: int = 0
    operations: int = 0

    def add(self, problem: Problem) -> None:
        """Take a problem."""
        self.problems.append(replace(problem, address=problem.address or self.address))
        self.errors += problem.severity is Severity.ERROR
