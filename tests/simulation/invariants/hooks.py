"""Each end of a run opens the hooks that wait for it, in its own transaction, once; nothing else opens one."""

from __future__ import annotations

from collections import Counter
from datetime import datetime

from planner.keys import Key
from planner.model.desired import CompiledOperation
from planner.model.facts import Carried, Opened, Settled, Withdrawn
from planner.model.status import RunStatus
from tests.simulation.history import History
from tests.simulation.invariants.forms import step_into
from tests.simulation.invariants.replay import Step, replay

NAME = "hooks"


def check(history: History) -> list[str]:
    facts = list(history.facts())
    ends = {(fact.key, fact.at): fact for fact in facts if isinstance(fact, Settled)}
    opened = [fact for fact in facts if isinstance(fact, Opened) and fact.follows is not None]
    found = [
        f"{key} was opened {count} times" for key, count in Counter(fact.key for fact in opened).items() if count > 1
    ]
    followed: dict[tuple[Key, datetime], list[str]] = {}
    for fact in opened:
        assert fact.follows is not None
        end = ends.get((fact.follows, fact.at))
        if end is None:
            found.append(f"{fact.key} follows {fact.follows}, which did not end with it")
        elif fact.given["status"] != str(end.status):
            found.append(f"{fact.key} was told {fact.given['status']} of {fact.follows}, which is {end.status}")
        followed.setdefault((fact.follows, fact.at), []).append(fact.because)
    return found + _missing(history, followed)


def _missing(history: History, followed: dict[tuple[Key, datetime], list[str]]) -> list[str]:
    steps = replay(history).steps
    gone = _gone(steps)
    forms: dict[Key, str] = {}
    not_own: set[Key] = set()
    found = []
    for step in steps:
        match step.fact:
            case Opened() as fact:
                forms[fact.key] = fact.form
                if fact.follows is not None:
                    not_own.add(fact.key)
            case Carried() as fact:
                not_own.add(fact.key)
            case Settled() as fact if fact.key not in not_own and fact.status is not RunStatus.STOPPED:
                excused = (fact.root, id(step.made)) in gone or (fact.key, fact.at) in followed
                if not excused and _always_followed(history, forms.get(fact.key.top, ""), fact):
                    found.append(f"{fact.key} {fact.status} and no hook followed")
            case _:
                pass
    return found


def _gone(steps: tuple[Step, ...]) -> set[tuple[str, int]]:
    """Roots that are removed when a transaction is over: nothing follows what ends in it. By root and `id` of that.

    A generation without a digest says so. Where none ever started there is no such generation: the one that waited is
    withdrawn, and nothing is in force. That a newer target may be there already, which the plan did not know, changes
    nothing of it.
    """
    gone: dict[tuple[str, int], bool] = {}
    for step in steps:
        if step.root_after is not None:
            withdrawn = isinstance(step.fact, Withdrawn) and step.root_after.applied is None
            gone[step.root_after.name, id(step.made)] = step.root_after.gone or withdrawn
    return {name for name, is_gone in gone.items() if is_gone}


def _always_followed(history: History, form: str, end: Settled) -> bool:
    """Whether every live form of its generation has a hook for this end."""
    opened = history.forms.get(form)
    if opened is None:
        return False
    same = [other for other in history.forms.values() if other.digest == opened.digest]  # by any name: renames go on
    return all(_waits(other, end) for other in same)


def _waits(operation: CompiledOperation, end: Settled) -> bool:
    for name in end.key.place:
        operation = step_into(operation, name)
    return any(hook.trigger in {"done", str(end.status)} for hook in operation.hooks)
