"""What an operation starts with: the values of its references, and whether its condition lets it start.

Reads the draft alone and records nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from planner.canon import Json
from planner.compile.bind import BindError, BindRequest, inputs_of
from planner.compile.gate import holds
from planner.desire.bests import of_best
from planner.desire.elsewhere import are_there, context_of, value_of
from planner.desire.joining import with_joined
from planner.desire.nodes import effective, latest, operation_of, place_of, upstream, value
from planner.desire.trials import params_of
from planner.desire.view import Draft
from planner.keys import Key
from planner.model.desired import CompiledOperation, Condition, Dag, Leaf, Reference
from planner.model.records import RunRecord
from planner.model.status import RunStatus
from planner.spec.words import short

__all__ = ["kept_from", "request_of", "start_of"]


def start_of(
    draft: Draft, top: CompiledOperation, run: RunRecord, operation: CompiledOperation
) -> BindRequest | tuple[RunStatus, str] | None:
    """What a leaf starts with; or how it ends without a start, and why; or None where it must wait.

    Args:
        draft: the state.
        top: the operation of its top.
        run: its record.
        operation: its body is a `Leaf`.
    """
    leaf = operation.body
    assert isinstance(leaf, Leaf)
    try:
        if not are_there(draft, run, _named(operation, leaf)):
            return None
    except BindError as error:
        return RunStatus.FAILED, str(error)
    if leaf.joins:
        return _joined(draft, top, run, operation)
    kept = kept_from(draft, run.key, operation, run)
    if kept is not None:
        return kept
    try:
        return request_of(draft, run.key, operation, run)
    except BindError as error:
        return RunStatus.FAILED, str(error)


def _joined(
    draft: Draft, top: CompiledOperation, run: RunRecord, operation: CompiledOperation
) -> BindRequest | tuple[RunStatus, str] | None:
    """The condition may read what joins find, so here all values come first."""
    try:
        found = with_joined(draft, top, run, request_of(draft, run.key, operation, run))
        if found is None or operation.condition is None or holds(found):
            return found
    except BindError as error:
        return RunStatus.FAILED, str(error)
    return RunStatus.SKIPPED, _not_met(operation.condition)


def request_of(draft: Draft, key: Key, operation: CompiledOperation, opened: RunRecord) -> BindRequest:
    """What a leaf starts with, but for what its joins find.

    Args:
        draft: the state.
        key: of the run.
        operation: its body is a `Leaf`.
        opened: a record that tells when and why: the run's own, or the one above it.

    Raises:
        BindError: a node that should have a value does not.
    """
    leaf = operation.body
    assert isinstance(leaf, Leaf)
    context = {**upstream(draft, key, leaf), **context_of(draft, key, leaf.references.values())}
    return _request(draft, key, operation, (opened, leaf.references, context))


def kept_from(draft: Draft, key: Key, operation: CompiledOperation, opened: RunRecord) -> tuple[RunStatus, str] | None:
    """How an operation without joins ends that does not start, and why; None where it may start.

    Args:
        draft: the state.
        key: of the run.
        operation: a leaf or a DAG.
        opened: a record that tells when and why: the run's own, or the one above it.
    """
    condition = operation.condition
    if condition is None:
        return None
    try:
        if holds(_request(draft, key, operation, (opened, condition.references, {}))):
            return None
    except BindError as error:
        return RunStatus.FAILED, str(error)
    return RunStatus.SKIPPED, _not_met(condition)


def _named(operation: CompiledOperation, leaf: Leaf) -> Iterator[Reference]:
    yield from leaf.references.values()
    if operation.condition is not None:
        yield from operation.condition.references.values()


def _value(draft: Draft, key: Key, reference: Reference) -> Json:
    if reference.run:
        return value_of(draft, key, reference)
    reference = of_best(draft, key, reference)
    match reference.path:
        case ("inputs",):
            return _given_to(draft, key, reference)
        case ("inputs", name):
            given = _given_to(draft, key, reference)
            if name not in given:
                # Where its attempt was: paths and ports.
                raise BindError(f"{reference} is not known: only the backend of that run had what it is made of")
            return given[name]
        case ("io",):
            run = draft.run(latest(draft, key, place_of(key, reference)))
            left = run is not None and effective(draft, run).artifacts is not None
            outputs, artifacts = (replace(reference, path=(section,)) for section in ("outputs", "artifacts"))
            return {
                "inputs": _given_to(draft, key, reference),
                "outputs": value(draft, key, outputs),
                "artifacts": value(draft, key, artifacts) if left else None,
            }
        case _:
            return value(draft, key, reference)


def _given_to(draft: Draft, key: Key, reference: Reference) -> Mapping[str, Json]:
    """The inputs of another node, as they were when it started: made once more of what it was made of.

    Raises:
        BindError: it never had them.
    """
    place = place_of(key, reference)
    run = draft.run(latest(draft, key, place))
    operation = operation_of(draft, run) if run is not None else None
    if run is not None and operation is not None and isinstance(operation.body, Dag):
        return params_of(draft, run)  # what a sweep gives to a DAG; all else of a DAG was settled when it was compiled
    if run is None or operation is None or not isinstance(operation.body, Leaf):
        raise BindError(f"{reference} is not known: {'/'.join(place)} has not run")
    return inputs_of(request_of(draft, run.key, operation, run))


def _not_met(condition: Condition) -> str:
    return f"the condition `{short(condition.written)}` does not hold"


def _request(
    draft: Draft,
    key: Key,
    operation: CompiledOperation,
    given: tuple[RunRecord, Mapping[str, Reference], Mapping[str, Json]],
) -> BindRequest:
    opened, references, context = given
    identity = draft.view.identity
    top = draft.run(key.top)
    return BindRequest(
        operation=operation,
        key=key,
        values={
            **opened.given,
            **params_of(draft, opened),
            **{name: _value(draft, key, reference) for name, reference in references.items()},
        },
        upstream=context,
        identity=(identity.instance, identity.project),
        commit=opened.commit,
        opened_at=opened.opened_at,
        because=opened.because,
        event=top.event if top is not None else None,
    )
