"""What an operation listens to, in the words of an explanation; and the names that nothing in the project has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from planner.canon import Json
from planner.desire.event import listening, refs_of
from planner.model.desired import CompiledOperation
from planner.model.events import RUNS, OutsideEvent
from planner.model.records import RootRecord
from planner.spec.words import nearest
from reconciler.api import views

__all__ = ["event_view", "words_of"]


def words_of(operation: CompiledOperation, records: Mapping[str, RootRecord]) -> Iterator[str]:
    """What starts the operation, and what of it is not there: one sentence each."""
    yield f"it runs by events: {listening(operation) or 'none that ever happens here'}"
    there = [name for name, record in records.items() if record.planned is not None and record.planned.digest]
    for ref in refs_of(operation):
        name = ref.removeprefix(RUNS)
        if ref.startswith(RUNS) and name not in there:
            near = nearest(name, there)
            meant = f"; did you mean `{RUNS}{near}`?" if near else ""
            yield f"it listens to {ref}, and the repository has no operation {name}{meant}"


def event_view(event: OutsideEvent | None) -> Json:
    """The event that started a run, if one did."""
    if event is None:
        return None
    return {
        "id": event.ident,
        "kind": event.kind,
        "ref": event.ref,
        "about": event.about,
        "at": views.instant(event.at),
        "by": event.by,
        "data": dict(event.data),
    }
