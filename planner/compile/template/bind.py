"""Templates inside a nested value: evaluated where everything is known, left alone where something is not.

Binding has two steps (design: "4. The specification language", item 5). `bind` does the first, with symbols in the
scope for what is not known; `finish` does the second, and only where the first left something, so that a result that
looks like a template is never evaluated. Mistakes are collected, not raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from planner.canon import Json
from planner.compile.template.budget import Budget
from planner.compile.template.errors import FaultError, TemplateError
from planner.compile.template.evaluate import evaluate
from planner.compile.template.needs import Needs
from planner.compile.template.parse import compile_template, is_template
from planner.compile.template.symbols import Scope

__all__ = ["Bound", "Flaw", "bind", "finish"]

_FLAW_STEPS = 1_000
_TEXT_PER_STEP = 16
_NOTHING: Mapping[str, frozenset[str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with one string of the value.

    Attributes:
        pointer: JSON pointer of the string.
        error: what is wrong; its place is relative to the string.
    """

    pointer: str
    error: TemplateError


@dataclass(frozen=True, slots=True)
class Bound:
    """A value whose templates were evaluated as far as the scope allowed.

    Attributes:
        value: the value; pending and wrong templates are in it as they were written.
        pending: JSON pointer of every template that waits, with the paths of the symbols that it waits for.
        flaws: what is wrong, in the order of the value.
    """

    value: Json
    pending: Mapping[str, frozenset[str]] = field(default_factory=lambda: _NOTHING)
    flaws: tuple[Flaw, ...] = ()

    @property
    def waiting_on(self) -> frozenset[str]:
        """Paths of all symbols that are waited for."""
        return frozenset().union(*self.pending.values())

    @property
    def identity(self) -> Json:
        """What a digest must cover: a pending template and a literal with the same text are different."""
        return {"value": self.value, "pending": sorted(self.pending)}


def bind(value: Json, scope: Scope, budget: Budget | None = None) -> Bound:
    """Evaluate every template string of `value` whose variables are all known.

    Keys of mappings stay as they are. A string is evaluated whole or not at all. A variable that the scope does not
    have is a flaw, also where the template would wait for another.

    Args:
        value: JSON data as the user wrote it.
        scope: the variables; a `Symbol` for what is known later.
        budget: what it may cost in all; without one, as much as `Budget()` has.
    """
    return _run(value, _Walk(Needs(scope), budget or Budget(), None))


def finish(bound: Bound, scope: Scope, budget: Budget | None = None) -> Bound:
    """Evaluate what `bound` left pending, and nothing else, with a scope that knows more."""
    return _run(bound.value, _Walk(Needs(scope), budget or Budget(), frozenset(bound.pending)))


def _run(value: Json, walk: _Walk) -> Bound:
    result = walk.bound(value, "")
    return Bound(result, MappingProxyType(walk.pending), tuple(walk.flaws))


@dataclass(slots=True)
class _Walk:
    needs: Needs
    budget: Budget
    only: frozenset[str] | None
    pending: dict[str, frozenset[str]] = field(default_factory=dict)
    flaws: list[Flaw] = field(default_factory=list)

    def bound(self, value: Json, pointer: str) -> Json:
        match value:
            case str():
                wanted = is_template(value) if self.only is None else pointer in self.only
                return self._string(value, pointer) if wanted and not self.budget.spent else value
            case list() | tuple():
                items = enumerate(value)
                return [item if _is_plain(item) else self.bound(item, f"{pointer}/{index}") for index, item in items]
            case dict() | Mapping():
                pairs = value.items()
                return {key: it if _is_plain(it) else self.bound(it, f"{pointer}/{_escaped(key)}") for key, it in pairs}
            case _:
                return value

    def _string(self, text: str, pointer: str) -> Json:
        try:
            return self._evaluated(text, pointer)
        except TemplateError as error:
            self._blame(pointer, [error])
        except FaultError as fault:
            self.flaws.append(Flaw(pointer, TemplateError(fault, text)))
        return text

    def _evaluated(self, text: str, pointer: str) -> Json:
        self.budget.step(1 + len(text) // _TEXT_PER_STEP)
        template = compile_template(text)
        undefined = self.needs.undefined(template)
        waiting = self.needs.waiting(template)
        if undefined:
            self._blame(pointer, undefined)
            return text
        if waiting:
            self.pending[pointer] = waiting
            return text
        return evaluate(template, self.needs.scope, self.budget)

    def _blame(self, pointer: str, errors: Sequence[TemplateError]) -> None:
        """Looking for what was meant costs more than a step, so mistakes cost too."""
        self.flaws.extend(Flaw(pointer, error) for error in errors)
        self.budget.steps -= _FLAW_STEPS * len(errors)


def _is_plain(value: Json) -> bool:
    """Whether a value is text without a brace, as nearly all are: no template, and nothing that waits for a start."""
    return type(value) is str and "{" not in value


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
