"""One run as a query sees it: its record with what stands beside it, and the values of its fields.

A field has any number of values: none where the run lacks it, several where any of them may be meant (a run is named by
its id and by its key). What a run carried over from another one did, the other one did: its outputs and its times are
those of that run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from planner.canon import Json
from planner.keys import Key
from planner.model.desired import CompiledOperation, Leaf
from planner.model.gang import Gang
from planner.model.records import RunRecord
from planner.model.run import BoundRun
from planner.model.status import RunStatus
from planner.query.graph import beside, node_of
from planner.spec.query import All, Condition, Either, Query
from planner.spec.queues import amount

__all__ = ["HELD", "Needs", "Subject", "Value", "needs", "number_of", "original_of", "values"]

Value = Json | datetime | Decimal
"""A value of a field."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One run, with what a query may have to know of it.

    Attributes:
        run: its record.
        source: that of the run that it was carried over from, or the same.
        identity: instance and project.
        bound: what it, or the run that did its work, was started with; None where that was not bound, or no field asks
            for it (`needs`).
        top: the compiled operation of its top; None where it is not known, or no field asks for it.
    """

    run: RunRecord
    source: RunRecord
    identity: tuple[str, str]
    bound: BoundRun | None = None
    top: CompiledOperation | None = None

    @property
    def status(self) -> RunStatus:
        """How it goes or went."""
        return self.run.status if self.run.status.final else self.source.status

    @property
    def operation(self) -> CompiledOperation | None:
        """Its own compiled operation."""
        return node_of(self.top, self.run.key.place)

    @property
    def inputs(self) -> Mapping[str, Json]:
        """What its params were bound to."""
        found = self.bound.context.get("params") if self.bound is not None else None
        return found if isinstance(found, Mapping) else {}

    @property
    def outputs(self) -> Mapping[str, Json]:
        """What it wrote."""
        return self.source.outputs

    @property
    def metrics(self) -> Mapping[str, Json]:
        """The last value of each metric that it wrote."""
        return self.source.newest_metrics

    @property
    def changed_at(self) -> datetime:
        """When something was last decided or seen of it."""
        moments = [self.run.opened_at, self.run.finished_at, self.source.started_at, self.source.finished_at]
        for attempt in self.source.attempts:
            moments += [attempt.intended_at, attempt.seen_at, attempt.started_at, attempt.ready_at, attempt.ended_at]
        return max(moment for moment in moments if moment is not None)


@dataclass(frozen=True, slots=True)
class Needs:
    """What of runs must be read for a query, beside their records."""

    bound: bool = False
    form: bool = False


_BOUND = frozenset({"inputs", "cpu", "memory", "gpu"})
_FORM = frozenset(
    {"description", "tags", "queue", "namespace", "cost", "upstream", "downstream", "cpu", "memory", "gpu"}
)


_NUMBER = re.compile(r"[-+]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][-+]?\d{1,3})?", re.ASCII)


def needs(where: Query | None, names: tuple[str, ...] = ()) -> Needs:
    """What a query, and these fields beside it, need.

    Args:
        where: None for all runs.
        names: fields that runs are ordered by.
    """
    found = {*names, *(_fields(where) if where is not None else ())}
    return Needs(not found.isdisjoint(_BOUND), not found.isdisjoint(_FORM))


def _fields(query: Query) -> frozenset[str]:
    match query:
        case All(parts) | Either(parts):
            return frozenset(name for part in parts for name in _fields(part))
        case Condition():
            return frozenset({query.field})


def original_of(run: RunRecord) -> Key | None:
    """The run that did the work of this one; None where it did it itself."""
    return run.carried_from or run.cached_from


def number_of(value: Json) -> int | float | None:
    """The number that an output is, or that its text says (`loss=0.1` is text); None for neither, `nan` and `inf`."""
    if isinstance(value, str):
        value = float(value) if _NUMBER.fullmatch(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:
        return None


# Fields


def values(subject: Subject, name: str, sub: str) -> tuple[Value, ...]:
    """The values of a field: none where the run lacks it.

    Args:
        subject: the run.
        name: one of `HELD`.
        sub: what is behind the dot, or "".
    """
    found = HELD[name](subject, sub)
    return tuple(value for value in found if value is not None and value != "")


def _named(subject: Subject, keys: tuple[Key, ...], sub: str) -> tuple[str, ...]:
    """Runs as they are named: by id and key, or by the name of their operation."""
    if sub == "name":
        return tuple(_name(key, subject) for key in keys)
    return tuple(text for key in keys for text in (key.short_id(*subject.identity), str(key)))


def _name(key: Key, subject: Subject) -> str:
    # A rename leaves the old name in keys.
    return key.place[-1] if key.place else subject.run.root


def _pipeline(subject: Subject, sub: str) -> tuple[Value, ...]:
    parent = subject.run.key.parent
    return _named(subject, (parent,) if parent else (), sub)


def _controller(subject: Subject, sub: str) -> tuple[Value, ...]:
    key = subject.run.key
    return _named(subject, (key.top,) if key.place else (), sub)


def _original(subject: Subject, sub: str) -> tuple[Value, ...]:
    source = original_of(subject.run)
    return _named(subject, (source,) if source else (), sub)


def _beside(subject: Subject, sub: str, *, above: bool) -> tuple[Value, ...]:
    parent = subject.run.key.parent
    if parent is None:
        return ()
    names = beside(subject.top, subject.run.key.place, above=above)
    return names if sub == "name" else _named(subject, tuple(parent.child(name) for name in names), sub)


_KINDS = MappingProxyType(
    {
        **dict.fromkeys(("tfjob", "pytorchjob", "mpijob", "tuner", "notifier"), "job"),
        **dict.fromkeys(("raycluster", "daskcluster"), "service"),
    }
)
"""Kinds by runtime, where they differ (reference, section 18.1)."""


def _kind(subject: Subject, _: str) -> tuple[Value, ...]:
    return (_KINDS.get(subject.run.kind, subject.run.kind),)


def _section(subject: Subject, name: str) -> Json:
    return subject.operation.sections.get(name) if subject.operation is not None else None


def _queue(subject: Subject, _: str) -> tuple[Value, ...]:
    body = subject.operation.body if subject.operation is not None else None
    return (body.queue or "default",) if isinstance(body, Leaf) else ()


def _of_operation(
    pick: Callable[[CompiledOperation], tuple[Value, ...]],
) -> Callable[[Subject, str], tuple[Value, ...]]:
    return lambda subject, _: pick(subject.operation) if subject.operation is not None else ()


def _seconds(begin: datetime | None, end: datetime | None) -> tuple[Value, ...]:
    return ((end - begin).total_seconds(),) if begin is not None and end is not None else ()


def _duration(subject: Subject, _: str) -> tuple[Value, ...]:
    source = subject.source
    return _seconds(source.started_at or source.opened_at, source.finished_at)


def _wait(subject: Subject, _: str) -> tuple[Value, ...]:
    return _seconds(subject.source.opened_at, subject.source.started_at)


def _metric(subject: Subject, sub: str) -> tuple[Value, ...]:
    found = number_of(subject.metrics.get(sub, subject.outputs.get(sub)))
    return (found,) if found is not None else ()


def _resource(*names: str) -> Callable[[Subject, str], tuple[Value, ...]]:
    """The sum of what its replicas ask for; a name that begins with `/` stands for all that end with it."""

    def read(subject: Subject, _: str) -> tuple[Value, ...]:
        gang = _gang(subject)
        total, found = Decimal(), False
        for group in gang.replicas if gang is not None else ():
            for resource, text in group.container.resources.items():
                number = amount(text)
                if number is not None and any(resource == name or resource.endswith(f"/{name}") for name in names):
                    total, found = total + number * group.count, True
        return (total,) if found else ()

    return read


def _gang(subject: Subject) -> Gang | None:
    if subject.bound is not None:
        return subject.bound.gang
    body = subject.operation.body if subject.operation is not None else None
    return body.gang if isinstance(body, Leaf) else None


HELD: Mapping[str, Callable[[Subject, str], tuple[Value, ...]]] = MappingProxyType(
    {
        "uuid": lambda subject, _: _named(subject, (subject.run.key,), ""),
        "name": lambda subject, _: (_name(subject.run.key, subject),),
        "description": _of_operation(lambda operation: (operation.description,)),
        "created_at": lambda subject, _: (subject.run.opened_at,),
        "updated_at": lambda subject, _: (subject.changed_at,),
        "started_at": lambda subject, _: (subject.source.started_at,),
        "finished_at": lambda subject, _: (subject.source.finished_at or subject.run.finished_at,),
        "schedule_at": lambda subject, _: (subject.run.key.tick,),
        "status": lambda subject, _: (str(subject.status),),
        "kind": _kind,
        "runtime": lambda subject, _: (subject.run.kind,),
        "project": lambda subject, _: (subject.identity[1],),
        "namespace": lambda subject, _: (_section(subject, "namespace"),),
        "tags": _of_operation(lambda operation: operation.tags),
        "pipeline": _pipeline,
        "controller": _controller,
        "original": _original,
        "upstream": lambda subject, sub: _beside(subject, sub, above=True),
        "downstream": lambda subject, sub: _beside(subject, sub, above=False),
        "cloning_kind": lambda subject, _: ("cache",) if original_of(subject.run) else (),
        "queue": _queue,
        "state": lambda subject, _: (subject.run.digest,),
        # Runs here are never archived: the reference adds `live_state: 1` to every join.
        "live_state": lambda _, __: (1,),
        "commit": lambda subject, _: (subject.run.commit,),
        "inputs": lambda subject, sub: (subject.inputs.get(sub),),
        "outputs": lambda subject, sub: (subject.outputs.get(sub),),
        "metrics": _metric,
        "duration": _duration,
        "wait_time": _wait,
        "cost": lambda subject, _: (_section(subject, "cost"),),
        "cpu": _resource("cpu"),
        "memory": _resource("memory"),
        "gpu": _resource("gpu"),
    }
)
"""The fields that runs here have, and how each is read."""
