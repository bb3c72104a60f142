"""What a template needs of a scope: which of its variables are undefined, and which symbols it waits for.

Decided from the variables that the template names, before anything is evaluated, so that the answer does not depend
on values. Whoever reads a mapping reads all of it: a symbol anywhere below is waited for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.compile.template.errors import TemplateError
from planner.compile.template.missing import Missing
from planner.compile.template.parse import Template
from planner.compile.template.reads import Read
from planner.compile.template.symbols import Partial, Scope, Symbol

__all__ = ["Needs", "undefined", "waiting"]


def undefined(template: Template, scope: Scope) -> tuple[TemplateError, ...]:
    """PL-405 for every variable that the scope does not have and the template does not guard, in order.

    What is not known yet must be in the scope as a symbol: a guarded variable that is absent counts as absent for
    good.
    """
    return Needs(scope).undefined(template)


def waiting(template: Template, scope: Scope) -> frozenset[str]:
    """Paths of the symbols without whose values the template cannot be evaluated."""
    return Needs(scope).waiting(template)


@dataclass(frozen=True, slots=True)
class Needs:
    """One scope, asked about many templates; remembers where symbols are."""

    scope: Scope
    _below: dict[int, frozenset[str]] = field(default_factory=dict)

    def undefined(self, template: Template) -> tuple[TemplateError, ...]:
        """See the function of the same name."""
        lacks = (self._found(read) for read in template.reads if not read.guarded)
        return tuple(TemplateError(lack.fault(), template.text) for lack in lacks if isinstance(lack, Missing))

    def waiting(self, template: Template) -> frozenset[str]:
        """See the function of the same name."""
        found = (self._found(read) for read in template.reads)
        return frozenset().union(*(self._symbols(part) for part in found if not isinstance(part, Missing)))

    def _found(self, read: Read) -> Partial | Missing:
        value: Partial = self.scope
        for depth, name in enumerate(read.path):
            if isinstance(value, Symbol):
                return value
            if not isinstance(value, dict | Mapping) or name not in value:
                return Missing(".".join(read.path[:depth]), name, value, read.at)
            value = value[name]
        return value

    def _symbols(self, value: Partial) -> frozenset[str]:
        """Every symbol in `value`. Parts are known by identity: the scope keeps them alive."""
        match value:
            case Symbol():
                return frozenset({value.path})
            case list() | tuple():
                parts = list(value)
            case Mapping():
                parts = list(value.values())
            case _:
                return frozenset()
        known = self._below.get(id(value))
        if known is None:
            known = frozenset().union(*map(self._symbols, parts))
            self._below[id(value)] = known
        return known
