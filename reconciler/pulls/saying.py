"""Says things on pull requests: a status by the ledger, a comment by the forge, and what was said as a fact.

The comment comes first, then one record of both: a crash between the two finds the comment by its mark, once, and edits
it. What is said already is not said again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import anyio

from planner.model.facts import Fact, PullNoted, StatusChanged
from planner.model.pulls import Comment, Heard, Owed, PullRecord
from planner.publish import Said, preview_context
from planner.render.markdown import marker
from reconciler.core import Core
from reconciler.ports_pulls import Pulls

__all__ = ["Saying"]


class Saying:
    """What is said, for one instance.

    Attributes:
        records: what was said and heard, by number.
    """

    def __init__(self, core: Core, port: Pulls) -> None:
        self._core = core
        self._port = port
        self._instance = core.policy.identity.instance
        self._turn = anyio.Lock()
        self._looked: datetime | None = None
        self._met: dict[str, datetime] = {}
        self.records: dict[str, PullRecord] = {}

    def meet(self, numbers: Iterable[str]) -> None:
        """These are all the pull requests there are: one that is new was opened after the look before this."""
        before = self._looked or self._core.clock.now()
        self._met = {number: self._met.get(number, before) for number in numbers}
        self._looked = self._core.clock.now()

    async def load(self) -> None:
        """Read what was said in earlier lives."""
        self.records = dict(await self._core.ledger.pulls())

    async def status(self, commit: str, said: Said) -> None:
        """Have the status of `commit` say this, where it does not."""
        await self._record(await self._status(commit, said))

    async def note(self, record: PullRecord, said: Said | None = None, text: str | None = None) -> None:
        """Record what was said, with a status on its head, and the comment that was posted."""
        async with self._turn:
            facts = await self._status(record.head, said) if said is not None else []
            left, earlier = await self._left(record)
            record = replace(self._as_heard(record), earlier=earlier, at=self._core.clock.now())
            facts = [*facts, PullNoted(record.number, record, record.at, left, preview_context(self._instance))]
            await self._record(facts, {record.text: text} if text is not None and record.text else {})
            self.records[record.number] = record

    async def hear(
        self,
        number: str,
        heard: Sequence[Heard],
        owed: Sequence[Owed],
        facts: Sequence[Fact] = (),
        blobs: Mapping[str, str] | None = None,
    ) -> None:
        """Record what was heard on a pull request and is owed there, in one with `facts`; nothing where it is over."""
        async with self._turn:
            record = self.records.get(number)
            if record is not None:
                record = replace(record, heard=tuple(heard), owed=tuple(owed))
                noted = PullNoted(number, record, self._core.clock.now())
                await self._core.ledger.record([*facts, noted], blobs)
                self.records[number] = record

    async def forget(self, number: str) -> None:
        """Know nothing of a pull request any more: nothing will be said on it."""
        async with self._turn:
            record = self.records.get(number)
            if record is not None:
                others = {one.head for one in self.records.values() if one.number != number}
                left = tuple(head for head in (*record.earlier, record.head) if head not in others)
                now = self._core.clock.now()
                await self._record([PullNoted(number, None, now, left, preview_context(self._instance))])
                self.records.pop(number, None)

    async def comment(self, number: str, body: str, *, anew: bool) -> tuple[str, str]:
        """Have the comment say `body`; its id and the digest that `note` keeps it by.

        Without `anew` none is posted where none is there: both are "" then. Where it may come to be is recorded before.

        Raises:
            Transient, Refused: see `Pulls.put_comment`.
        """
        record = self.records.get(number)
        ident = record.comment if record is not None else ""
        if not ident:
            ident = await self._port.find_comment(number, marker(self._instance))
        if not ident and not anew:
            return "", ""
        ident = self._port.ident(Comment(number, body, ident))
        if record is not None and ident != record.comment:
            await self.note(replace(record, comment=ident))
        ident = await self._port.put_comment(Comment(number, body, ident))
        return ident, f"pull:{hashlib.sha256(body.encode('utf-8', 'surrogatepass')).hexdigest()}"

    def _as_heard(self, record: PullRecord) -> PullRecord:
        """With what was heard so far; of one that is new that begins with the look before it was there."""
        before = self.records.get(record.number)
        if before is None:
            return replace(record, since=self._met.get(record.number) or self._core.clock.now())
        return replace(record, since=before.since, heard=before.heard, owed=before.owed)

    async def _status(self, commit: str, said: Said) -> list[Fact]:
        context = preview_context(self._instance)
        known = next((one for one in await self._core.ledger.statuses(commit) if one.context == context), None)
        if known is not None and (known.state, known.description) == (said.state, said.description):
            return []
        return [StatusChanged("", commit, context, said.state, said.description, self._core.clock.now())]

    async def _left(self, record: PullRecord) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Heads before this one whose status was told, and those whose still waits to be."""
        before = self.records.get(record.number)
        if before is None:
            return (), ()
        heads = [head for head in dict.fromkeys((*before.earlier, before.head)) if head != record.head]
        waiting = {one.commit for head in heads for one in await self._core.ledger.statuses(head) if not one.posted}
        return tuple(head for head in heads if head not in waiting), tuple(head for head in heads if head in waiting)

    async def _record(self, facts: Sequence[Fact], blobs: dict[str, str] | None = None) -> None:
        if not facts:
            return
        await self._core.ledger.record(facts, blobs)
        if any(isinstance(fact, StatusChanged) for fact in facts):
            self._core.queue.add("forge")
