"""Runs that a person must approve (`isApproved: false`): held once as a fact, and said as long as they wait.

An approval is for one run: for its key and for what it is bound to. A retry is another one.
"""

from __future__ import annotations

from planner import canon
from planner.desire.view import Draft, Wait
from planner.keys import Key
from planner.model.facts import Approved, Withheld
from planner.model.people import Command, Hold
from planner.model.records import RunRecord

__all__ = ["approve_run", "is_withheld"]


def is_withheld(draft: Draft, run: RunRecord, content: str) -> bool:
    """Whether a run whose operation wants an approval has none yet; then it waits.

    Args:
        draft: takes what follows.
        run: what would start.
        content: digest of what it would do.
    """
    if run.approved_by:
        return False
    hold = _of(draft, run.key)
    if hold is None:
        ident = "h-" + canon.digest(["run", str(run.key), content])[3:11]
        hold = Hold(ident, f"{run.key} wants to be approved", draft.now, "whoever may approve in this project")
        draft.add(Withheld(draft.name, run.key, hold, draft.now))
    draft.waits.append(Wait(run.key, hold.reason, hold.since, release=f"plumbline approve {hold.ident}"))
    return True


def approve_run(draft: Draft, command: Command) -> str:
    """Release the run that a hold keeps; what was released, or "" where there is no such hold."""
    for held in draft.state.record.held:
        if held.hold.ident == command.args.get("hold"):
            draft.add(Approved(draft.name, held.hold, command.by, draft.now, key=held.key))
            return str(held.key)
    return ""


def _of(draft: Draft, key: Key) -> Hold | None:
    return next((held.hold for held in draft.state.record.held if held.key == key), None)
