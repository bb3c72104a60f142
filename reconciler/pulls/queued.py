"""Entries of a merge queue: each commit that waits there gets the status of a preview, which the queue may wait for.

Such a commit is a merge already and never changes, and its queue decides by it once: so it is planned once, as it is,
against the world as it is then. It gets a status and nothing else. The pull request that it came from has its own
preview, of which nothing is read or changed here. Where one leaves the queue it is forgotten, and never left pending:
it may be the branch's newest commit by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta

from planner.model.commits import StatusRecord, StatusState
from planner.model.pulls import Pull, PullRecord, is_queued
from planner.publish import Said, preview_context
from reconciler.core import Core
from reconciler.errors import Transient
from reconciler.ports_merge_queue import MergeQueue
from reconciler.pulls.previewing import Previewing
from reconciler.pulls.saying import Saying
from reconciler.telemetry import log

__all__ = ["PLANNING", "Queued"]

PLANNING = Said(StatusState.PENDING, "planning")
_LEFT = Said(StatusState.SUPERSEDED, "left the merge queue before it was planned")
_PATIENCE = timedelta(minutes=10)
"""For so long an entry is tried. Others wait behind it, and GitHub by itself gives up after an hour."""
_NOT_PLANNED = Said(StatusState.ERROR, "could not be planned in 10 minutes: the log of the daemon has the reason")
_UNSEEN = timedelta(days=1)
"""For so long what was in a queue is known that the forge does not show any more."""


class Queued:
    """The merge queue of the branch that is followed.

    Attributes:
        entries: as they were when they were looked at last.
    """

    def __init__(self, core: Core, queue: MergeQueue, most: int, saying: Saying) -> None:
        """Of `most` entries something is said after one look."""
        self._core = core
        self._queue = queue
        self._most = most
        self._saying = saying
        self.entries: Mapping[str, Pull] = {}

    async def look(self) -> Iterable[str]:
        """Look at the queue; the numbers of entries of which something is to be said, or that have left.

        Raises:
            Transient, Refused: not now.
        """
        known = {number: one for number, one in self._saying.records.items() if is_queued(number)}
        found = await self._queue.entries(self._core.policy.branch)
        if found is None:
            self.entries = {}
            old = self._core.clock.now() - _UNSEEN
            return [number for number, record in known.items() if record.at < old]
        self.entries = {entry.number: entry for entry in found}
        due = [number for number, entry in self.entries.items() if not _is_said(known.get(number), entry)]
        if len(due) > self._most:
            # Those of which all is said take no room, so each has its turn: no queue waits for ever for its first.
            log.warning("many entries of the merge queue: some wait for others", most=self._most, of=len(due))
        return [*due[: self._most], *(number for number in known if number not in self.entries)]

    async def turn(self, number: str, previewing: Previewing) -> bool:
        """Say what is to be said of an entry; whether there is more to come.

        Raises:
            Transient, Refused: not now.
        """
        entry, record = self.entries.get(number), self._saying.records.get(number)
        if entry is None:
            return record is not None and await self._leave(record)
        if _is_said(record, entry):
            return False
        if record is None or record.head != entry.head:
            # In one with the status: after a crash it is known whose it is, also where the entry has left by then.
            await self._saying.note(PullRecord(number, entry.head, self._core.clock.now()), PLANNING)
        try:
            await previewing.preview(entry, self._saying.records.get(number))
        except Transient:
            if not await self._gave_up(number):
                raise
        return False

    async def _gave_up(self, number: str) -> bool:
        """Whether it was tried for so long that its queue is told so, instead of waiting for ever."""
        record, now = self._saying.records[number], self._core.clock.now()
        if record.at > now - _PATIENCE:
            return False
        log.warning("a commit of the merge queue could not be planned", commit=record.head)
        base = (await self._core.ledger.project()).head
        await self._saying.note(replace(record, looked=base), _NOT_PLANNED)
        return True

    async def _leave(self, record: PullRecord) -> bool:
        """Forget an entry that has left, when its status is final and told; whether that is still to come."""
        said = await self._status(record.head)
        if said is not None and said.state is StatusState.PENDING and not said.refused:
            await self._saying.note(record, _LEFT)
            return True
        if said is not None and not said.posted:
            return True
        await self._saying.forget(record.number)
        return False

    async def _status(self, head: str) -> StatusRecord | None:
        context = preview_context(self._core.policy.identity.instance)
        return next((one for one in await self._core.ledger.statuses(head) if one.context == context), None)


def _is_said(record: PullRecord | None, entry: Pull) -> bool:
    """Whether the end of its plan was said of this very commit."""
    return record is not None and record.head == entry.head and bool(record.looked)
