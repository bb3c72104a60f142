"""What an operation starts with: the values of its references, and whether its condition lets it start.

Reads the draft alone and records nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from planner.canon import Json
from planner.compile.bind import BindError, BindRequest
from planner.compile.gate import holds
from planner.desire.nodes import upstream, value
from planner.desire.view import Draft
from planner.keys import Key
from planner.model.desired import CompiledOperation, Leaf, Reference
from planner.model.records import RunRecord
from planner.model.status import RunStatus
from planner.spec.words import short

__all__ = ["kept_from", "request_of"]


def request_of(draft: Draft, key: Key, operation: CompiledOperation, opened: RunRecord) -> BindRequest:
    """What a leaf starts with.

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
    return _request(draft, key, operation, (opened, leaf.references, upstream(draft, key, leaf)))


def kept_from(draft: Draft, key: Key, operation: CompiledOperation, opened: RunRecord) -> tuple[RunStatus, str] | None:
    """How an operation ends that does not start, and why; None where it may start. See `request_of`."""
    condition = operation.condition
    if condition is None:
        return None
    try:
        if holds(_request(draft, key, operation, (opened, condition.references, {}))):
            return None
    except BindError as error:
        return RunStatus.FAILED, str(error)
    return RunStatus.SKIPPED, f"the condition `{short(condition.written)}` does not hold"


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
        values={**opened.given, **{name: value(draft, key, reference) for name, reference in references.items()}},
        upstream=context,
        identity=(identity.instance, identity.project),
        commit=opened.commit,
        opened_at=opened.opened_at,
        because=opened.because,
        event=top.event if top is not None else None,
    )
