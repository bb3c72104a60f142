"""Leaves: what a backend runs, with the inputs that its start must still complete. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.canon import Json
from planner.model.gang import Gang
from planner.model.inputs import Input, Join, Output, Reference

__all__ = ["Condition", "Leaf", "Termination"]


@dataclass(frozen=True, slots=True)
class Termination:
    """How often and how long (reference section 10.2).

    Attributes:
        max_retries: attempts after the first.
        timeout: seconds from the first start over all attempts; None for no limit.
    """

    max_retries: int = 0
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """Something that a backend runs: a job or a service.

    Every string of `gang`, and every string inside `templates`, is template text over inputs and `globals`: what is
    final and has braces in it is escaped, so that evaluating it any number of times leaves it as it is.

    Attributes:
        gang: replicas.
        params: inputs whose value is known, by name.
        references: inputs that wait for another node, by name.
        outputs: declared outputs.
        termination: retries and time limit.
        queue: name of its queue; "" for the default one.
        inputs: declarations of all inputs, those without a value too.
        templates: inputs whose value is a template that waits for the start, by name.
        known: `globals` of the project that texts read which wait for the start.
        compared: the gang as the cache compares it: inputs that `cache.io` leaves out stay templates in it; None where
            the cache compares `gang`.
        joins: inputs that are lists of values of other runs.
    """

    gang: Gang
    params: Mapping[str, Json] = field(default_factory=dict)
    references: Mapping[str, Reference] = field(default_factory=dict)
    outputs: tuple[Output, ...] = ()
    termination: Termination = Termination()
    queue: str = ""
    inputs: tuple[Input, ...] = ()
    templates: Mapping[str, Json] = field(default_factory=dict)
    known: Mapping[str, Json] = field(default_factory=dict)
    compared: Gang | None = None
    joins: tuple[Join, ...] = ()


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold when an operation is about to start; else it is skipped (reference section 16.3).

    Attributes:
        written: as in the repository, for people.
        value: what it came to, or template text over inputs and `globals`. The other fields are empty without a
            template; with one they are those of a `Leaf`.
        params: inputs whose value is known, by name.
        references: inputs that wait for another node, by name.
        inputs: declarations of all inputs.
        templates: inputs whose value is a template that waits for the start, by name.
        known: `globals` of the project that the texts read.
    """

    written: str
    value: Json
    params: Mapping[str, Json] = field(default_factory=dict)
    references: Mapping[str, Reference] = field(default_factory=dict)
    inputs: tuple[Input, ...] = ()
    templates: Mapping[str, Json] = field(default_factory=dict)
    known: Mapping[str, Json] = field(default_factory=dict)
