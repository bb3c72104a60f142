"""A run that wants an approval starts only after a person gave one to it, or to the DAG that it is a part of."""

from __future__ import annotations

from planner.keys import Key
from planner.model.desired import CompiledOperation
from planner.model.facts import Approved, Intended, Opened
from tests.simulation.history import History
from tests.simulation.invariants.forms import step_into

NAME = "approvals"


def check(history: History) -> list[str]:
    approved: set[Key] = set()
    forms: dict[Key, str] = {}
    found = []
    for fact in history.facts():
        match fact:
            case Approved(key=Key() as key):
                approved.add(key.run)
            case Opened():
                forms[fact.key] = fact.form
            case Intended():
                wanting = _wanting(history, forms.get(fact.key.run, ""), fact.key.run)
                found += [f"{fact.key} was intended, and nobody approved {key}" for key in wanting - approved]
            case _:
                pass
    return found


def _wanting(history: History, form: str, key: Key) -> set[Key]:
    """The runs on the way to a leaf that want to be approved, whichever live fields its generation ever had."""
    opened = history.forms.get(form)
    if opened is None:
        return set()
    same = [other for other in history.forms.values() if other.digest == opened.digest]  # by any name: renames go on
    return set.intersection(*(_of(other, key) for other in same))


def _of(operation: CompiledOperation, key: Key) -> set[Key]:
    if not key.place:
        return {key} if operation.needs_approval else set()
    found = {key.top} if operation.needs_approval else set()
    for name in key.place:
        operation = step_into(operation, name)
    return {*found, key} if operation.needs_approval else found
