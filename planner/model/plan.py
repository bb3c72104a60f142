"""A plan as a value: what would happen, and what would not and why. Text, Markdown and JSON render it.

Exact meanings: a plan is *complete* when every spec file was read and compiled, so that nothing is missing from
it; *applicable* when something of it would be done now; *held* is what waits for a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from planner.canon import Json
from planner.errors import Place, Problem
from planner.model.people import Hold

__all__ = ["Action", "FieldChange", "Held", "Plan", "Rehearsed", "Verb"]


class Verb(StrEnum):
    """What an action does; the order is the order of a report: what destroys comes first."""

    REMOVE = "remove"
    STOP = "stop"
    START = "start"
    UPDATE = "update"
    SCHEDULE = "schedule"
    CARRY = "carry"
    CHANGE = "change"
    REFUSE = "refuse"
    WAIT = "wait"
    RENAME = "rename"

    @property
    def symbol(self) -> str:
        """One character for a report."""
        return _SYMBOLS[self]


_SYMBOLS = {
    Verb.REMOVE: "-",
    Verb.STOP: "-",
    Verb.START: "+",
    Verb.UPDATE: "~",
    Verb.SCHEDULE: "@",
    Verb.CARRY: "=",
    Verb.CHANGE: "~",
    Verb.REFUSE: "!",
    Verb.WAIT: ".",
    Verb.RENAME: ">",
}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that moved. A side where it does not exist is None, and `added` or `removed` says so.

    Attributes:
        pointer: JSON pointer in the compiled operation.
        before: old value.
        after: new value.
        added: whether it is new.
        removed: whether it is gone.
    """

    pointer: str
    before: Json
    after: Json
    added: bool = False
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a cluster says of a run that would start, asked without anything being made.

    Pointers begin with the kind of the object that they are in; items of lists that have names go by these.

    Attributes:
        run: the run's key.
        workload: kind, namespace and name of what would be made.
        refused: why it would not be, in the cluster's words, or in ours where it is not even asked.
        admitted: what the cluster would make of what it is asked for, beyond its defaults.
        changes: of a service, what differs from the one that runs.
        unknown: what could not be asked, and why.
    """

    run: str
    workload: str
    refused: tuple[str, ...] = ()
    admitted: tuple[FieldChange, ...] = ()
    changes: tuple[FieldChange, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that the plan does to one operation.

    Attributes:
        verb: what it does.
        root: the operation.
        kind: its run kind, or "" for what is gone.
        because: the sentence that says why.
        effects: what follows, a phrase each: runs that start, stop or are carried over, next ticks.
        changes: fields that moved.
        place: where its document begins.
        rehearsed: what the cluster says of what would start, where it was asked.
    """

    verb: Verb
    root: str
    kind: str
    because: str
    effects: tuple[str, ...] = ()
    changes: tuple[FieldChange, ...] = ()
    place: Place = Place("")
    rehearsed: tuple[Rehearsed, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """Actions that wait for a person."""

    hold: Hold
    roots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What one commit would do to the world as it is.

    Attributes:
        commit: full id; "" for a working folder.
        base: the commit it is compared with; "" for none.
        at: instant of planning.
        actions: in order of verb, then operation.
        unchanged: operations that stay as they are.
        kept: operations that the commit would change but that stay, with the reason.
        held: what waits for a person.
        deferred: values that only a run will know, such as `train: --data is known after prepare`.
        notes: what a reader must know of this backend or project.
        problems: of the files, in order of place.
        wake_at: when anything changes by itself.
        complete: whether every spec file was read and compiled.
    """

    commit: str
    base: str
    at: datetime
    actions: tuple[Action, ...]
    unchanged: tuple[str, ...] = ()
    kept: tuple[tuple[str, str], ...] = ()
    held: tuple[Held, ...] = ()
    deferred: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    wake_at: datetime | None = None
    complete: bool = True

    @property
    def applicable(self) -> bool:
        """Whether something of it would be done now."""
        held = {root for item in self.held for root in item.roots}
        return any(action.root not in held for action in self.actions)
