"""Which ends owe a copy to the store."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from planner import keys, storing
from planner.fold import RootState, fold_all
from planner.model import facts as f
from planner.model.artifacts import Artifacts, Copy
from planner.model.records import RootRecord
from planner.model.run import Leases, Observation, Phase
from planner.model.status import RunStatus, StopReason

pytestmark = pytest.mark.unit

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
URL = "s3://bucket/kept"
G1, G2 = keys.generation("train", 1), keys.generation("train", 2)
LEFT = Artifacts("/runs/train/artifacts", ("model.bin",), 1, 8)
OPENED = f.Opened("train", G1, "job", "c1", 1, "", "", AT)
INTENDED = f.Intended("train", G1.at_attempt(1), Leases(), AT)


def ended(left: Artifacts | None = LEFT, code: int = 0, *, started: bool = True) -> f.Observed:
    attempt, began = G1.at_attempt(1), AT if started else None
    how = {"reason": StopReason.EXITED, "exit_code": code, "artifacts": left}
    seen = Observation(attempt, Phase.ENDED, started_at=began, ended_at=AT, **how)
    return f.Observed("train", seen, AT)


def settled(status: RunStatus = RunStatus.SUCCEEDED) -> f.Settled:
    return f.Settled("train", G1, status, "", AT)


def owed(before: list[f.Fact], facts: list[f.Fact]) -> list[f.Fact]:
    return list(storing.intents(fold_all(RootState(RootRecord("train")), before), facts, URL, AT))


INTENT = f.StoreIntended("train", G1, URL, AT)


@pytest.mark.parametrize(
    ("before", "facts", "expected"),
    [
        pytest.param([OPENED, INTENDED], [ended(), settled()], [INTENT], id="its-end-and-what-it-left-together"),
        pytest.param([OPENED, INTENDED, ended()], [settled()], [INTENT], id="one-after-the-other"),
        pytest.param([OPENED, INTENDED, ended()], [settled(RunStatus.FAILED)], [INTENT], id="what-failed-left-it-too"),
        pytest.param([], [OPENED, INTENDED, ended(), settled()], [INTENT], id="all-at-once"),
        pytest.param([OPENED, INTENDED], [ended(code=1)], [], id="an-attempt-is-no-end-of-the-run"),
        pytest.param([OPENED, INTENDED], [ended(None), settled()], [INTENT], id="a-log-without-folders"),
        pytest.param([OPENED, INTENDED], [ended(Artifacts("/x")), settled()], [INTENT], id="nothing-but-a-log"),
        pytest.param([OPENED, INTENDED], [ended(None, started=False), settled()], [], id="it-never-started"),
        pytest.param(
            [OPENED], [f.CacheHit("train", G1, G2, {}, AT, LEFT), settled()], [], id="what-is-cached-is-another-run's"
        ),
        pytest.param([OPENED], [f.Carried("train", G1, G2, AT), settled()], [], id="and-what-is-carried-over"),
        pytest.param([OPENED, INTENDED, ended(), settled()], [settled()], [INTENT], id="over-before-there-was-a-store"),
        pytest.param([OPENED, INTENDED, ended(), settled(), INTENT], [settled()], [], id="once"),
        pytest.param([], [settled()], [], id="a-run-that-nobody-knows"),
    ],
)
def test_who_owes_a_copy(before, facts, expected):
    assert owed(before, facts) == expected


def test_a_copy_is_owed_until_it_is_made():
    state = fold_all(RootState(RootRecord("train")), [OPENED, INTENDED, ended(), settled(), INTENT])
    assert state.runs[G1].copy == Copy(URL, AT)
    made = fold_all(state, [f.Stored("train", G1, URL, AT, 1, 8, 2)]).runs[G1].copy
    assert (made, made is not None and made.owed) == (Copy(URL, AT, AT, 1, 8, 2), False)
    # Said twice, as after a crash, it is the same; and what is there is not owed anew.
    again = fold_all(state, [f.Stored("train", G1, URL, AT, 1, 8, 2), INTENT]).runs[G1]
    assert (again.copy, again.status) == (made, RunStatus.SUCCEEDED)
