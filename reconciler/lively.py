"""Has the newest commit say how all that goes on without it fares: one status, seldom written.

It remembers only what the ledger has: a new life asks it once. What it must never do: cost a read for what did not
change, or write as often as something happens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from planner.keys import Key
from planner.live import Lately, by_itself, context_of_live, lately, live
from planner.model.commits import StatusState
from planner.model.desired import CompiledOperation
from planner.model.facts import Advanced, CommitPlanned, Corrected, Drifted, Fact, Settled, StatusChanged
from planner.model.records import RootRecord, RunRecord
from planner.publish import Said
from reconciler.core import Core
from reconciler.lookup import RunQuery

__all__ = ["EACH", "Lively"]

EACH = timedelta(minutes=10)
"""Between two writes of the same commit: what fails and succeeds in turn must not use up what a forge takes of it."""
_SOON = 5.0
"""Seconds in which ends that come together are told together."""
_NOTHING = Said(StatusState.SUCCESS, "no operation with a schedule or events is left")


class Lively:
    """Keeps one status of the newest commit in step with what happens by itself."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._found: dict[str, Lately | None] = {}
        # Of roots that something happened to: the run that a tick or an event caused, and that ended last.
        self._changed: dict[str, Key | None] = {}
        self._asked = False

    def changed(self, facts: Sequence[Fact]) -> None:
        """Have it looked at soon, where `facts` are about what happens by itself."""
        for fact in facts:
            match fact:
                case Settled() if by_itself(fact.key):
                    self._changed[fact.root] = fact.key
                case Advanced() | Drifted() | Corrected():
                    self._changed.setdefault(fact.root, None)
                case CommitPlanned():
                    self._changed |= {change.root: self._changed.get(change.root) for change in fact.changes}
                case _:
                    continue
            self._core.queue.add("live", _SOON)

    async def reconcile(self) -> None:
        """Bring the status of the newest commit up to date, or have that done when it may be written again.

        Raises:
            Transient: the ledger cannot be asked now.
        """
        core = self._core
        commits = await core.ledger.commits(1)
        if not commits:
            return
        await self._look()
        instance = core.policy.identity.instance
        context, now = context_of_live(instance), core.clock.now()
        statuses = await core.ledger.statuses(commits[0].ident)
        before = next((status for status in statuses if status.context == context), None)
        said = live(filter(None, self._found.values())) or (_NOTHING if before is not None else None)
        if said is None or (
            before is not None and (before.state, before.description) == (said.state, said.description)
        ):
            return
        if before is not None and timedelta(0) <= now - before.at < EACH:
            core.queue.add("live", (before.at + EACH - now).total_seconds())
            return
        await core.ledger.record([StatusChanged("", commits[0].ident, context, said.state, said.description, now)])
        core.queue.add("forge")

    async def _look(self) -> None:
        """Find out how those roots fare that something happened to; in a new life all."""
        records = await self._core.ledger.roots()
        changed, self._changed = self._changed, {}
        if not self._asked:
            changed = dict.fromkeys(records) | changed
        try:
            runs = await self._runs(records, changed)
            forms = await self._core.forms({_form(records[name]) for name in changed if name in records} - {""})
        except BaseException:
            self._changed = changed | self._changed
            raise
        self._asked = True
        # What was renamed has no record under its name of before.
        self._found = {name: found for name, found in self._found.items() if name in records}
        for name in changed:
            self._found[name] = None
            if (record := records.get(name)) is not None:
                operation = forms.get(_form(record))
                recurs = operation is not None and _recurs(operation)
                self._found[name] = lately(record, runs.get(name, []), recurs=recurs)

    async def _runs(
        self, records: Mapping[str, RootRecord], changed: Mapping[str, Key | None]
    ) -> dict[str, list[RunRecord]]:
        """The runs that count, by root, with one question for all."""
        keys: list[Key] = []
        for name, ended in changed.items():
            if (record := records.get(name)) is not None:
                keys += _counting(record, ended)
        found: dict[str, list[RunRecord]] = {}
        if keys:
            for run in await self._core.ledger.runs(RunQuery(keys=tuple(dict.fromkeys(keys)), limit=len(keys))):
                found.setdefault(run.root, []).append(run)
        return found


def _counting(record: RootRecord, ended: Key | None) -> Iterable[Key]:
    last = ended or record.last
    return (*record.open, last) if last is not None and by_itself(last) else record.open


def _form(record: RootRecord) -> str:
    return record.applied.form if record.applied is not None else ""


def _recurs(operation: CompiledOperation) -> bool:
    return not operation.refused and (operation.schedule is not None or operation.by_events)
