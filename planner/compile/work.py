"""Values of one operation's inputs: literals as their types take them, and templates evaluated as far as can be.

What is known while the inputs of an operation are bound is a `Work`. This module must never look at how a value was
given.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from planner.canon import Json
from planner.compile.bindings import Around, Source
from planner.compile.checks import Checker, checks_of
from planner.compile.origin import Origin, Report
from planner.compile.provided import Provided
from planner.compile.resolve import Found
from planner.compile.scope import UNKNOWN, Growing, has_template, later, settle
from planner.compile.template import Flaw
from planner.compile.template.errors import FaultError
from planner.compile.template.symbols import Partial
from planner.compile.types import convert
from planner.errors import Problem
from planner.model.desired import Input, Reference
from planner.spec.io import IO
from planner.spec.operation import Operation
from planner.spec.run import Dag
from planner.spec.words import some

__all__ = ["Asked", "Work", "checked", "flaw_problem", "report_flaws"]


_COST_OF_STEP = 10
"""Of a pattern's cost, what a step of a template takes at most."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation whose inputs are to be bound.

    Attributes:
        operation: it; None for a component that is looked at by itself.
        origin: where it is written.
        found: its component.
        around: the DAG around it.
        known: what `globals` holds when it is compiled.
        given: names that its runs are given values of, and by what: a hook knows the run that it follows.
    """

    operation: Operation | None
    origin: Origin
    found: Found
    around: Around | None
    known: Mapping[str, Partial]
    given: Mapping[str, Source] = field(default_factory=dict)


@dataclass(slots=True)
class Work:
    """What is known so far.

    Attributes:
        asked: the operation.
        report: takes problems.
        inputs: declarations by name, in order.
        declared: where each of them is declared.
        origins: where the value of each is written.
        values: those that are known.
        texts: those that are templates and not evaluated yet.
        references: those that wait for another node.
        unknown: those with a problem.
        provided: what a sweep and joins may give.
        given: what they give, by name.
        refused: why the operation cannot run here, or "".
        wanted: inputs that a sweep gives values, with their checks.
    """

    asked: Asked
    report: Report
    inputs: dict[str, Input] = field(default_factory=dict)
    declared: dict[str, Origin] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)
    values: dict[str, Json] = field(default_factory=dict)
    texts: dict[str, Json] = field(default_factory=dict)
    references: dict[str, Reference] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    provided: Provided = field(default_factory=Provided)
    given: dict[str, Source] = field(default_factory=dict)
    refused: str = ""
    wanted: dict[str, tuple[Input, Checker]] = field(default_factory=dict)

    def literal(self, name: str, value: Json, *, default: bool = False) -> None:
        """Take a value that was written. A default is checked at once: no start can make it another."""
        if has_template(value):
            self.texts[name] = value
            return
        item = self.inputs[name]
        if default and item.delayed:
            self._accepted(item, Checker.of(item.checks, item.type), value, self.origins[name])
        self.values[name] = self.accept(name, value)

    def accept(self, name: str, value: Json) -> Json:
        """The value as its input takes it; a problem, and the value as it is, where it does not."""
        item = self.inputs[name]
        if item.delayed:
            return value
        return self._accepted(item, Checker.of(item.checks, item.type), value, self.origins[name])

    def fits(self, io: IO, value: Json, origin: Origin) -> None:
        """Say at a place what is wrong with a literal that an input may be given."""
        if has_template(value) or io.delayed or self.report.full:
            return
        if io.name not in self.wanted:
            listed, required = bool(io.is_list), not io.optional
            item = Input(io.name, type=io.type or "", is_list=listed, required=required, checks=checks_of(io))
            self.wanted[io.name] = item, Checker.of(item.checks, item.type)
        self._accepted(*self.wanted[io.name], value, origin)

    def _accepted(self, item: Input, checker: Checker, value: Json, origin: Origin) -> Json:
        accepted = checked(value, item)
        if isinstance(accepted, str):
            self.report.add(origin.problem("PL-403", f"`{item.name}`: {accepted}"))
            return value
        for sentence in checker.violations(accepted[0], self._pay):
            self.report.add(origin.problem("PL-409", f"`{item.name}` {sentence}"))
        return accepted[0]

    def _pay(self, cost: int) -> bool:
        """Whether a pattern may be matched: what the file has for templates pays for it."""
        try:
            self.report.budget.step(cost // _COST_OF_STEP + 1)
        except FaultError:
            return False
        return True

    def flawed(self, origin: Origin, flaws: tuple[Flaw, ...]) -> None:
        """Report what is wrong with templates, each at the string that holds it."""
        report_flaws(origin, flaws, self.report)

    def settle(self) -> Mapping[str, Json]:
        """Evaluate values that are templates; gives those that only a start can."""
        if not self.texts:
            return {}
        symbols = later((*self.references, *self.given)) | later(self.unknown, UNKNOWN)
        growing = Growing(tuple(self.inputs.values()), self.values, symbols | later(self.texts), self.asked.known)
        done = settle(self.texts, growing, self.accept, self.report.templates())
        self.values.update(done.values)
        for name, flaws in done.flaws.items():
            self.flawed(self.origins[name], flaws)
            self.unknown.add(name)
        for name in done.circular:
            message = f"params need each other: {some(done.circular)}"
            self.report.add(self.origins[name].problem("PL-303", message))
            self.unknown.add(name)
        for name in done.deep:
            hint = "write some of the values out"
            self.report.add(self.origins[name].problem("PL-407", "params build on one another too deeply", hint))
            self.unknown.add(name)
        if isinstance(self.asked.found.component.run, Dag) and done.waiting:
            return self._waiting_dag(done.waiting)
        return done.waiting

    def _waiting_dag(self, waiting: Mapping[str, Json]) -> Mapping[str, Json]:
        """A DAG is no run: nothing of it would ever evaluate them."""
        if self.given:
            why = (
                "values of a sweep or a join are not handed to operations of a DAG: give them to the one that needs it"
            )
            self.refused = self.refused or why
            return waiting
        self.unknown.update(waiting)
        for name in waiting if self.asked.operation else ():
            hint = "put the template into the param of the operation that needs it"
            message = f"`{name}` of a DAG needs a value that only a run has"
            self.report.add(self.origins[name].problem("PL-406", message, hint))
        return {}


def checked(value: Json, item: Input) -> tuple[Json] | str:
    """The value as a value of its input's type, in a tuple of one; else the sentence that says why it is none."""
    if value is None and not item.required:
        return (None,)
    try:
        return (convert(value, item.type, is_list=item.is_list),)
    except ValueError as error:
        return str(error)


def report_flaws(origin: Origin, flaws: Iterable[Flaw], report: Report) -> None:
    """Report what is wrong with the templates of a value, each at the string that holds it."""
    for flaw in flaws:
        report.add(flaw_problem(origin.below(flaw.pointer), flaw))


def flaw_problem(origin: Origin, flaw: Flaw) -> Problem:
    """A template's error at the string that holds it."""
    error = flaw.error
    inside = f" (line {error.line} of the text)" if error.line > 1 else ""
    return origin.problem(error.code, f"{error.message}{inside}", error.hint)
