"""Status of a parent from its children (reference section 12.3, with the design's choices).

Parents store no progress. A DAG failed when a child failed; a child that a person stopped makes it stopped;
`upstream_failed` and `skipped` alone do not fail it.
"""

from __future__ import annotations

from collections.abc import Collection

from planner.model.status import RunStatus

__all__ = ["rollup", "trigger"]


def rollup(children: Collection[RunStatus]) -> RunStatus:
    """The status of a parent whose children have these statuses; CREATED without children."""
    if not children:
        return RunStatus.CREATED
    if any(not status.final for status in children):
        begun = any(status is not RunStatus.CREATED for status in children)
        return RunStatus.PROCESSING if begun else RunStatus.CREATED
    if RunStatus.FAILED in children:
        return RunStatus.FAILED
    if RunStatus.STOPPED in children:
        return RunStatus.STOPPED
    if all(status is RunStatus.SKIPPED for status in children):
        return RunStatus.SKIPPED
    return RunStatus.SUCCEEDED


def trigger(name: str, upstream: Collection[RunStatus]) -> RunStatus | None:
    """Whether a node may start: None to wait, CREATED to start, or the final status decided for it.

    Args:
        name: the trigger (reference section 16.2).
        upstream: statuses of the nodes it waits for. A skipped one counts as succeeded (design section 4, 2).
    """
    if not upstream:
        return RunStatus.CREATED
    done = [status for status in upstream if status.final]
    good = [status for status in done if status in {RunStatus.SUCCEEDED, RunStatus.SKIPPED}]
    failed = [status for status in done if status is RunStatus.FAILED]
    whole = len(done) == len(upstream)
    start = {
        "all_succeeded": len(good) == len(upstream),
        "all_failed": len(failed) == len(upstream),
        "all_done": whole,
        "one_succeeded": bool(good),
        "one_failed": bool(failed),
        "one_done": bool(done),
    }[name]
    if start:
        return RunStatus.CREATED
    return RunStatus.UPSTREAM_FAILED if whole else None
