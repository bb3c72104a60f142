"""Notices that are owed: found in the transaction that records what a run has come to (`planner.noticing`).

What is owed is durable with the status; sending it is for `reconciler.notifier`, which no reconcile waits for.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from planner import noticing
from planner.fold import RootState, fold_all, run_of
from planner.model.facts import Fact, Noticed, Opened
from planner.model.records import RootRecord, RunRecord
from planner.noticing import Told
from reconciler.core import Core

__all__ = ["Notices"]

_KEPT = 1024


class Notices:
    """Finds what is owed. Called with `core.recording` held."""

    def __init__(self, core: Core) -> None:
        self._core = core
        # By form: a DAG of thousands of nodes is looked through once.
        self._told: OrderedDict[str, Told] = OrderedDict()

    async def of_runs(self, before: RootState, facts: Sequence[Fact]) -> tuple[Fact, ...]:
        """What is owed for `facts` about a root, recorded on top of `before`; to be recorded with them."""
        keys = {key for fact in facts if (key := run_of(fact)) is not None}
        keys |= {key.top for key in keys}
        forms = {run.form for key in keys if (run := before.runs.get(key)) is not None}
        forms |= {fact.form for fact in facts if isinstance(fact, Opened)}
        if before.record.planned is not None and forms:
            forms.add(before.record.planned.form)
        told = {form: found for form in forms if (found := await self._of_form(form))}
        if not told:
            return ()
        after = fold_all(before, facts)
        now = self._core.clock.now()

        def of_run(run: RunRecord) -> Told:
            return told.get(_form_of(run, after.record), {})

        owed = noticing.notices(before, after, keys, of_run, now)
        return tuple([Noticed(one.root, one, now) for one in owed if await self._core.ledger.notice(one.ident) is None])

    async def _of_form(self, digest: str) -> Told:
        if digest not in self._told:
            operation = await self._core.form(digest) if digest else None
            if operation is None:
                return {}
            self._told[digest] = noticing.told_of(operation)
            while len(self._told) > _KEPT:
                self._told.popitem(last=False)
        return self._told[digest]


def _form_of(run: RunRecord, record: RootRecord) -> str:
    """The form that says who is told: that of the newest commit for what is of the generation in force."""
    planned, applied = record.planned, record.applied
    current = planned is not None and applied is not None and planned.digest == applied.digest
    if planned is None or applied is None or not current or run.generation != applied.number or run.follows is not None:
        return run.form
    return planned.form
