"""What of a commit waits for a person: removals and starts over a budget, and first contact.

The rules are those of the design's "Safety, both ways".

Counts what the commit newly causes, against the tighter of the daemon's budgets, the repository's, and those that the
repository had before this commit. It never decides what happens instead: a held target is not moved to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from planner import guard
from planner.gpus import gpus_of
from planner.guard import Budgets, Starts
from planner.model.commits import What
from planner.model.desired import Asked, CompiledOperation, DesiredState, RunPolicy
from planner.model.people import Hold
from planner.model.records import Planned, RootRecord
from planner.trials import trials_of

__all__ = ["Contact", "Targets", "holds_of"]

Targets = Mapping[str, tuple[Planned, What | None]]
"""By root: what a commit makes of it, and what it changes of it."""


@dataclass(frozen=True, slots=True)
class Contact:
    """What surrounds the planning of a commit.

    Attributes:
        instance: whose contexts the statuses use.
        branch: the branch that is followed.
        now: the instant of planning.
        budgets: what one commit may cause.
        asked: what the commit before allowed itself: what this one loosens counts from the next commit on.
        first: whether nothing of this repository was ever planned, and first contact is to be held.
        again: whether this very commit was planned before: what it said then says nothing of what it changes now.
        details: name of what is kept of its problems; "" for none.
    """

    instance: str
    branch: str
    now: datetime
    budgets: Budgets = Budgets()
    asked: Asked = Asked()
    first: bool = False
    again: bool = False
    details: str = ""


def holds_of(
    desired: DesiredState, known: Mapping[str, RootRecord], present: Targets, absent: Targets, contact: Contact
) -> dict[str, Hold]:
    """What is held of a commit, by root.

    Args:
        desired: what the commit asks for.
        known: the roots as they are, renames made.
        present: targets of the roots that the commit has.
        absent: targets of those that it no longer has.
        contact: what surrounds its planning.
    """
    holds: dict[str, Hold] = {}
    live = [name for name, record in known.items() if _is_live(record)]
    budgets = contact.budgets.within(contact.asked).within(desired.budgets)
    removal = guard.removals(absent, live, left=len(desired.roots), budgets=budgets, now=contact.now)
    if removal is not None:
        holds.update(dict.fromkeys(absent, removal))
    first = contact.first or _is_first(known)
    wanted = _starts(desired, known, present, ticks=first)
    hold = guard.first_sync(wanted, contact.now) if first else guard.starts(wanted, budgets, contact.now)
    if hold is not None:
        holds.update(dict.fromkeys(wanted.all, hold))
    # A hold keeps the instant since which it holds, as long as its actions stay the same.
    for name, new in holds.items():
        before = known[name].planned if name in known else None
        if before is not None and before.hold is not None and before.hold.ident == new.ident:
            holds[name] = before.hold
    return {name: hold for name, hold in holds.items() if not _approved(known.get(name), present, absent)}


def _approved(
    record: RootRecord | None,
    present: Targets,
    absent: Targets,
) -> bool:
    """Whether the same target was released before: planning it again must not hold it again."""
    if record is None or record.planned is None:
        return False
    planned, _ = present.get(record.name) or absent[record.name]
    before = record.planned
    same = (before.digest, before.live, before.refused) == (planned.digest, planned.live, planned.refused)
    return same and before.hold is None


def _is_first(known: Mapping[str, RootRecord]) -> bool:
    """Whether first contact still waits for a person."""
    holds = [record.planned.hold for record in known.values() if record.planned is not None]
    return any(guard.is_first_sync(hold) for hold in holds if hold is not None)


def _starts(
    desired: DesiredState,
    known: Mapping[str, RootRecord],
    present: Targets,
    *,
    ticks: bool,
) -> Starts:
    """Roots that the commit newly causes to start, by themselves or (with `ticks`) by a tick or event.

    Of sweeps that a tick or event starts, the trials of one run count in any case: they start without another look.
    What an earlier commit causes and nothing holds is on its way already.
    """
    digests: dict[str, str] = {}
    later: dict[str, str] = {}
    gpus = trials = 0
    for name in present:
        operation = desired.roots[name]
        record = known.get(name)
        if operation.refused or operation.policy.run is RunPolicy.MANUAL or _approved(record, present, {}):
            continue
        if _is_in_force(record, operation):
            if _may_widen(record, operation):
                later[name] = operation.live
                gpus += gpus_of(operation)
            continue
        count = trials_of(operation)
        if ticks or not (operation.schedule is not None or operation.by_events):
            digests[name] = operation.digest
            gpus += gpus_of(operation)
        elif count:
            later[name] = operation.digest
        trials += count
    return Starts(digests, gpus, trials, later)


def _may_widen(record: RootRecord | None, operation: CompiledOperation) -> bool:
    """Whether a sweep in force may have more trials at work at once from now on, and with them more GPUs."""
    if record is None or record.planned is None or not record.open:
        return False
    changed = record.planned.live != operation.live or record.planned.hold is not None
    return changed and trials_of(operation) > 0 and gpus_of(operation) > 0


def _is_in_force(record: RootRecord | None, operation: CompiledOperation) -> bool:
    """Whether the operation is what is in force; not if that never ran, and only now is to run by itself."""
    applied, before = (record.applied, record.planned) if record else (None, None)
    if applied is None or applied.digest != operation.digest:
        return False
    return applied.started or (applied.key is not None and not (before and before.refused))


def _is_live(record: RootRecord) -> bool:
    """Whether something is up, runs or will tick: what a removal would end, unlike the records of what has run."""
    return bool(record.open) or (record.cursor is not None and bool(record.cursor.digest))
