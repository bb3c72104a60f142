"""The trials of the generation before, which a sweep goes on with where they are trials of the same thing.

A sweep that was extended, or whose live fields and neighbours changed, opens them again by number; whether each of them
is carried over, its leaf digest decides. Asks for records by their names, and reads no others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from planner import keys
from planner.desire.view import Draft
from planner.keys import Key
from planner.model.desired import Sweep
from planner.model.questions import Recorded
from planner.model.records import RunRecord
from planner.model.search import Suggestion
from planner.search import most

__all__ = ["MOST_ADOPTED", "adopted"]

_PAGE = 200
"""Records that are asked for at once."""
_BACK = 8
"""Generations that are looked at: the newest that has trials of the same thing counts."""
MOST_ADOPTED = 5_000
"""Trials that are taken over at most."""


def adopted(draft: Draft, sweep: Key, body: Sweep) -> tuple[Suggestion, ...] | None:
    """What the trials of an earlier generation were made with, by number; None while that is not known.

    Args:
        draft: takes the questions.
        sweep: the sweep, of a generation.
        body: it.
    """
    number = sweep.generation
    if number is None or number < 2 or not body.lineage:
        return ()
    before = list(_before(draft, sweep, number))
    firsts = draft.ask(Recorded(tuple(key.child(keys.trial(0)) for key in before)))
    if firsts is None:
        return None
    same = {run.key.top for run in firsts if run.lineage == body.lineage}
    newest = next((key for key in before if key.top in same), None)
    return () if newest is None else _of(draft, newest, body)


def _of(draft: Draft, sweep: Key, body: Sweep) -> tuple[Suggestion, ...] | None:
    count = most(body.search)
    left = MOST_ADOPTED if count is None else min(count, MOST_ADOPTED)
    found: list[Suggestion] = []
    while left > len(found):
        size = min(_PAGE, left - len(found))
        names = tuple(sweep.child(keys.trial(len(found) + index)) for index in range(size))
        answer = draft.ask(Recorded(names))
        if answer is None:
            return None
        by_key = {run.key: run for run in answer}
        page = [_suggestion(by_key.get(name), body) for name in names]
        until = page.index(None) if None in page else size
        found += [suggestion for suggestion in page[:until] if suggestion is not None]
        if until < size:
            break
    return tuple(found)


def _suggestion(run: RunRecord | None, body: Sweep) -> Suggestion | None:
    return run.suggestion if run is not None and run.lineage == body.lineage else None


def _before(draft: Draft, sweep: Key, number: int) -> Iterator[Key]:
    """The same sweep in the generations before, the newest first: one that was renamed has another name there."""
    applied, renamed = draft.state.record.applied, sweep.root
    before = applied.before if applied is not None and applied.number == number else None
    if before is not None and before.key is not None:
        renamed = before.key.root
    for earlier in range(number - 1, max(number - 1 - _BACK, 0), -1):
        yield replace(sweep, root=renamed, cause=keys.generation(renamed, earlier).cause, round=0)
