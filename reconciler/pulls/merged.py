"""One pull request that is not open any more: its comment becomes what came of it, until that is final."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from planner.model.pulls import Pull, PullState
from planner.render.outcome import outcome_markdown
from reconciler.core import Core
from reconciler.pulls.outcomes import outcome_of, planned_with
from reconciler.pulls.parts import Parts
from reconciler.pulls.saying import Saying

__all__ = ["AfterMerge"]


class AfterMerge:
    """Looks at what came of merges."""

    def __init__(self, core: Core, parts: Parts, saying: Saying, counted: Counter[str]) -> None:
        self._core = core
        self._parts = parts
        self._saying = saying
        self._counted = counted

    async def look(self, pull: Pull | None, number: str) -> bool:
        """Say what came of a pull request; whether there is more to come.

        Args:
            pull: as the forge says it; None where that does not know it any more.
            number: of it.

        Raises:
            Transient, Refused: not now.
        """
        record = self._saying.records.get(number)
        if record is None:
            return pull is not None and pull.state is PullState.OPEN  # its head is in the branch: the next look says so
        merged = await self._merged(pull, record.head)
        if not merged or not (record.comment or record.asked):
            await self._saying.forget(number)
            return False
        commit = await planned_with(self._core, merged)
        if commit is None:
            return True  # it is planned soon
        outcome = await outcome_of(self._core, record, commit, self._parts.port.limit)
        body = outcome_markdown(outcome)
        shape = body.rsplit("<sub>", 1)[0]  # the instant of looking is no news
        before = await self._core.ledger.blob(record.text) or ""
        if before.rsplit("<sub>", 1)[0] != shape or outcome.final:
            comment, digest = await self._saying.comment(number, body, anew=False)
            self._counted["outcomes"] += 1
            record = replace(record, state=PullState.MERGED, comment=comment, text=digest, marked=False, asked=False)
            await self._saying.note(record, text=body)
        if outcome.final:
            await self._saying.forget(number)
        return not outcome.final

    async def _merged(self, pull: Pull | None, head: str) -> str:
        """The commit that has it; "" where it was not merged, or is not in the branch any more."""
        newest = await self._core.source.fetch()
        if newest is None:
            return ""
        said = pull.merged if pull is not None and pull.state is PullState.MERGED else ""
        for commit in filter(None, (said, head)):
            if commit == newest.id or await self._core.source.is_ancestor(commit, newest.id):
                return commit
        return ""
