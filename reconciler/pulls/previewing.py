"""One open pull request: merged, planned where that says something new, and told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from planner.model.commits import StatusState
from planner.model.desired import DesiredState
from planner.model.pulls import Pull, PullRecord, is_queued
from planner.publish import Said, shorten
from planner.render.check import failed_check
from planner.render.foreign import phrase
from planner.render.markdown import marker
from planner.render.verdict import conflict, stale
from reconciler.core import Core
from reconciler.errors import Refused, Transient
from reconciler.pulls.checking import Checking
from reconciler.pulls.parts import Parts
from reconciler.pulls.planning import Planning, Told, world_digest
from reconciler.pulls.saying import Saying
from reconciler.source.merging import Conflicted, Contained, Merged, Unrelated

__all__ = ["Previewing"]

_CONTAINED = Said(StatusState.SUCCESS, "nothing to merge: its head is in the branch already")
_UNRELATED = Said(StatusState.FAILURE, "has no history in common with the branch")


class Previewing:
    """Previews.

    Attributes:
        base: gives the newest planned state of the branch, where that is known.
        anew: numbers of pull requests that are planned though nothing of theirs changed.
    """

    def __init__(self, core: Core, parts: Parts, saying: Saying, counted: Counter[str]) -> None:
        self._core = core
        self._parts = parts
        self._saying = saying
        self._counted = counted
        self._checking = Checking(parts.checks, saying)
        self._planning = Planning(core, parts.compiler, parts.port.limit, checks=parts.checks is not None)
        self.base: Callable[[], DesiredState | None] = lambda: None
        self.anew: set[str] = set()

    async def preview(self, pull: Pull, record: PullRecord | None) -> bool:
        """Say what merging `pull` would do; False where its head is in the branch already.

        Raises:
            Transient, Refused: not now.
        """
        base = (await self._core.ledger.project()).head
        told: Told | None = None
        failed: Said | None = None
        delta, refused = "", False
        try:
            async with self._parts.merging.merge(pull, base) as found:
                self._counted["merges"] += 1
                match found:
                    case Merged():
                        told, delta = await self._plan(pull, record, found), found.delta
                    case Contained() if record is not None and not is_queued(pull.number):
                        return False
                    case Contained():
                        failed = _CONTAINED
                    case Conflicted(paths):
                        failed = conflict(paths)
                    case Unrelated():
                        failed = _UNRELATED
        except Refused as error:
            failed, refused = Said(StatusState.FAILURE, shorten(error.message)), True
        # What is posted is posted when the merged tree is gone: a forge may take its time.
        if failed is not None:
            await self._fail(pull, failed, base, refused=refused)
        elif told is None:
            await self._same(pull, base)
        else:
            await self._tell(pull, told, base, delta)
        return True

    async def _plan(self, pull: Pull, record: PullRecord | None, merged: Merged) -> Told | None:
        """The plan; None where it would say what was said."""
        if record is not None and record.base and not record.unchecked and pull.number not in self.anew:
            same = (record.head, record.delta) == (pull.head, merged.delta)
            roots = await self._core.ledger.roots()
            if same and record.world == world_digest(self._core, roots, record.roots):
                return None
        desired = self.base()
        before = desired if desired is not None and desired.commit == merged.base else None
        told = await self._planning.of(pull, merged, before)
        self._counted["plans"] += 1
        self.anew.discard(pull.number)
        return told

    async def _tell(self, pull: Pull, told: Told, base: str, delta: str) -> None:
        record = PullRecord(
            number=pull.number,
            head=pull.head,
            at=self._core.clock.now(),
            base=base,
            looked=base,
            delta=delta,
            world=told.world,
            roots=told.roots,
        )
        await self._say(pull, record, told)

    async def _fail(self, pull: Pull, said: Said, base: str, *, refused: bool = False) -> None:
        """Say that there is no plan, and why."""
        instance = self._core.policy.identity.instance
        record = PullRecord(pull.number, pull.head, self._core.clock.now(), looked=base, refused=refused)
        record = replace(record, world=world_digest(self._core, await self._core.ledger.roots(), ()))
        body = f"{marker(instance)}\n### Plumbline has no plan\n\n{phrase(said.description)}\n"
        check = failed_check(said, pull.head, instance, body)
        await self._say(pull, record, Told(said, body, wanted=False, roots=(), world=record.world, check=check))

    async def _say(self, pull: Pull, record: PullRecord, told: Told) -> None:
        """Post or edit the comment where there is to be one, record all of it, and put the check that is due."""
        before, body = self._saying.records.get(pull.number), told.body
        has_one = before is not None and (bool(before.comment) or before.asked)
        # An entry of a merge queue has a status alone: its pull request is where people talk.
        allowed = not is_queued(pull.number) and (not pull.fork or self._parts.rules.forks == "comment")
        wanted = told.wanted and allowed
        failed = told.said.state is StatusState.FAILURE and allowed
        check = self._checking.due(before, told.check, wanted=wanted or failed)
        record = replace(record, check=before.check if before is not None else "", unchecked=check is not None)
        text = None
        if before is not None and await self._stands(before, record, body):
            record = replace(record, comment=before.comment, text=before.text)
        elif has_one or wanted:
            if not has_one:
                # A crash from here on leaves a comment that may be there: whoever comes next must know.
                await self._saying.note(replace(record, base="", looked="", asked=True))
            try:
                comment, digest = await self._saying.comment(pull.number, body, anew=wanted)
            except (Transient, Refused) as error:
                # These go their own ways: who speaks there may not comment at all.
                await self._saying.status(pull.head, told.said)
                if isinstance(error, Refused):
                    await self._checking.put(pull.number, check)
                raise
            record, text = replace(record, comment=comment, text=digest), body if digest else None
        await self._saying.note(record, told.said, text)
        await self._checking.put(pull.number, check)

    async def _stands(self, before: PullRecord, record: PullRecord, body: str) -> bool:
        """Whether the comment says all of it already; when it was planned is no news."""
        if not before.comment or before.marked or before.head != record.head:
            return False
        said = await self._core.ledger.blob(before.text) or ""
        return said.rsplit("<sub>", 1)[0] == body.rsplit("<sub>", 1)[0]

    async def _same(self, pull: Pull, base: str) -> None:
        """The plan is what it was: note what it was compared with, and mark a comment that names another base."""
        record = self._saying.records[pull.number]
        if record.looked == base:
            return
        body = await self._core.ledger.blob(record.text) if record.comment and not record.marked else None
        if body is not None:
            comment, _ = await self._saying.comment(pull.number, stale(body, base), anew=True)
            record = replace(record, comment=comment, marked=True)
            self._counted["marks"] += 1
        await self._saying.note(replace(record, looked=base))
