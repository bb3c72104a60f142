"""Answers to comments: a reaction and one comment for each, when what it asked for was planned.

They are owed until they were posted. A crash between posting and noting that posts it again; none is lost.
"""

from __future__ import annotations

from datetime import timedelta

from planner.model.pulls import Comment, Owed, Part, PullRecord
from planner.render.foreign import code, phrase
from reconciler.core import Core
from reconciler.errors import Refused
from reconciler.ports_pulls import Pulls
from reconciler.ports_remarks import Remarks
from reconciler.pulls.saying import Saying

__all__ = ["Answering"]

_PATIENCE = timedelta(seconds=60)
_WAITS = "recorded, and not planned yet: it counts as soon as the daemon gets to it"
_LONGEST_TEXT, _LONGEST_WORDS = 100, 500


class Answering:
    """Pays what is owed."""

    def __init__(self, core: Core, port: Remarks, pulls: Pulls, saying: Saying) -> None:
        self._core = core
        self._port = port
        self._pulls = pulls
        self._saying = saying

    async def pay(self) -> bool:
        """Answer what can be answered now; whether some of it waits to be planned.

        Raises:
            Transient, Refused: as the forge; the rest is still owed.
        """
        waits, refused = False, None
        for number in list(self._saying.records):
            record = self._saying.records.get(number)
            for owed in record.owed if record is not None else ():
                parts = await self._parts(number, owed)
                if parts is None:
                    waits = True
                    continue
                try:
                    await self._answer(number, owed, parts)
                except Refused as error:  # as on one that is locked; others are not
                    refused = refused or error
        if refused is not None:
            raise refused
        return waits

    async def _answer(self, number: str, owed: Owed, parts: list[Part]) -> None:
        await self._port.react(number, owed.ident, good=all(part.good for part in parts))
        await self._pulls.put_comment(Comment(number, _body(owed, parts)))
        record = self._saying.records.get(number)
        if record is not None:
            left = tuple(one for one in record.owed if one.ident != owed.ident)
            await self._saying.hear(number, record.heard, left)

    async def _parts(self, number: str, owed: Owed) -> list[Part] | None:
        """Each part with its answer; None while something is to be waited for."""
        late = self._core.clock.now() - owed.at > _PATIENCE
        found: list[Part] = []
        for part in owed.parts:
            done = await self._part(part, owed, self._saying.records.get(number))
            if done is None and not late:
                return None
            found.append(done or Part(part.text, _WAITS))
        return found

    async def _part(self, part: Part, owed: Owed, record: PullRecord | None) -> Part | None:
        if part.words:
            return part
        if part.plans:
            return Part(part.text, "planned anew") if record is not None and record.at > owed.at else None
        answers = [await self._core.ledger.answer(ident) for ident in part.commands]
        there = [answer for answer in answers if answer is not None]
        if len(there) < len(answers):
            return None
        words = "; ".join(dict.fromkeys(answer.message for answer in there))
        return Part(part.text, words or "nothing to do", good=all(answer.ok for answer in there))


def _body(owed: Owed, parts: list[Part]) -> str:
    lines = [
        f"- {code(_short(part.text, _LONGEST_TEXT))}: {phrase(_short(part.words, _LONGEST_WORDS))}" for part in parts
    ]
    return "\n".join((f"To {code(owed.login[:100])}:", "", *lines, ""))


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
