"""What follows an end, as `termination` of an operation says it: how long what a backend holds of a run stays.

Live fields: they are read of the form that a run goes by when they count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from planner.canon import Json
from planner.desire.nodes import form_of
from planner.desire.view import Draft
from planner.model.attempts import MOST_KEPT
from planner.model.desired import CompiledOperation
from planner.model.records import RunRecord
from planner.query.graph import node_of

__all__ = ["keeps", "operation_of", "ttl_of"]


def operation_of(draft: Draft, run: RunRecord) -> CompiledOperation | None:
    """The compiled operation that a run goes by now; None where its top is not known here."""
    top = draft.run(run.key.top)
    return node_of(form_of(draft, top), run.key.place) if top is not None else None


def ttl_of(draft: Draft, run: RunRecord) -> float:
    """Seconds for which what a backend holds of an attempt of `run` stays after its end."""
    found = section(operation_of(draft, run)).get("ttl")
    return float(found) if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0.0


def keeps(run: RunRecord, now: datetime) -> Iterator[datetime]:
    """Until when the backend keeps what it holds of attempts of `run` that are over."""
    for attempt in run.attempts[-MOST_KEPT:]:
        if attempt.kept_until is not None and not attempt.cleaned and attempt.kept_until > now:
            yield attempt.kept_until


def section(operation: CompiledOperation | None) -> Mapping[str, Json]:
    """What of `termination` no leaf has in a form of its own, by YAML name."""
    found = operation.sections.get("termination") if operation is not None else None
    return found if isinstance(found, Mapping) else {}
