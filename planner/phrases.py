"""What follows of a plan for one root, in phrases: what starts, stops and is carried over, and what is known later.

Trials are told by their number and not one by one: a sweep may have thousands. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from planner.desire.ticks import upcoming
from planner.desire.trials import sweep_above
from planner.fold import RootState
from planner.keys import Key
from planner.model.desired import CompiledOperation, Dag, DesiredState, Leaf, Sweep
from planner.model.facts import CacheHit, Carried, Fact, Opened, Settled, StopIntended
from planner.model.plan import SweepEffect
from planner.model.status import RunStatus
from planner.plan import RootPlan
from planner.spec.words import short
from planner.swept import sweep_words

__all__ = ["deferred", "effects"]

_TICKS_SHOWN = 5
_TRIALS_SHOWN = 3
"""Trials of a sweep that are named in one phrase before the rest is counted."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One thing that becomes of one run: `form` with the run for its place.

    Attributes:
        form: the phrase.
        key: of the run.
        full: whether the run is named by its key, and not by its place alone.
        source: the run that it has its result from.
        together: the phrase for several trials, where that is another one.
    """

    form: str
    key: Key
    full: bool = True
    source: Key | None = None
    together: str = ""


def effects(
    root: RootPlan, operation: CompiledOperation | None, sweeps: Sequence[SweepEffect], now: datetime
) -> Iterator[str]:
    """What follows for the root, a phrase each.

    Args:
        root: its plan.
        operation: what it is from now on; None for what is gone.
        sweeps: what becomes of its sweeps.
        now: the instant of planning.
    """
    yield from map(sweep_words, sweeps)
    opened = {fact.key for fact in root.facts if isinstance(fact, Opened)}
    yield from _told(root.state, _lines(root, opened))
    carried = any(isinstance(fact, Carried | CacheHit) for fact in root.facts)
    if operation is not None and isinstance(operation.body, Dag) and (root.ready or carried):
        begun = {key.place[0] for key in opened if key.place}
        names = [node.operation.name for node in operation.body.nodes if node.operation.name not in begun]
        if names:
            yield f"then, as they become ready: {', '.join(names)}"
    if operation is not None:
        yield from _following(operation, opened)
    if operation is not None and operation.schedule is not None:
        instants = upcoming(operation.schedule, root.state.record.cursor, now, _TICKS_SHOWN)
        if instants:
            yield "next ticks: " + ", ".join(f"{instant:%Y-%m-%d %H:%M} UTC" for instant in instants)


def _lines(root: RootPlan, opened: Collection[Key]) -> Iterator[_Line]:
    for item in root.ready:
        yield _Line("starts {}", item.key.run)
    for wait in root.waits:
        if wait.key in opened:
            what = "a person to approve it" if wait.is_hold else wait.reason
            yield _Line(f"{{}} waits for {_safe(what)}", wait.key, together=f"{{}} wait for {_safe(what)}")
    for fact in root.facts:
        yield from _line(fact)


def _line(fact: Fact) -> Iterator[_Line]:
    match fact:
        case StopIntended() if fact.key.attempt:
            yield _Line("stops {}", fact.key.run)
        case Carried():
            yield _Line("{}: carried over from {source}, will not run", fact.key, full=False, source=fact.source)
        case CacheHit():
            yield _Line(
                "{}: cached from {source}, will not run",
                fact.key,
                full=False,
                source=fact.source,
                together="{}: cached, will not run",
            )
        case Settled(status=RunStatus.STOPPED):
            yield _Line("withdraws {}", fact.key)
        case _:
            return


def _told(state: RootState, lines: Iterator[_Line]) -> Iterator[str]:
    """Each line, and trials of one sweep to which the same happens as one."""
    groups: dict[tuple[str, Key | int], tuple[Key | None, list[_Line]]] = {}
    for index, line in enumerate(lines):
        sweep = sweep_above(state, line.key)
        form = line.together or line.form
        groups.setdefault((form, index if sweep is None else sweep), (sweep, []))[1].append(line)
    for sweep, found in groups.values():
        yield _alone(found[0]) if sweep is None or len(found) == 1 else _together(sweep, found)


def _alone(line: _Line) -> str:
    name = str(line.key) if line.full else "/".join(line.key.place) or line.key.root
    return line.form.format(name, source=line.source)


def _together(sweep: Key, found: Sequence[_Line]) -> str:
    depth, first = len(sweep.place), found[0]
    names = ["/".join(line.key.place[depth:]) for line in found[:_TRIALS_SHOWN]]
    above = str(sweep) if first.full else "/".join(sweep.place)
    named = f"{above}/{', '.join(names)}" if above else ", ".join(names)
    more = f" and {len(found) - _TRIALS_SHOWN} more" if len(found) > _TRIALS_SHOWN else ""
    source = first.source and Key(first.source.root, first.source.cause, first.source.place[:depth])
    return (first.together or first.form).format(named + more, source=source)


def _safe(text: str) -> str:
    """A text within a form."""
    return text.replace("{", "{{").replace("}", "}}")


def _following(operation: CompiledOperation, opened: Collection[Key]) -> Iterator[str]:
    """What comes after what starts now: the run in the image that is built, and hooks."""
    if operation.build is not None and any(key.place for key in opened):
        yield f"then, in the image that is built: {operation.name}"
    for hook in operation.hooks:
        yield f"{'at any end' if hook.trigger == 'done' else f'when {hook.trigger}'}: runs {hook.ref}"


def deferred(desired: DesiredState, names: Iterable[str]) -> Iterator[str]:
    """Values of the operations `names` that only a run will know."""
    for name in names:
        if name in desired.roots:
            yield from _unknown(desired.roots[name], name)


def _unknown(operation: CompiledOperation, path: str) -> Iterator[str]:
    if isinstance(operation.body, Leaf):
        for param, reference in sorted(operation.body.references.items()):
            yield f"{path}: {param} is known after {'/'.join(reference.place)}"
        for join in operation.body.joins:
            names = ", ".join(sorted(join.params)) or "a join"
            yield f"{path}: {names} known at start, from the runs that `{short(join.query)}` finds"
        return
    if isinstance(operation.body, Sweep):
        yield from _unknown(operation.body.trial, path)
        return
    for node in operation.body.nodes:
        yield from _unknown(node.operation, f"{path}/{node.operation.name}")
