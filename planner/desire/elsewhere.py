"""Values of runs of the project that an operation names by their id, wherever they are (`ref: runs.ID`).

Asked when it is about to start: a run that is still going on is waited for, one that is not there ends it. This module
must never read a run before it has ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from planner.canon import Json
from planner.compile.bind import BindError
from planner.desire.nodes import said_by, told_of
from planner.desire.view import Draft, Wait
from planner.keys import Key
from planner.model.desired import Reference
from planner.model.questions import Joined, Matched
from planner.model.records import RunRecord

__all__ = ["are_there", "context_of", "value_of"]


def are_there(draft: Draft, run: RunRecord, references: Iterable[Reference]) -> bool:
    """Whether every run that `references` name has ended; else the question or the wait is the draft's.

    Raises:
        BindError: one does not exist.
    """
    there = True
    for ident in sorted({reference.run for reference in references} - {""}):
        found = draft.find(_question(draft, run.key, ident))
        if found is None:
            there = False
        elif not found and draft.view.alone:
            draft.waits.append(Wait(run.key, f"{ident}, which is looked for when it starts", run.opened_at))
            there = False
        elif not found:
            raise BindError(f"there is no run {ident} in this project, or it was removed")
        elif not found[0].run.status.final:
            _wait(draft, run, found[0].run.key, ident)
            there = False
    return there


def value_of(draft: Draft, key: Key, reference: Reference) -> Json:
    """What the run says that `are_there` found.

    Raises:
        BindError: it does not have it.
    """
    found = _found(draft, key, reference)
    section, *rest = reference.path
    if section == "io":
        artifacts = _said(found, Reference(reference.place, ("artifacts",)), draft) if found.source.artifacts else None
        return {"inputs": dict(found.inputs), "outputs": dict(found.source.outputs), "artifacts": artifacts}
    if section != "inputs":
        return _said(found, reference, draft)
    if rest and rest[0] not in found.inputs:
        raise BindError(f"{reference.run} has no input {rest[0]!r}")
    return found.inputs[rest[0]] if rest else dict(found.inputs)


def context_of(draft: Draft, key: Key, references: Iterable[Reference]) -> Mapping[str, Json]:
    """The context file's section on the runs that `references` name."""
    found = {reference.place[0]: _found(draft, key, reference) for reference in references if reference.run}
    return {name: told_of(one.source) for name, one in found.items()}


def _found(draft: Draft, key: Key, reference: Reference) -> Matched:
    found = draft.find(_question(draft, key, reference.run))
    assert found
    return found[0]


def _said(found: Matched, reference: Reference, draft: Draft) -> Json:
    return said_by(found.run, found.source, reference, draft.view.identity)


def _wait(draft: Draft, run: RunRecord, other: Key, ident: str) -> None:
    draft.waits.append(Wait(run.key, f"the end of {ident} ({other})", run.opened_at))
    known = draft.run(other)
    if known is not None and known.status.final:
        draft.wakes.append(draft.now)  # it ends in this very plan: the next one reads what is recorded of it
    else:
        draft.watched.setdefault(other, set()).add(run.key.top)


def _question(draft: Draft, key: Key, ident: str) -> Joined:
    # Recorded knowledge alone counts, as for joins: what this plan decides of that run is read by the next.
    return Joined(f"uuid: {ident}", "", 1, 0, draft.now, key.run, inputs=True)
