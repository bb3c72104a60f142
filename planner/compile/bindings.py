"""What an operation's inputs are bound to once it is compiled: values, references to other nodes, and templates."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Literal

from planner.canon import Json
from planner.compile.origin import Origin
from planner.compile.patch import Placed
from planner.compile.resolve import Found
from planner.compile.scope import UNKNOWN, later, scope_of
from planner.compile.template import Scope, bind
from planner.compile.template.symbols import Partial
from planner.model.desired import Input, Reference
from planner.spec.component import Component
from planner.spec.environment import Environment

__all__ = ["EACH", "Around", "Bindings", "Sibling", "Source"]

Source = Literal["matrix", "joins", "hooks"]
"""Where a value comes from that nobody can know before a run starts."""

EACH = f"{UNKNOWN}each."
"""How symbols begin that stand for what each run of a sweep, or over a join, is given before it starts.

Nobody can know them yet, so what must be known before a run starts may wait for them.
"""


@dataclass(frozen=True, slots=True)
class Bindings:
    """Inputs of one operation. A name is in at most one of the mappings; in none, it has no value.

    Attributes:
        inputs: declarations, in order: inputs, outputs that got a param, params for the context only.
        values: those that are known.
        references: those that wait for another node.
        templates: those that are templates over what only a start knows.
        unknown: those with a problem, and inputs of a component that is looked at by itself.
        provided: those that a sweep or a join gives when a run starts, by name.
        env: variables of the program that have values of inputs, as template text.
        init: entries that go before those of `run.init`, as they would be written; their texts are template text.
        refused: why the operation cannot run here, or "".
    """

    inputs: tuple[Input, ...] = ()
    values: Mapping[str, Json] = field(default_factory=dict)
    references: Mapping[str, Reference] = field(default_factory=dict)
    templates: Mapping[str, Json] = field(default_factory=dict)
    unknown: frozenset[str] = frozenset()
    provided: Mapping[str, Source] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    init: tuple[Mapping[str, Json], ...] = ()
    refused: str = ""

    def scope(self, known: Mapping[str, Partial]) -> Scope:
        """What templates of the operation see when it is compiled; `known` is what `globals` holds."""
        given = {name for name, found in self.references.items() if _is_given(found)} | self.provided.keys()
        symbols = later((*self.references, *self.templates)) | later(given, EACH) | later(self.unknown, UNKNOWN)
        scope = scope_of(self.inputs, self.values, symbols, known)
        built = self._built_on(given, scope) if given and self.templates else frozenset()
        return scope_of(self.inputs, self.values, symbols | later(built, EACH), known) if built else scope

    def _built_on(self, given: AbstractSet[str], scope: Scope) -> frozenset[str]:
        """Names of templates that need nothing but what each run is given: then each run is given them too."""
        needs = {name: bind(text, scope).waiting_on for name, text in self.templates.items()}
        ready = {f"{EACH}{name}" for name in given}
        built: set[str] = set()
        while more := [name for name, paths in needs.items() if name not in built and paths and paths <= ready]:
            built.update(more)
            ready.update(symbol.path for symbol in later(more).values())
        return frozenset(built)


def _is_given(reference: Reference) -> bool:
    """Whether it is an input of the DAG around that a sweep gives; all other inputs are settled at once."""
    return reference.path[0] == "inputs" and len(reference.path) == 2


@dataclass(frozen=True, slots=True)
class Sibling:
    """A node that was compiled before another one of its DAG.

    Attributes:
        found: its component; None when there was a problem.
        bindings: its inputs.
        sweep: whether it is a sweep, and one that searches by a metric: then it has a best trial.
    """

    found: Found | None
    bindings: Bindings
    sweep: Literal["", "plain", "searching"] = ""


@dataclass(frozen=True, slots=True)
class Around:
    """The DAG around an operation.

    Attributes:
        place: names of nodes from the root to the DAG; empty for a root that is one.
        found: the DAG's component.
        bindings: its inputs.
        components: its components by name.
        siblings: nodes compiled so far, by name.
        chain: where the components are written that this DAG is inside of, its own last.
        preset: what it hands down to operations: theirs counts before it, that of their components after it
            (reference, section 12.2).
        environment: what it hands down to their runs.
    """

    place: tuple[str, ...]
    found: Found
    bindings: Bindings
    components: Mapping[str, Found]
    siblings: Mapping[str, Sibling]
    chain: tuple[Origin, ...]
    preset: Placed[Component] | None = None
    environment: Placed[Environment] | None = None
