"""Folding what a root listens to, and the events that it has heard of."""

from __future__ import annotations

from dataclasses import replace

from planner.model.events import OutsideEvent
from planner.model.facts import Happened, Listened, PassedOver
from planner.model.records import RootRecord

__all__ = ["fold_event", "without_event"]


def fold_event(record: RootRecord, fact: Listened | Happened | PassedOver) -> RootRecord:
    """The root's record after `fact`; an event that is told twice before anything was decided of it is one."""
    match fact:
        case Listened():
            return replace(record, listens=fact.listens)
        case Happened():
            return replace(record, events=(*without_event(record.events, fact.event), fact.event))
        case PassedOver():
            return replace(record, events=tuple(event for event in record.events if event.ident != fact.ident))


def without_event(events: tuple[OutsideEvent, ...], event: OutsideEvent | None) -> tuple[OutsideEvent, ...]:
    """`events` but that one."""
    return events if event is None else tuple(other for other in events if other.ident != event.ident)
