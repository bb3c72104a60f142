"""What the newest commit says of what goes on without it."""

from datetime import UTC, datetime

import pytest

from planner import keys
from planner.live import Lately, lately, live
from planner.model.attempts import Drift
from planner.model.commits import StatusState
from planner.model.records import Applied, AttemptRecord, RootRecord, RunRecord
from planner.model.status import RunStatus

pytestmark = pytest.mark.unit

NOW = datetime(2026, 11, 26, 6, tzinfo=UTC)
ROOT = RootRecord("nightly")


def run(key, status, reason="", **more):
    return RunRecord(key, "nightly", "job", "c" * 40, 1, "form", NOW, status=status, reason=reason, **more)


TICK, MANUAL = keys.tick("nightly", NOW), keys.request("nightly", "r1")


@pytest.mark.parametrize(
    ("runs", "wrong"),
    [
        ([], ""),
        ([run(TICK, RunStatus.SUCCEEDED)], ""),
        ([run(TICK, RunStatus.SKIPPED, "the one before still runs")], ""),
        ([run(TICK, RunStatus.STOPPED, "stopped by ann")], ""),
        ([run(TICK, RunStatus.FAILED, "exit code 3")], "exit code 3"),
        ([run(keys.event("nightly", "x1"), RunStatus.UPSTREAM_FAILED)], "upstream_failed"),
        ([run(MANUAL, RunStatus.FAILED, "exit code 3")], ""),
        ([run(TICK, RunStatus.RUNNING)], ""),
        ([run(TICK, RunStatus.FAILED, "exit code 3", backfill="b1")], ""),
    ],
    ids=["none-yet", "fine", "skipped", "stopped", "failed", "event", "asked-for", "runs", "backfill"],
)
def test_how_an_operation_fares(runs, wrong):
    assert lately(ROOT, runs, recurs=True) == Lately("nightly", wrong)


def test_of_what_happens_only_for_commits_nothing_is_said():
    assert lately(ROOT, [run(TICK, RunStatus.FAILED, "of a schedule that it had")], recurs=False) is None
    absent = Applied(2, None, "c" * 40, "", None, NOW)
    assert lately(RootRecord("nightly", applied=absent), [], recurs=True) is None


@pytest.mark.parametrize(
    ("drift", "said"),
    [
        (Drift("somebody else changed its Deployment", NOW), "somebody else changed its Deployment"),
        (Drift("changed", NOW, failure="denied"), "changed, and cannot be put right: denied"),
        (Drift("changed", NOW, corrects=True), None),
        (Drift("", NOW), None),
    ],
    ids=["left", "cannot", "is-put-right", "was-put-right"],
)
def test_a_service_that_is_not_as_it_was_made(drift, said):
    attempt = AttemptRecord(1, NOW, drift=drift)
    found = lately(ROOT, [run(keys.generation("nightly", 1), RunStatus.RUNNING, attempts=(attempt,))], recurs=False)
    assert found == (Lately("nightly", said) if said else None)


def test_all_of_them_in_one_sentence():
    assert live([]) is None
    fine = live([Lately("a"), Lately("b")])
    assert (fine.state, fine.description) == (
        StatusState.SUCCESS,
        "2 operations with a schedule or events: nothing is wrong",
    )
    bad = live([Lately("web", "changed"), Lately("nightly", "exit code 3"), Lately("a")])
    assert (bad.state, bad.description) == (StatusState.FAILURE, "nightly: exit code 3; also web")


def test_names_have_room_before_reasons():
    said = live([Lately("a", "x" * 300), Lately("nightly", "y"), Lately("weekly", "z")])
    assert len(said.description) <= 140
    assert said.description.endswith("; also nightly, weekly")
    many = live([Lately(f"operation-{number:04}", "x" * 300) for number in range(1000)])
    assert len(many.description) == 140
    assert many.description.startswith("operation-0000: ")
