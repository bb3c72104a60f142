"""Hooks: each end of a run opens the runs that follow it, in the same plan, so none is forgotten and none comes twice.

Hooks follow every end that is recorded of a run of its own, of a node of a DAG and of a DAG as a whole, once more after
each retry. They do not follow what was carried over, withdrawn before it began or removed, nor each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from planner import keys
from planner.canon import Json
from planner.compile.bind import BindError, inputs_of
from planner.compile.digests import sealed
from planner.compile.types import convert
from planner.desire.nodes import operation_of
from planner.desire.starting import request_of
from planner.desire.view import Draft
from planner.keys import Key
from planner.model.desired import CompiledOperation, Hook, Leaf
from planner.model.facts import Opened, Settled
from planner.model.records import RunRecord
from planner.model.status import RunStatus

__all__ = ["follow"]


def follow(draft: Draft) -> frozenset[Key]:
    """Open the hooks of every end that this plan records; returns their keys."""
    if draft.state.record.gone:
        return frozenset()
    opened: set[Key] = set()
    for fact in tuple(draft.facts):
        run = draft.run(fact.key.run) if isinstance(fact, Settled) else None
        if isinstance(fact, Settled) and run is not None and _counts(run, fact):
            opened.update(_open(draft, run, fact))
    return frozenset(opened)


def _counts(run: RunRecord, fact: Settled) -> bool:
    withdrawn = fact.status is RunStatus.STOPPED and not fact.decided_by and not run.attempts and not run.rounds
    return run.follows is None and run.carried_from is None and not (withdrawn and not run.is_parent)


def _open(draft: Draft, run: RunRecord, fact: Settled) -> Iterator[Key]:
    top = draft.run(run.key.top)
    operation = operation_of(draft, run)
    if operation is None or top is None:
        return
    turn = max(top.rounds.values(), default=0) if run.is_parent else 0
    for index, hook in enumerate(operation.hooks):
        if hook.trigger not in {"done", str(fact.status)}:
            continue
        key = keys.hook(run.key, index, turn)
        yield key
        draft.add(_opened(draft, (run, operation), hook, key))
        if hook.operation.refused:
            draft.add(Settled(draft.name, key, RunStatus.FAILED, f"refused: {hook.operation.refused}", draft.now))


def _opened(draft: Draft, followed: tuple[RunRecord, CompiledOperation], hook: Hook, key: Key) -> Opened:
    run, _ = followed
    operation = sealed(hook.operation, {}, run.commit)
    return Opened(
        root=draft.name,
        key=key,
        kind=operation.kind,
        commit=run.commit,
        generation=run.generation,
        form=draft.keep_form(operation),
        because=f"{run.key} {run.status}: hook {hook.ref}",
        at=draft.now,
        follows=run.key,
        given=_given(draft, *followed),
    )


def _given(draft: Draft, run: RunRecord, operation: CompiledOperation) -> Mapping[str, Json]:
    """What a hook knows of the run; see `planner.compile.hooks.GIVEN`."""
    identity, ended = draft.view.identity, run.finished_at or draft.now
    started = run.started_at or run.opened_at
    return {
        "name": operation.name,
        "uuid": run.key.short_id(identity.instance, identity.project),
        "kind": run.kind,
        "status": str(run.status),
        "runtime": run.kind,
        "wait_time": _seconds(run.opened_at, started),
        "duration": _seconds(started, ended),
        "inputs": _inputs(draft, run, operation),
        "outputs": _outputs(run, operation),
        "condition": {"type": str(run.status), "reason": run.reason},
    }


def _seconds(since: datetime, until: datetime) -> float:
    return max((until - since).total_seconds(), 0.0)


def _outputs(run: RunRecord, operation: CompiledOperation) -> dict[str, Json]:
    """The outputs, those that are declared as their type has them: a program may have written text."""
    declared = operation.body.outputs if isinstance(operation.body, Leaf) else ()
    types = {output.name: output.type for output in declared}
    found: dict[str, Json] = {}
    for name, value in run.outputs.items():
        try:
            found[name] = convert(value, types.get(name, ""))
        except ValueError:
            found[name] = value
    return found


def _inputs(draft: Draft, run: RunRecord, operation: CompiledOperation) -> dict[str, Json]:
    """The inputs of a run as far as they are known: one that never began may lack some."""
    if not isinstance(operation.body, Leaf):
        return {}
    try:
        return inputs_of(request_of(draft, run.key, operation, run))
    except BindError:
        known = operation.body.params
        return {item.name: known[item.name] for item in operation.body.inputs if item.name in known}
