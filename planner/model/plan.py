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

__all__ = ["Action", "FieldChange", "Held", "Plan", "Rehearsed", "SweepEffect", "Verb"]


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
class SweepEffect:
    """What a plan means for one sweep of an operation.

    Attributes:
        place: of the sweep below its operation, such as `tune`; "" where the operation is one.
        search: kind of the search, as in the language: `grid`, `hyperopt`, ….
        trials: how many there may be; where a tuner suggests them, at least.
        before: how many there might be of the form in force; None where it had none here.
        new: trials that start because of the plan, now or later; None where nothing of it starts by itself.
        reused: trials that are carried over.
        cached: trials that have what an equal run gave, as far as is known.
        at_once: trials at work at once, at most.
        metric: that it looks at; "" for none.
        maximize: whether more of the metric is better.
        gpus: that its trials ask for at once, at most.
        tuned: whether a tuner makes the suggestions, so that there may be more trials.
    """

    place: str
    search: str
    trials: int
    before: int | None = None
    new: int | None = None
    reused: int = 0
    cached: int = 0
    at_once: int = 0
    metric: str = ""
    maximize: bool = True
    gpus: int = 0
    tuned: bool = False


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
        sweeps: what becomes of its sweeps.
        stops: how many runs it stops.
    """

    verb: Verb
    root: str
    kind: str
    because: str
    effects: tuple[str, ...] = ()
    changes: tuple[FieldChange, ...] = ()
    place: Place = Place("")
    rehearsed: tuple[Rehearsed, ...] = ()
    sweeps: tuple[SweepEffect, ...] = ()
    stops: int = 0


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
    def trials(self) -> int:
        """Trials that start because of it, now or later."""
        return sum(sweep.new or 0 for action in self.actions for sweep in action.sweeps)

    @property
    def applicable(self) -> bool:
        """Whether something of it would be done now."""
        held = {root for item in self.held for root in item.roots}
        return any(action.root not in held for action in self.actions)
