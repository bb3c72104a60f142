"""Drift: a service whose workload somebody else changed is put right, or said to be different.

Decides when: once a minute at most, as whoever changes it as often as it is put right is no reason to write more. It
must never touch what is being stopped.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from planner.desire.view import Draft, Wait
from planner.model.attempts import Drift
from planner.model.facts import Drifted
from planner.model.records import AttemptRecord, RunRecord

__all__ = ["EACH", "step"]

EACH = timedelta(minutes=1)
"""Between two attempts to put the same workload right."""


def step(draft: Draft, run: RunRecord, last: AttemptRecord, *, heals: bool) -> None:
    """Decide what follows for the last attempt of a service, which is wanted and which nobody has told to end.

    Args:
        draft: of the plan.
        run: of the service.
        last: its last attempt, which lives.
        heals: whether services of this operation are put right (`selfHeal`).
    """
    key, snapshot, noted = run.key.at_attempt(last.number), draft.view.snapshot, last.drift
    seen = snapshot.objects.get(key) if snapshot is not None else None
    if seen is None:
        return
    if not seen.drift:
        if noted is not None and noted.words:
            draft.add(Drifted(draft.name, key, "", corrects=False, at=draft.now))
        return
    due = _due(noted, draft.now)
    corrects = heals and (due <= draft.now or (noted is not None and noted.corrects))
    if noted is None or (noted.words, noted.corrects) != (seen.drift, corrects):
        draft.add(Drifted(draft.name, key, seen.drift, corrects, draft.now))
    if heals and due > draft.now:
        draft.wake(due)
    _tell(draft, run, noted if noted is not None and noted.words else Drift(seen.drift, draft.now), heals=heals)


def _due(noted: Drift | None, now: datetime) -> datetime:
    """When it may be put right; now where the wall clock was put back since the last time."""
    tried = noted.tried_at if noted is not None else None
    return now if tried is None or tried > now else tried + EACH


def _tell(draft: Draft, run: RunRecord, drift: Drift, *, heals: bool) -> None:
    if not heals:
        draft.waits.append(Wait(run.key, f"{drift.words}, and selfHeal is off", drift.since))
    elif drift.failure:
        reason = f"{drift.words}, and cannot be put right: {drift.failure}"
        draft.waits.append(Wait(run.key, reason, drift.since, _due(drift, draft.now)))
