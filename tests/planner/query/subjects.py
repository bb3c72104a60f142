"""Runs for queries, by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from planner.keys import Key, parse
from planner.model.records import RunRecord
from planner.model.run import BoundRun
from planner.model.status import RunStatus
from planner.query import Subject
from tests.planner.builders import gang

IDENTITY = ("test", "project")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
OPENED = datetime(2026, 11, 23, 6, 0, 30, tzinfo=UTC)
COMMIT = "12e4567" + "a" * 33


def short(key: str) -> str:
    """The id of a run."""
    return parse(key).short_id(*IDENTITY)


def record(key: str = "train@g1", **changes: object) -> RunRecord:
    """A run that succeeded after two minutes, having waited for ten seconds."""
    said: dict[str, object] = {
        "key": parse(key),
        "root": parse(key).root,
        "kind": "job",
        "commit": COMMIT,
        "generation": 1,
        "form": "d1:f",
        "opened_at": OPENED,
        "digest": "d1:leaf",
        "status": RunStatus.SUCCEEDED,
        "started_at": OPENED + timedelta(seconds=10),
        "finished_at": OPENED + timedelta(seconds=130),
        "outputs": {"loss": 0.25, "best": True, "note": "fine", "steps": 10, "tags": ["a"], "none": None},
    }
    return RunRecord(**{**said, **changes})  # type: ignore[arg-type]


def subject(
    key: str = "train@g1",
    *,
    top: object = None,
    params: dict[str, object] | None = None,
    source: RunRecord | None = None,
    **changes: object,
) -> Subject:
    """The run as a query sees it, its `top` the operation and `params` what it was started with."""
    run = record(key, **changes)
    bound = (
        BoundRun(run.key, "job", "d1:leaf", gang("fit", gpu=2), {"params": params or {}})
        if params is not None
        else None
    )
    return Subject(run, source or run, IDENTITY, bound, top)  # type: ignore[arg-type]


def keys_of(subjects: list[Subject]) -> list[str]:
    """Their keys."""
    return [str(found.run.key) for found in subjects]


__all__ = ["COMMIT", "IDENTITY", "NOW", "OPENED", "Key", "keys_of", "record", "short", "subject"]
