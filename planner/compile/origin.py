"""Where things are written, and the problems found with them.

An `Origin` is a value of a document: it knows its place in the file and its JSON pointer. A `Report` collects
problems while one file is compiled; nothing in compile raises for bad input.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from planner.compile.template.budget import Budget
from planner.errors import Place, Problem, Severity
from planner.spec.limits import MAX_PROBLEMS
from planner.spec.places import Places, pointer

__all__ = ["MAX_VALUES", "Origin", "Report", "info", "warning"]

MORE = "PL-212"
"""The code of what says that there are more problems."""


class Origin(NamedTuple):
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
        at = self.pointer
        for part in parts:  # nearly all are names of fields, and there are many of them
            at += f"/{part}" if type(part) is not str or part.isalnum() else pointer(part)
        return Origin(self.places, at)

    def below(self, at: str) -> Origin:
        """The value at a JSON pointer below this one."""
        return Origin(self.places, self.pointer + at)

    def has(self, *parts: str | int) -> bool:
        """Whether the document has a value there."""
        return self.places.has(self.pointer + pointer(*parts))

    def first(self, *options: tuple[str | int, ...]) -> Origin:
        """The first of several values below this one that is written; this one where none is."""
        for parts in options:
            at = self.pointer + pointer(*parts)
            if self.places.has(at):
                return Origin(self.places, at)
        return self

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


MAX_STEPS, MAX_SIZE = 1_000_000, 8_000_000
"""What the templates of one file may cost together."""
MAX_VALUES = 100_000
"""Values that the components of one file may come to, each as often as it is used."""


@dataclass(slots=True)
class Report:
    """Problems in the order in which they were found, and what one file has cost so far.

    Attributes:
        address: the operation that is looked at.
        problems: those that are shown: `MAX_PROBLEMS`, then one that says that there are more.
        errors: how many errors there are, those too that are not shown.
        operations: how many operations were compiled.
        values: how many values their components have in all.
        budget: what is left for templates.
    """

    address: str = ""
    problems: list[Problem] = field(default_factory=list)
    errors: int = 0
    operations: int = 0
    values: int = 0
    budget: Budget = field(default_factory=lambda: Budget(MAX_STEPS, MAX_SIZE))
    _sizes: dict[tuple[str, str], int] = field(default_factory=dict)
    _seen: set[tuple[str, Place, str, str]] = field(default_factory=set)

    @property
    def full(self) -> bool:
        """Whether no further problem is shown: then hints need not be looked for."""
        return len(self._seen) >= MAX_PROBLEMS

    def size_of(self, origin: Origin) -> int:
        """How many values there are in one, counted once."""
        part = origin.places.part(origin.pointer)
        if (part.path, part.at) not in self._sizes:
            self._sizes[part.path, part.at] = origin.places.size(origin.pointer)
        return self._sizes[part.path, part.at]

    def afford(self, used: Iterable[Origin], origin: Origin) -> bool:
        """Counts the values of what is used once more; False, and PL-105 the first time, where they are too many."""
        before = self.values
        self.values += sum(map(self.size_of, used))
        if before <= MAX_VALUES < self.values:
            message = f"what this file uses comes to more than {MAX_VALUES:,} values, each as often as it is used"
            self.add(origin.problem("PL-105", message, "split the file, or use less of the component or preset"))
        return self.values <= MAX_VALUES

    def templates(self) -> Budget:
        """What one evaluation may cost."""
        return Budget(outer=self.budget)

    def add(self, problem: Problem) -> None:
        """Take a problem; the same one again, as of a component that is used twice, is shown once."""
        self.errors += problem.severity is Severity.ERROR
        told = (problem.code, problem.place, problem.pointer, problem.message)
        if told in self._seen:
            return
        if self.full:
            self._say_more(problem)
            return
        self._seen.add(told)
        self.problems.append(replace(problem, address=problem.address or self.address))

    def _say_more(self, problem: Problem) -> None:
        if self.problems[-1].code != MORE:
            self.problems.append(
                Problem(MORE, "more problems than are shown", problem.place, hint="repair these first")
            )
