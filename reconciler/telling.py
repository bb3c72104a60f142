"""What the facts about a root tell others: roots that listen to its runs, people who are notified, and the store."""

from __future__ import annotations

from collections.abc import Sequence

from planner.fold import RootState
from planner.model.facts import Fact, Noticed
from reconciler.events import Events
from reconciler.notices import Notices
from reconciler.notifier import Notifier
from reconciler.storing import Storing

__all__ = ["Telling"]


class Telling:
    """All together. Called with `core.recording` held."""

    def __init__(self, events: Events, notices: Notices, notifier: Notifier, storing: Storing) -> None:
        self._events = events
        self._notices = notices
        self._notifier = notifier
        self._storing = storing

    async def of_runs(self, before: RootState, facts: Sequence[Fact]) -> tuple[Fact, ...]:
        """What `facts`, recorded on top of `before`, tell others; to be recorded with them."""
        events, notices = await self._events.of_runs(before, facts), await self._notices.of_runs(before, facts)
        return (*events, *notices)

    def owed(self, before: RootState, facts: Sequence[Fact]) -> tuple[Fact, ...]:
        """What is owed to the store for `facts`; to be recorded after them, with their end."""
        return self._storing.of_runs(before, facts)

    def recorded(self, facts: Sequence[Fact]) -> None:
        """Wake whom facts that were recorded just now tell something."""
        self._events.recorded(facts)
        if any(isinstance(fact, Noticed) for fact in facts):
            self._notifier.wake()
        self._storing.recorded(facts)
