"""Listens to what is written on open pull requests, after each look at them. One life of it at a time.

What a comment asks for and that it was heard is one transaction: a crash neither loses nor doubles a command. Every
look goes back some minutes, as forges show comments late; what was heard is known by the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import anyio

from planner.model.pulls import Heard, Owed, Part, PullState
from planner.remarks import Wish, wishes_of
from reconciler.core import Core
from reconciler.errors import Refused, Transient, Unusable
from reconciler.ports_pulls import Pulls
from reconciler.ports_remarks import Remark, Remarks
from reconciler.pulls.pulling import Pulling
from reconciler.remarks.answering import Answering
from reconciler.remarks.limits import OLDEST, is_due, is_edited, kept, too_many
from reconciler.remarks.obeying import Obeyed, Obeying
from reconciler.remarks.rights import Rights, Rules
from reconciler.telemetry import log

__all__ = ["Hearing"]

_STUCK = "commands in comments"
_BACK = timedelta(minutes=10)
_SOON, _LONGEST = 0.5, 300.0
_REFUSED = "not obeyed: `commands` of the daemon's configuration says who may give commands, and you are not among them"
_EDITED = "not obeyed: the comment was changed after it was written, by whomever; write a new one"


class Hearing:
    """Hears commands, has them done, and answers."""

    def __init__(self, core: Core, port: Remarks, pulls: Pulls, pulling: Pulling, rules: Rules) -> None:
        self._core = core
        self._port = port
        self._pulling = pulling
        self._rights = Rights(port, rules)
        self._obeying = Obeying(core, port, pulling, approve_own=rules.approve_own)
        self._answering = Answering(core, port, pulls, pulling.saying)
        self._began = core.clock.now()
        self._since: datetime | None = None
        self._woken = anyio.Event()
        self._failures = 0
        self._resumed = False
        self._unseen = False
        pulling.looked = self.wake

    def wake(self) -> None:
        """Have it look soon."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            wait = await self.turn()
            if wait is None:
                await self._woken.wait()
            else:
                await anyio.sleep(wait)

    async def turn(self) -> float | None:
        """Look, and answer; seconds until there is more to do, None for the next look at pull requests."""
        if self._core.draining:
            self._woken = anyio.Event()
            return None
        try:
            if self._woken.is_set():
                self._woken = anyio.Event()
                self._unseen = True
            refused = await self._looked() if self._unseen else None
            waits = await self._answering.pay()
            if refused is not None:
                return self._refused(refused)
        except Transient as error:
            return self._back_off(error.message, error.after)
        except Refused as error:
            return self._refused(error)
        except Unusable:
            raise
        except Exception as error:  # noqa: BLE001 -- our own fault: the rest of the daemon goes on
            log.exception("hearing commands crashed")
            self._pulling.stuck[_STUCK] = f"hearing commands fails, a fault of Plumbline ({type(error).__name__})"
            return self._back_off("", None)
        self._failures = 0
        self._pulling.stuck.pop(_STUCK, None)
        return _SOON if waits else None

    def _refused(self, error: Refused) -> float:
        self._pulling.stuck[_STUCK] = error.message
        return self._back_off(error.message, None)

    def _back_off(self, reason: str, after: float | None) -> float:
        self._failures += 1
        wait = max(after or 0.0, min(2.0 ** min(self._failures - 1, 10), _LONGEST))
        if reason:
            log.warning("commands in comments wait", reason=reason, seconds=round(wait, 1))
        return wait

    async def _looked(self) -> Refused | None:
        """Look; what the forge refuses, which is no reason to leave others without their answers."""
        try:
            await self._look()
        except Refused as error:
            return error
        self._unseen = False
        return None

    async def _look(self) -> None:
        """Hear all that was written since the last look, and the minutes before."""
        records, now = self._pulling.saying.records, self._core.clock.now()
        if not self._resumed:
            self._resume()
        numbers = [
            number for number, pull in self._pulling.seen.items() if pull.state is PullState.OPEN and number in records
        ]
        if not numbers:
            return
        since = self._since or now - OLDEST
        found = await self._port.remarks(since, numbers)
        refused: Refused | None = None
        for remark in found:
            try:
                await self._hear(remark)
            except Refused as error:  # it waits; others may not need what the forge refuses
                refused = refused or error
        if refused is not None:
            raise refused
        newest = max((remark.changed for remark in found), default=since)
        # As it was while nothing is written: a forge that is asked the same need not answer anew.
        self._since = max(since, min(newest, now - _BACK))

    def _resume(self) -> None:
        """Have planned what an earlier life was asked to plan, and did not say so."""
        self._resumed = True
        for number, record in self._pulling.saying.records.items():
            if any(part.plans for owed in record.owed for part in owed.parts):
                self._pulling.again(number)

    async def _hear(self, remark: Remark) -> None:
        record, now = self._pulling.saying.records.get(remark.pull), self._core.clock.now()
        if record is None or not is_due(remark, record, self._began, now):
            return
        wishes = wishes_of(remark.body)
        if not wishes or too_many(remark, record.heard, allowed=True):
            return
        allowed = await self._rights.may(remark)
        if too_many(remark, record.heard, allowed=allowed):
            return
        made = await self._made(remark, wishes, allowed=allowed)
        heard = (*kept(record.heard, now), Heard(remark.ident, remark.account, remark.at, allowed))
        owed = Owed(remark.ident, remark.login, self._core.clock.now(), tuple(made.parts))
        record = self._pulling.saying.records.get(remark.pull)
        if record is None:
            return  # it was closed meanwhile
        await self._pulling.saying.hear(remark.pull, heard, (*record.owed, owed), made.facts, made.blobs)
        for fact in made.facts:
            self._core.queue.add(f"root:{fact.root}")
        if any(part.plans for part in made.parts):
            self._pulling.again(remark.pull)

    async def _made(self, remark: Remark, wishes: Sequence[Wish], *, allowed: bool) -> Obeyed:
        if not allowed:
            return Obeyed([Part(wishes[0].text, _REFUSED, good=False)])
        if is_edited(remark):
            return Obeyed([Part(wishes[0].text, _EDITED, good=False)])
        return await self._obeying.obeyed(remark, wishes)
