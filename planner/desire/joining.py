"""What the joins of an operation find when it is about to start: asked once, and part of what the run is bound to.

Joins ask the ledger, and the ledger knows what is recorded. So where this plan has decided something of the runs before
this one, it is recorded first, and the plan that follows asks. This module must never look for runs in the draft.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from planner.canon import Json
from planner.compile.bind import BindError, BindRequest
from planner.compile.joining import questions
from planner.desire.nodes import globals_of, said_by
from planner.desire.view import Draft, Identity, Wait
from planner.fold import run_of
from planner.keys import Key
from planner.model.desired import CompiledOperation, Dag, Leaf, Reference
from planner.model.facts import Bound, Opened
from planner.model.questions import Matched
from planner.model.records import RunRecord
from planner.model.run import JoinedRuns

__all__ = ["with_joined"]


def with_joined(draft: Draft, top: CompiledOperation, run: RunRecord, request: BindRequest) -> BindRequest | None:
    """The request with what its joins find; None while they cannot be asked, or are not answered.

    Args:
        draft: takes the questions, or the wait.
        top: the operation of the run's top.
        run: about to be bound.
        request: what it is bound with otherwise.

    Raises:
        BindError: a join cannot be asked.
    """
    leaf = request.operation.body
    if not isinstance(leaf, Leaf) or not leaf.joins:
        return request
    if _is_unrecorded(draft, top, run.key):
        draft.waits.append(Wait(run.key, "the record of what its joins may find", run.opened_at))
        draft.wakes.append(draft.now)
        return None
    values, found = dict(request.values), []
    for join, question in questions(request):
        matched = draft.find(question)
        if matched is None:
            continue
        for name, path in join.params.items():
            if path[-1].startswith("{"):
                values[name] = _picked(matched, path[-1], draft.view.identity)
            else:
                values[name] = [_value(one, path, draft.view.identity) for one in matched]
        found.append(JoinedRuns(question.query, tuple(join.params), tuple(one.run.key for one in matched)))
    if len(found) < len(leaf.joins):
        return None
    return replace(request, values=values, joined=tuple(found))


def _value(matched: Matched, path: tuple[str, ...], identity: Identity) -> Json:
    """What a run has there; None where it has nothing."""
    section, *rest = path
    if section == "globals":
        return globals_of(matched.run, matched.source, identity)[rest[0]]
    if section == "io":
        left = _left(matched, ("artifacts",), identity)
        return {"inputs": dict(matched.inputs), "outputs": dict(matched.source.outputs), "artifacts": left}
    if section == "artifacts":
        return _left(matched, path, identity)
    found = matched.inputs if section == "inputs" else matched.source.outputs
    return found.get(rest[0]) if rest else dict(found)


def _left(matched: Matched, path: tuple[str, ...], identity: Identity) -> Json:
    """Paths of what a run left, as its backend has them; None where it did not leave it."""
    try:
        return said_by(matched.run, matched.source, Reference((matched.run.key.root,), path), identity)
    except BindError:
        return None


def _picked(matched: Sequence[Matched], wanted: str, identity: Identity) -> Json:
    """`files` and `dirs` of all runs as one value, each with a place below the id of its run (reference, 17.1)."""
    found: dict[str, list[Json]] = {section: [] for section in json.loads(wanted)}
    for one in matched:
        left, ident = one.source.artifacts, one.run.key.short_id(identity.instance, identity.project)
        if left is None:
            continue
        for section, entries in json.loads(wanted).items():
            for entry in entries:
                source, target = entry if isinstance(entry, list) else (entry, entry)
                found[section].append([f"{left.folder}/{source}", f"{ident}/{target}"])
    return found


def _is_unrecorded(draft: Draft, top: CompiledOperation, key: Key) -> bool:
    """Whether something is decided here, and not recorded yet, of a run that the operation comes after.

    Of a DAG these are all nodes before it; else its next plan might be full of news too, and it would wait for as long
    as the DAG is busy. Of a root that is a leaf, all of its other runs.
    """
    before = tuple(_before(top, key.place))
    for fact in draft.facts:
        other = run_of(fact)
        if other is None or other == key or isinstance(fact, Opened | Bound):
            continue
        if other.top != key.top:
            if not key.place:
                return True
        elif any(other.place[: len(place)] == place for place in before):
            return True
    return False


def _before(top: CompiledOperation, place: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Places of the nodes that the one at `place`, or a DAG around it, comes after."""
    for depth, name in enumerate(place):
        if not isinstance(top.body, Dag):
            return
        dag = top.body
        seen, left = {name}, [name]
        while left:
            fresh = [other for other in dag.nodes[dag.positions[left.pop()]].upstream if other not in seen]
            seen.update(fresh)
            left += fresh
        yield from ((*place[:depth], other) for other in seen - {name})
        top = dag.nodes[dag.positions[name]].operation
