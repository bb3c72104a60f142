"""What became of a merged pull request: of each operation that its plan was about, the run that the merge caused.

Reads the ledger alone, by keys and indexes: its cost does not grow with the history.
"""

from __future__ import annotations

from collections.abc import Mapping

from planner.canon import Json
from planner.model.commits import CommitRecord, StatusRecord, StatusState
from planner.model.pulls import PullRecord
from planner.model.records import RunRecord
from planner.model.status import RunStatus
from planner.render.budget import Limit
from planner.render.outcome import Outcome, Ran
from reconciler.core import Core
from reconciler.ports import RunQuery

__all__ = ["outcome_of", "planned_with"]

_COMMITS = 200
"""Newest planned commits among which the one with the merge is looked for."""
_RUNS = 50
"""Newest runs of an operation, with all below them, among which its last two generations are looked for."""


async def planned_with(core: Core, merged: str) -> CommitRecord | None:
    """The first planned commit that has `merged` in its history; None while there is none.

    A commit that was pushed together with later ones is planned as part of the last of them.

    Raises:
        Transient: the repository cannot be read now.
    """
    exact = await core.ledger.commit(merged)
    if exact is not None:
        return exact
    found = None
    for record in await core.ledger.commits(_COMMITS):
        if not await core.source.is_ancestor(merged, record.ident):
            break
        found = record
    return found


async def outcome_of(core: Core, record: PullRecord, commit: CommitRecord, limit: Limit) -> Outcome:
    """What became of the operations that the plan was about and `commit` changed."""
    changed = {change.root for change in commit.changes}
    statuses = {status.root: status for status in await core.ledger.statuses(commit.ident) if status.root}
    ran = [await _ran(core, root, commit, statuses.get(root)) for root in record.roots if root in changed]
    return Outcome(core.policy.identity.instance, record.head, commit.ident, core.clock.now(), ran, limit)


async def _ran(core: Core, root: str, commit: CommitRecord, status: StatusRecord | None) -> Ran:
    state, said = (status.state, status.description) if status is not None else (StatusState.PENDING, "planned")
    tops = [run for run in await core.ledger.runs(RunQuery(root=root, limit=_RUNS)) if run.key == run.key.top]
    run = next((one for one in tops if one.commit == commit.ident), None)
    if run is None:
        return Ran(root, state, said)
    before = next((one for one in tops if one.generation < run.generation and one.status is RunStatus.SUCCEEDED), None)
    took = run.finished_at - run.started_at if run.finished_at and run.started_at else None
    seconds = max(took.total_seconds(), 0.0) if took is not None else None
    return Ran(root, state, said, str(run.key), seconds, _values(run), _values(before) if before is not None else {})


def _values(run: RunRecord) -> Mapping[str, Json]:
    return {**run.outputs, **run.metrics}
