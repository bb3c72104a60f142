"""I12: after a person's stop nothing of what was stopped starts again by itself; what a person retries does."""

from __future__ import annotations

from planner.keys import Key
from planner.model.facts import Advanced, Intended, Retried, StopIntended, Withdrawn
from planner.model.status import RunStatus, StopReason
from tests.simulation.history import History
from tests.simulation.invariants.replay import Step, replay

NAME = "I12"


def check(history: History) -> list[str]:
    stopped: set[Key] = set()
    retried: dict[Key, Retried] = {}
    found = []
    for step in replay(history).steps:
        match fact := step.fact:
            case StopIntended():
                if fact.reason is StopReason.BY_PERSON:
                    stopped.add(fact.key.run)
                retried = {key: other for key, other in retried.items() if key.top != fact.key.top}
            case Advanced(digest=None) | Withdrawn() if _removes(step):
                # What was open then had this name, whatever it is called by the end.
                was = step.root_before.open if step.root_before is not None else ()
                retried = {
                    key: other
                    for key, other in retried.items()
                    if key.top not in was and history.state.runs[key.top].root != fact.root
                }
            case Retried():
                stopped.discard(fact.key.top)
                retried |= {_at(fact, place): fact for place in fact.places}
            case Intended() if fact.key.run in stopped:
                found.append(f"{fact.key} was intended after a person stopped it")
            case Intended() if fact.key.place and not fact.key.round and fact.key.top in stopped:
                found.append(f"{fact.key} was intended after a person stopped {fact.key.top}")
            case _:
                pass
    return found + [words for key in retried if (words := _lost(history, key))]


def _removes(step: Step) -> bool:
    """Whether nothing of the root is wanted any more: it is absent, or what never started is withdrawn from nothing."""
    return isinstance(step.fact, Advanced) or step.root_after is None or step.root_after.applied is None


def _at(fact: Retried, place: str) -> Key:
    return Key(fact.key.root, fact.key.cause, tuple(place.split("/")) if place else ()).at_round(fact.round)


def _lost(history: History, key: Key) -> str:
    """What is wrong with a round that nobody stopped."""
    run, top = history.state.runs.get(key), history.state.runs[key.top]
    current = key.round == top.rounds.get("/".join(key.place), 0)
    if not current or _superseded(history, key):
        return ""
    if run is None and any(
        other.key.top == key.top and (_below(other.key, key) or (other.key.place and _below(key, other.key)))
        for other in history.state.runs.values()
    ):
        return ""  # a DAG inside a DAG: its nodes tell its story; or it tells theirs, where it never began
    if run is None:
        return f"{key} was asked for and never opened"
    return f"{key} was asked for and is stopped: {run.reason}" if run.status is RunStatus.STOPPED else ""


def _superseded(history: History, key: Key) -> bool:
    top = history.state.runs[key.top]
    record = history.state.roots[top.root]
    applied, planned = record.applied, record.planned
    if applied is not None and applied.digest is None:
        return True
    if applied is None and planned is not None and planned.digest is None:
        return True  # removed before anything of it was in force
    if applied is not None and top.kind == "service" and top.generation < applied.number:
        return True  # one that a person ran gives way to the service of a newer generation too
    return key.generation is not None and (applied is None or applied.key != key.top)


def _below(key: Key, other: Key) -> bool:
    return len(key.place) > len(other.place) and key.place[: len(other.place)] == other.place
