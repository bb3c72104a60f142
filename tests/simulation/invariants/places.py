"""The part of I11 that is about a parent: no more of its trials, or of its nodes, are at work than its concurrency."""

from __future__ import annotations

from collections.abc import Iterator

from planner.keys import Key, tuner_number
from planner.model.desired import CompiledOperation, Dag, Sweep
from planner.model.facts import Carried, Fact, Intended, Observed, Opened, Vanished
from planner.model.run import Phase
from tests.simulation.history import History
from tests.simulation.invariants.forms import step_into

__all__ = ["crowded"]


def crowded(history: History) -> list[str]:
    """Where more was at work below a parent, when something of it was intended, than any live edit ever let it."""
    found: list[str] = []
    held: set[Key] = set()
    forms: dict[Key, str] = {}
    sources: dict[Key, Key] = {}
    for fact in history.facts():
        match fact:
            case Opened() if not fact.key.place:
                forms[fact.key] = fact.form
            case Carried():
                sources[fact.key] = fact.source
            case Intended():
                held.add(fact.key)
                found += _over(history, fact, (held, sources), forms.get(fact.key.top, ""))
            case _:
                held -= _ended(fact)
    return found


def _ended(fact: Fact) -> set[Key]:
    match fact:
        case Observed() if fact.observation.phase is Phase.ENDED:
            return {fact.observation.key}
        case Vanished():
            return {fact.key}
        case _:
            return set()


def _over(history: History, fact: Intended, at_work: tuple[set[Key], dict[Key, Key]], form: str) -> Iterator[str]:
    opened, key = history.forms.get(form), fact.key
    if opened is None or not key.place:
        return
    same = [other for other in history.forms.values() if other.digest == opened.digest]
    for depth in range(len(key.place)):
        above = key.place[:depth]
        limits = [_limit(other, above) for other in same]
        if None in limits:
            continue
        most = max(limit for limit in limits if limit is not None)
        names = _at_work_below(Key(key.root, key.cause, above), at_work)
        if len(names) > most and key.place[depth] in names:
            yield f"{key} was intended beside {sorted(names)}, and the concurrency above them is {most}"


def _limit(operation: CompiledOperation, place: tuple[str, ...]) -> int | None:
    for name in place:
        operation = step_into(operation, name)
    return operation.body.concurrency if isinstance(operation.body, Dag | Sweep) else None


def _at_work_below(parent: Key, at_work: tuple[set[Key], dict[Key, Key]]) -> set[str]:
    held, sources = at_work
    runs = {attempt.run for attempt in held}
    found = {key for key in runs if _is_below(key, parent)}
    found |= {key for key, source in sources.items() if _is_below(key, parent) and _origin(source, sources) in runs}
    names = {key.place[len(parent.place)] for key in found}
    return {name for name in names if tuner_number(name) is None}  # a concurrency counts trials


def _origin(key: Key, sources: dict[Key, Key]) -> Key:
    while key in sources:
        key = sources[key]
    return key


def _is_below(key: Key, parent: Key) -> bool:
    depth = len(parent.place)
    return (key.root, key.cause) == (parent.root, parent.cause) and key.place[:depth] == parent.place != key.place
