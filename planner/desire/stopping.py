"""Recording that runs are to be stopped: a run, or everything below a key."""

from __future__ import annotations

from planner.desire.view import Draft
from planner.keys import Key
from planner.model.facts import StopIntended
from planner.model.records import RunRecord
from planner.model.status import StopReason

__all__ = ["below", "stop_run", "stop_tree"]


def stop_tree(draft: Draft, target: Key | None, reason: StopReason, by: str = "", words: str = "") -> int:
    """Stop every run at or below `target` (None: of the whole root) that is not final; returns how many.

    `words` is why, where the reason does not say it all.
    """
    stopped = 0
    found = [run for run in draft.state.runs.values() if not run.status.final and below(run.key, target)]
    for run in sorted(found, key=lambda run: run.key):
        stopped += 1
        stop_run(draft, run, reason, by, words)
    return stopped


def stop_run(draft: Draft, run: RunRecord, reason: StopReason, by: str = "", words: str = "") -> None:
    """Stop a run as a whole: its record, its live attempts, and those of a run that it was carried from."""
    if run.stop is None:
        draft.add(StopIntended(draft.name, run.key, reason, by, draft.now, words=words))
    for attempt in run.attempts:
        if attempt.live and attempt.stop is None:
            draft.add(StopIntended(draft.name, run.key.at_attempt(attempt.number), reason, by, draft.now, words=words))
    source = draft.run(run.carried_from) if run.carried_from else None
    if source is not None and not source.status.final:
        stop_run(draft, source, reason, by, words)


def below(key: Key, target: Key | None) -> bool:
    """Whether `key` is `target` or lies under it; a target with a round means that round alone."""
    if target is None:
        return True
    same = key.top == target.top and key.place[: len(target.place)] == target.place
    return same and (not target.round or key.round == target.round or key.place != target.place)
