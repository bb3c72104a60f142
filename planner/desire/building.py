"""The build of an operation that is in no DAG: a run of its own below the run that wants its image, and before it.

What the build itself does next is decided where every run is (`planner.desire.walk`); here is when it begins, and what
becomes of the run that waits for it.
"""

from __future__ import annotations

from collections.abc import Callable

from planner.compile.bind import BindError
from planner.desire.approval import is_withheld
from planner.desire.elsewhere import are_there
from planner.desire.nodes import latest
from planner.desire.starting import kept_from
from planner.desire.view import Draft, Wait
from planner.keys import Key
from planner.model.desired import CompiledOperation, Leaf
from planner.model.facts import Settled
from planner.model.records import RunRecord
from planner.model.status import RunStatus

__all__ = ["waits_for_build"]

Step = Callable[[Key, CompiledOperation], None]
"""Decides what a run does next: its key, and its operation."""


def waits_for_build(draft: Draft, key: Key, operation: CompiledOperation, step: Step, *, closed: bool) -> bool:
    """Whether nothing more may be decided of the run `key` now, as its build goes on, or as it ended without an image.

    Args:
        draft: the state; takes what follows.
        key: of the run, which has a record.
        operation: its own.
        step: for the build.
        closed: whether nothing below its top starts any more.
    """
    run, build = draft.run(key), operation.build
    if build is None or run is None:
        return False
    place = latest(draft, key, (build.name,))
    made = draft.run(place)
    if made is None:
        if _is_past(run) or closed or run.stop is not None:
            return False
        if not _may_begin(draft, run, operation):
            return True
    if made is None or not made.status.final:
        step(place, build)
        made = draft.run(place)
    if made is None:
        return True
    if not made.status.final:
        if not _is_past(run):
            draft.waits.append(Wait(key, f"its build {made.key}", made.opened_at))
        return True
    if _is_past(run) or closed or run.stop is not None or made.status is RunStatus.SUCCEEDED:
        return False
    status = RunStatus.STOPPED if made.status is RunStatus.STOPPED else RunStatus.FAILED
    reason = f": {made.reason}" if made.reason else ""
    draft.add(Settled(draft.name, key, status, f"its build {made.key} {made.status}{reason}", draft.now))
    return True


def _is_past(run: RunRecord) -> bool:
    """Whether the run had its image, or needs none."""
    return bool(run.bound) or run.status.final or run.carried_from is not None


def _may_begin(draft: Draft, run: RunRecord, operation: CompiledOperation) -> bool:
    """Whether an image is wanted at all: not for a run that will not start, nor before a person has approved it."""
    condition, leaf = operation.condition, operation.body
    if condition is not None and isinstance(leaf, Leaf) and not leaf.joins:  # else it may read what joins find
        try:
            if not are_there(draft, run, condition.references.values()):
                return False
        except BindError as error:
            draft.add(Settled(draft.name, run.key, RunStatus.FAILED, str(error), draft.now))
            return False
        kept = kept_from(draft, run.key, operation, run)
        if kept is not None:
            draft.add(Settled(draft.name, run.key, *kept, draft.now))
            return False
    return not (operation.needs_approval and is_withheld(draft, run, operation.digest))
