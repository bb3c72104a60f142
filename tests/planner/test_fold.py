"""What each fact does to the records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner import keys
from planner.fold import (
    KEPT_ATTEMPTS,
    RootState,
    absorb,
    close_commit,
    fold_commit,
    fold_project,
    fold_root,
    fold_status,
    left_behind,
    run_of,
)
from planner.fold.run import fold_run, open_run
from planner.keys import Key
from planner.model import facts as f
from planner.model.commits import Change, StatusState, What
from planner.model.facts import Fact
from planner.model.lifecycle import may_follow
from planner.model.metric import Mark, Progress
from planner.model.people import Command, Hold, ProjectRecord, Suspension
from planner.model.records import Applied, Planned, Report, RootRecord, RunRecord, Stop
from planner.model.run import Leases, Observation, Phase
from planner.model.schedule import Cursor
from planner.model.status import FINAL, RunStatus, StopReason

pytestmark = pytest.mark.unit

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
LATER = AT + timedelta(minutes=1)
G1, G2, G3 = (keys.generation("train", number) for number in (1, 2, 3))
FIRST = G1.at_attempt(1)


def opened(key: Key = G1, kind: str = "job", not_before: datetime | None = None) -> f.Opened:
    return f.Opened("train", key, kind, "c1", key.generation or 1, "d1:f", "new", AT, not_before)


def intended(number: int = 1, ports: tuple[int, ...] = (), leased: tuple[int, ...] = (), lane: int = 0) -> f.Intended:
    return f.Intended("train", G1.at_attempt(number), Leases(leased), AT, ports=ports, lane=lane)


def seen(phase: Phase, number: int = 1, **changes: object) -> f.Observed:
    return f.Observed("train", replace(Observation(G1.at_attempt(number), phase), **changes), LATER)


def ended(number: int = 1, code: int = 0, reason: StopReason = StopReason.EXITED, **changes: object) -> f.Observed:
    return seen(Phase.ENDED, number, ended_at=LATER, reason=reason, exit_code=code, **changes)


def stopped(reason: StopReason = StopReason.BY_PERSON, key: Key = FIRST) -> f.StopIntended:
    return f.StopIntended("train", key, reason, "ada", AT)


def measured(number: int = 1, *counts: int, low: float = 0.1) -> f.Measured:
    """A report of one metric, with a mark for each of `counts`; the last of them is how many there were."""
    marks = tuple(Mark(count, low, 1.0) for count in counts)
    progress = Progress(max(counts, default=1), None, low, low, 1.0, marks=marks)
    return f.Measured("train", G1.at_attempt(number), {"loss": progress}, AT)


def drifted(words: str = "other") -> f.Drifted:
    return f.Drifted("train", FIRST, words, corrects=True, at=AT)


def settled(status: RunStatus = RunStatus.SUCCEEDED, key: Key = G1, by: str = "") -> f.Settled:
    return f.Settled("train", key, status, "over", LATER, by)


def advanced(number: int, digest: str | None = "d1:x", commit: str = "c1") -> f.Advanced:
    key = keys.generation("train", number) if digest else None
    return f.Advanced("train", number, digest, commit, "d1:f" if digest else "", key, AT)


def after(facts: Sequence[Fact], state: RootState | None = None) -> RootState:
    state = state or RootState(RootRecord("train"))
    for fact in facts:
        state = fold_root(state, fact)
    return state


def run_after(*facts: Fact, kind: str = "job") -> RunRecord:
    return after([opened(kind=kind), *facts]).runs[G1]


# -- one run

STATUSES: dict[str, tuple[list[Fact], RunStatus]] = {
    "opened": ([], RunStatus.CREATED),
    "bound": ([f.Bound("train", G1, "d1:l", "d1:b", AT)], RunStatus.CREATED),
    "intended": ([intended()], RunStatus.SCHEDULED),
    "seen starting": ([intended(), seen(Phase.STARTING)], RunStatus.STARTING),
    "seen running": ([intended(), seen(Phase.RUNNING)], RunStatus.RUNNING),
    "ended well": ([intended(), ended()], RunStatus.RETRYING),
    "vanished": ([intended(), f.Vanished("train", FIRST, StopReason.LOST, AT)], RunStatus.RETRYING),
    "started again": ([intended(), ended(code=1), intended(2)], RunStatus.SCHEDULED),
    "to be stopped": ([intended(), stopped()], RunStatus.STOPPING),
    "to be stopped as a whole": ([stopped(key=G1)], RunStatus.STOPPING),
    "runs while being stopped": ([intended(), stopped(), seen(Phase.RUNNING)], RunStatus.STOPPING),
    "ended by a stop": ([intended(), stopped(), ended(code=143)], RunStatus.STOPPING),
    "settled": ([intended(), ended(), settled()], RunStatus.SUCCEEDED),
    "settled without a start": ([settled(RunStatus.SKIPPED)], RunStatus.SKIPPED),
    "seen after it was settled": ([intended(), settled(), seen(Phase.RUNNING)], RunStatus.SUCCEEDED),
    "ended after it was settled": ([intended(), settled(RunStatus.FAILED), ended()], RunStatus.FAILED),
    "intended after it was settled": ([settled(RunStatus.FAILED), intended()], RunStatus.FAILED),
    "stopped after it was settled": ([intended(), settled(), stopped()], RunStatus.SUCCEEDED),
    "settled twice": ([settled(), settled(RunStatus.FAILED)], RunStatus.SUCCEEDED),
    "healed": ([intended(), seen(Phase.RUNNING), f.Healed("train", G1, AT)], RunStatus.RUNNING),
    "drifted": ([intended(), seen(Phase.RUNNING), drifted()], RunStatus.RUNNING),
    "put right": ([intended(), seen(Phase.RUNNING), drifted(), f.Corrected("train", FIRST, AT)], RunStatus.RUNNING),
    "carried": ([f.Carried("train", G1, G2, AT)], RunStatus.CREATED),
    "an attempt that never was": ([intended(), seen(Phase.RUNNING, 7)], RunStatus.SCHEDULED),
}


@pytest.mark.parametrize(("facts", "status"), STATUSES.values(), ids=STATUSES)
def test_status(facts, status):
    assert run_after(*facts).status is status


@pytest.mark.parametrize(
    ("ready", "status"), [(True, RunStatus.RUNNING), (False, RunStatus.WARNING)], ids=["ready", "not ready"]
)
def test_a_service_runs_when_it_is_ready(ready, status):
    assert run_after(intended(), seen(Phase.RUNNING, ready=ready), kind="service").status is status


def test_a_run_with_a_later_start_is_on_schedule():
    assert open_run(opened(not_before=LATER)).status is RunStatus.ON_SCHEDULE
    assert open_run(opened(not_before=AT)).status is RunStatus.CREATED


def test_a_key_is_opened_once():
    state = after([opened(), settled(), opened()])
    assert state.runs[G1].status is RunStatus.SUCCEEDED
    assert state.record.open == ()


def test_the_images_that_ran_stay_known_when_the_pod_is_gone():
    run = run_after(intended(), seen(Phase.RUNNING, images={"main": "r/train@sha256:1"}), ended())
    assert run.last.images == {"main": "r/train@sha256:1"}


def test_an_observation_tells_about_its_attempt():
    run = run_after(intended(), seen(Phase.RUNNING, ready=True, started_at=AT, message="up"))
    attempt = run.last
    assert (attempt.seen_at, attempt.started_at, attempt.ready_at) == (LATER, AT, LATER)
    assert (attempt.ready, attempt.message, run.started_at) == (True, "up", AT)


def test_an_end_tells_about_its_attempt():
    run = run_after(intended(), ended(code=3, outputs={"loss": 1}, message="boom"))
    attempt = run.last
    assert (attempt.ended_at, attempt.reason, attempt.exit_code, attempt.live) == (LATER, StopReason.EXITED, 3, False)
    assert (run.outputs, run.failures, run.alive) == ({"loss": 1}, 1, False)


def test_an_attempt_ends_once():
    once = run_after(intended(), ended(code=1))
    assert run_after(intended(), ended(code=1), ended(code=0, outputs={"a": 1}), seen(Phase.RUNNING)) == once


def test_the_first_start_stays():
    run = run_after(intended(), seen(Phase.RUNNING, started_at=AT), ended(1, 1), intended(2))
    again = fold_run(run, seen(Phase.RUNNING, 2, started_at=LATER))
    assert (again.started_at, again.last.started_at) == (AT, LATER)


def test_reports_are_kept_while_it_runs_with_the_marks_of_before():
    run = run_after(intended(), seen(Phase.RUNNING), measured(1, 1, 2), measured(1, 3, low=0.05))

    assert [mark.count for mark in run.progress["loss"].marks] == [1, 2, 3]
    assert (run.progress["loss"].count, run.progress["loss"].last) == (3, 0.05)
    assert run.metrics == {}


def test_other_metrics_stay_as_they_were():
    other = f.Measured("train", FIRST, {"f1": Progress(1, 7, 0.5, 0.5, 0.5)}, AT)
    run = run_after(intended(), measured(), other)

    assert sorted(run.progress) == ["f1", "loss"]


@pytest.mark.parametrize("late", [(ended(),), (ended(), intended(2))], ids=["over", "another-attempt"])
def test_reports_of_an_attempt_that_is_over_come_too_late(late):
    before = run_after(intended(), measured(1, 1), *late)

    assert fold_run(before, measured(1, 1, 2)) is before


def test_another_attempt_begins_its_series_anew():
    assert run_after(intended(), measured(1, 1), ended(code=1), intended(2)).progress == {}


def test_what_is_over_keeps_what_others_are_compared_with():
    plain = f.Measured("train", FIRST, {"f1": Progress(1, 7, 0.5, 0.5, 0.5)}, AT)
    odd = f.Measured("train", FIRST, {"text": Progress(odd=3)}, AT)
    run = run_after(intended(), measured(1, 1), plain, odd, ended(), settled())

    assert sorted(run.progress) == ["loss", "text"], "and what has no report says why"
    assert fold_run(run, measured(1, 1, 2)) is run


FAILURES = {
    "exit 0": (ended(), 0),
    "exit 1": (ended(code=1), 1),
    "timeout": (ended(code=143, reason=StopReason.TIMEOUT), 1),
    "lost": (f.Vanished("train", FIRST, StopReason.LOST, AT), 1),
    "evicted": (ended(code=137, reason=StopReason.EVICTED), 0),
}


@pytest.mark.parametrize(("end", "failures"), FAILURES.values(), ids=FAILURES)
def test_failures(end, failures):
    assert run_after(intended(), end).failures == failures


def test_a_service_that_exits_has_failed_and_is_forgiven():
    run = run_after(intended(), ended(code=0), kind="service")
    assert run.failures == 1
    assert fold_run(run, f.Healed("train", G1, AT)).failures == 0


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (ended(code=143), StopReason.PRUNED),
        (f.Vanished("train", FIRST, StopReason.LOST, AT), StopReason.PRUNED),
        (ended(code=143, reason=StopReason.TIMEOUT), StopReason.TIMEOUT),
    ],
    ids=["exit", "gone", "timeout"],
)
def test_what_we_asked_to_stop_ends_for_our_reason(end, reason):
    run = run_after(intended(), stopped(StopReason.PRUNED), end)
    assert (run.last.reason, run.last.stop.by) == (reason, "ada")


def test_a_stop_of_what_has_ended_changes_nothing():
    before = run_after(intended(), ended(code=1))
    assert fold_run(before, stopped()) == before


def test_the_first_stop_of_a_run_stays():
    run = run_after(stopped(StopReason.BY_PERSON, G1), stopped(StopReason.PRUNED, G1))
    assert run.stop == Stop(StopReason.BY_PERSON, "ada", AT)


def test_a_final_run_stays_as_it_is_but_for_its_attempts():
    final = run_after(intended(), settled(RunStatus.STOPPED))
    late = ended(code=1, outputs={"a": 1}, started_at=AT)
    found = fold_run(final, late)
    assert not found.alive
    assert replace(found, attempts=final.attempts) == final


def test_an_intent_is_recorded_once():
    run = run_after(intended(), seen(Phase.RUNNING))
    assert fold_run(run, intended()) == run


def test_attempts_are_trimmed():
    facts = [fact for number in range(1, 31) for fact in (intended(number), ended(number, 1), cleaned(number))]
    run = run_after(*facts)
    assert [attempt.number for attempt in run.attempts] == list(range(31 - KEPT_ATTEMPTS, 31))
    assert (run.attempt_count, run.failures) == (30, 30)


def cleaned(number: int) -> f.Cleaned:
    return f.Cleaned("train", G1.at_attempt(number), LATER)


def test_attempts_that_are_not_cleaned_are_never_trimmed():
    facts = [fact for number in range(1, 31) for fact in (intended(number), ended(number, 1))]
    run = run_after(*facts, cleaned(2), cleaned(3), intended(31))
    assert [attempt.number for attempt in run.attempts] == [1, *range(4, 32)]


def test_a_run_that_was_not_read_changes_nothing():
    state = RootState(RootRecord("train"))
    facts = [intended(), ended(), stopped(), settled(), cleaned(1), f.Retried("train", G1, 1, ("",), "ada", AT)]
    assert after([*facts, f.Bound("train", G1, "d", "b", AT)], state) == state


# -- which run a fact is about

RUN_OF = {
    "observed": (ended(), G1),
    "intended": (intended(), G1),
    "cleaned": (cleaned(1), G1),
    "retried": (f.Retried("train", G1, 1, (), "ada", AT), G1),
    "advanced": (advanced(1), None),
    "withdrawn": (f.Withdrawn("train", AT), None),
}


@pytest.mark.parametrize(("fact", "key"), RUN_OF.values(), ids=RUN_OF)
def test_run_of(fact, key):
    assert run_of(fact) == key


# -- tops of a root


def test_a_top_is_open_until_it_is_settled():
    child = G1.child("eval")
    state = after([opened(kind="dag"), opened(child), opened(G2)])
    assert (state.record.open, state.record.last) == ((G1, G2), G2)
    state = after([settled(key=child)], state)
    assert state.record.open == (G1, G2)
    state = after([settled()], state)
    assert state.record.open == (G2,)
    assert state.runs[G1].finished_at == LATER


def test_a_retried_leaf_is_a_new_record_and_opens_its_top():
    facts = [opened(), settled(RunStatus.FAILED), f.Retried("train", G1, 1, ("",), "ada", AT), opened(G1.at_round(1))]
    state = after(facts)
    assert (state.runs[G1].status, state.runs[G1.at_round(1)].status) == (RunStatus.FAILED, RunStatus.CREATED)
    assert state.record.open == (G1,)
    # What is said of the round before closes nothing.
    assert after([settled()], state).record.open == (G1,)
    assert after([settled(key=G1.at_round(1))], state).record.open == ()


def test_a_retried_node_opens_its_parent():
    child = G1.child("eval")
    state = after([opened(kind="dag"), opened(child), settled(RunStatus.FAILED, child), settled(RunStatus.FAILED)])
    state = after([f.Retried("train", G1, 2, ("eval",), "ada", AT)], state)
    top = state.runs[G1]
    assert (top.status, top.finished_at, top.rounds) == (RunStatus.PROCESSING, None, {"eval": 2})
    assert (state.runs[child].status, state.record.open) == (RunStatus.FAILED, (G1,))


# -- generations


def test_a_generation_starts_with_its_first_intent():
    state = after([advanced(1), opened()])
    assert (state.record.applied.started, state.record.highest) == (False, 1)
    assert after([intended()], state).record.applied.started
    assert after([f.Carried("train", G1, G2, AT)], state).record.applied.started


def test_withdrawn_restores_what_was_in_force():
    state = after([advanced(1), opened(), intended()])
    one = state.record.applied
    two = after([advanced(2), advanced(3)], state)
    assert two.record.applied.before == one
    back = after([f.Withdrawn("train", AT)], two)
    assert (back.record.applied, back.record.highest) == (one, 3)


def test_withdrawn_before_anything_was_in_force_leaves_nothing():
    assert after([advanced(1), f.Withdrawn("train", AT)]).record.applied is None


def test_a_generation_that_started_is_not_withdrawn():
    state = after([advanced(1), opened(), intended()])
    assert after([f.Withdrawn("train", AT)], state) == state
    state = after([advanced(2), opened(G2), f.Intended("train", G2.at_attempt(1), Leases(), AT)], state)
    assert state.record.applied.before is None


def test_an_absence_is_a_generation_that_needs_no_start():
    applied = after([advanced(1), advanced(2, None)]).record.applied
    assert (applied.number, applied.digest, applied.key, applied.started, applied.before) == (2, None, None, True, None)


def test_a_late_intent_of_an_older_generation_starts_nothing():
    state = after([advanced(1), opened(), advanced(2), opened(G2), intended()])
    assert not state.record.applied.started


def test_ports_are_kept_by_declared_port_and_lane():
    state = after([opened(kind="service"), intended(1, (80, 90), (8001, 8002))])
    assert state.record.ports == {"80/0": 8001, "90/0": 8002}
    state = after([intended(2, (80,), (8003,), lane=1)], state)
    assert state.record.ports == {"80/0": 8001, "90/0": 8002, "80/1": 8003}
    assert after([opened(), intended(1, (80,), (8001,))]).record.ports == {}


# -- a decided stop of a service


def down_after(*facts: Fact, kind: str = "service") -> StopReason | None:
    down = after([advanced(1), opened(kind=kind), *facts]).record.down
    return down.reason if down else None


STOPPED_BY = settled(RunStatus.STOPPED, by="ada")
DOWN: dict[str, tuple[list[Fact], StopReason | None]] = {
    "stopped by a person": ([intended(), stopped(), ended(code=143), STOPPED_BY], StopReason.BY_PERSON),
    "deleted by another": ([intended(), ended(reason=StopReason.DELETED), STOPPED_BY], StopReason.DELETED),
    "stopped before it started": ([stopped(key=G1), STOPPED_BY], StopReason.BY_PERSON),
    "pruned": ([intended(), stopped(StopReason.PRUNED), ended(), settled(RunStatus.STOPPED)], None),
    "a new generation": ([intended(), stopped(), ended(), STOPPED_BY, advanced(2)], None),
    "retried": ([intended(), stopped(), ended(), STOPPED_BY, f.Retried("train", G1, 1, ("",), "ada", AT)], None),
    "asked to run": ([intended(), stopped(), ended(), STOPPED_BY, opened(keys.request("train", "q"))], None),
    "a tick": ([intended(), stopped(), ended(), STOPPED_BY, opened(keys.tick("train", AT))], StopReason.BY_PERSON),
}


@pytest.mark.parametrize(("facts", "reason"), DOWN.values(), ids=DOWN)
def test_down(facts, reason):
    assert down_after(*facts) is reason


def test_a_job_is_never_down():
    assert down_after(intended(), stopped(), ended(), STOPPED_BY, kind="job") is None


# -- targets, holds and reports

HOLD = Hold("h1", "too many", AT)
TARGET = Planned("c1", "d1:x", "d1:l", "d1:f", "ops.yaml", HOLD)


def targeted(commit: str, what: What | None = What.CHANGED) -> f.TargetSet:
    return f.TargetSet("train", replace(TARGET, commit=commit), what, AT)


def test_a_target_is_kept_and_reported_once():
    record = after([targeted("c1"), targeted("c2", None), targeted("c3"), targeted("c1")]).record
    assert record.planned == TARGET
    assert record.reports == (Report("c3", What.CHANGED, at=AT), Report("c1", What.CHANGED, at=AT))


def test_a_report_knows_its_run_and_ends_with_a_final_status():
    context = "plumbline/test/train"
    pending = f.StatusChanged("train", "c1", context, StatusState.PENDING, "runs", AT)
    state = after([targeted("c1"), targeted("c2"), advanced(1), pending])
    first, second = Report("c1", What.CHANGED, G1, "pending: runs", AT), Report("c2", What.CHANGED, at=AT)
    assert state.record.reports == (first, second)
    final = replace(pending, state=StatusState.SUPERSEDED)
    assert after([final], state).record.reports == (second,)


@pytest.mark.parametrize("earlier", ["the live change comes first", "the generation comes first"])
def test_a_live_change_stays_while_the_next_target_waits(earlier):
    # A plan of before the live change may be recorded after it: its older form is not the one in force.
    live = f.TargetSet("train", replace(TARGET, commit="c2", form="d1:live", hold=None), What.LIVE, AT)
    both = [live, advanced(1)] if earlier == "the live change comes first" else [advanced(1), live]
    held = f.TargetSet("train", replace(TARGET, commit="c3", digest=None, form=""), What.REMOVED, AT)
    assert after([*both, held]).record.applied.form == "d1:live"


@pytest.mark.parametrize("absent", [None, Applied(2, None, "c1", "", None, AT, started=True)], ids=["never", "removed"])
def test_what_is_in_force_under_a_name_stays_so_when_a_root_without_anything_takes_the_name(absent):
    """Its removal was held: until the renamed root has something of its own in force, nobody ends it."""
    left = after([advanced(1), opened(kind="service"), intended()]).record
    merged = absorb(RootState(RootRecord("train", applied=absent)), left).record
    assert merged.applied == left.applied
    assert not merged.gone
    own = replace(left.applied, digest="d1:own")
    assert absorb(RootState(RootRecord("train", applied=own)), left).record.applied == own


def test_a_hook_begins_nothing_of_what_it_tells_the_end_of():
    """What was refused, and ran a hook for that, is still owed a start when it is refused no more."""
    hook = Key("train", "hook-1")
    told = f.Opened("train", hook, "job", "c1", 1, "d1:f", "a hook", AT, follows=G1)
    begun = f.Intended("train", hook.at_attempt(1), Leases(), AT)
    state = after([advanced(1), opened(), settled(RunStatus.FAILED), told, begun])
    assert state.runs[hook].attempts
    assert not state.record.applied.started


def test_an_approval_releases_the_hold_that_it_names():
    state = after([targeted("c1")])
    assert after([f.Approved("train", HOLD, "ada", AT)], state).record.planned.hold is None
    other = replace(HOLD, ident="h2")
    assert after([f.Approved("train", other, "ada", AT)], state) == state
    assert after([f.Approved("train", HOLD, "ada", AT)]).record == RootRecord("train")


def test_a_baseline_counts_as_done():
    state = after([targeted("c1"), f.Approved("train", HOLD, "ada", AT, baseline=True)])
    applied = state.record.applied
    assert (applied.number, applied.digest, applied.key, applied.started) == (1, "d1:x", None, True)
    assert state.record.highest == 1


# -- the rest of a root


def test_a_cursor_moves():
    cursor = Cursor("d1:s", AT, AT, 1)
    assert after([f.CursorMoved("train", cursor, AT)]).record.cursor == cursor


def test_a_suspension_begins_and_ends():
    state = after([f.Suspended("train", True, "ada", AT, LATER)])
    assert state.record.suspended == Suspension(AT, "ada", LATER)
    assert after([f.Suspended("train", False, "bob", AT)], state).record.suspended is None


def test_commands_wait_once_until_they_are_answered():
    one, two = (f.Asked("train", Command(ident, "run", "train", {}, "ada", AT), AT) for ident in ("q1", "q2"))
    state = after([one, two, one])
    assert [command.ident for command in state.record.commands] == ["q1", "q2"]
    state = after([f.Answered("train", "q1", True, "done", AT)], state)
    assert [command.ident for command in state.record.commands] == ["q2"]


def test_a_rename_carries_everything():
    state = after([advanced(1), opened(), intended(), targeted("c1")])
    renamed = after([f.Renamed("learn", "train", AT)], state)
    assert renamed.record == replace(state.record, name="learn")
    assert {key: run.root for key, run in renamed.runs.items()} == {G1: "learn"}


def test_a_rename_leaves_the_numbers_and_takes_over_what_waits():
    asked = f.Asked("learn", Command("q1", "stop", "learn", {}, "ada", AT), AT)
    left = after([advanced(5), opened(G3), asked], RootState(RootRecord("learn"))).record
    state = after([f.Renamed("learn", "train", AT)], after([advanced(1), opened()]))
    merged = absorb(state, left).record
    assert (merged.highest, merged.applied.number, merged.open) == (5, 1, (G3, G1))
    assert [command.ident for command in merged.commands] == ["q1"]
    assert left_behind(left) == RootRecord("learn", highest=5)


# -- commits, statuses, project


def planned(commit: str = "c1", problems: int = 0, *changes: Change) -> f.CommitPlanned:
    return f.CommitPlanned(commit, "t1", "main", AT, changes, problems, "bad" if problems else "")


def said(state: StatusState, root: str = "", at: datetime = AT) -> f.StatusChanged:
    return f.StatusChanged(root, "c1", f"plumbline/test/{root}".rstrip("/"), state, "so", at)


def test_a_commit_keeps_what_it_was_first_found_to_change():
    commit = fold_commit(None, planned("c1", 0, Change("train", What.ADDED)))
    again = fold_commit(commit, planned("c1", 2))
    assert (again.changes, again.problems, again.first_problem) == (commit.changes, 2, "bad")


@pytest.mark.parametrize(
    ("changes", "closed", "again"),
    [((), True, False), ((Change("train", What.CHANGED),), False, True)],
    ids=["a restart", "a push back to it"],
)
def test_a_commit_that_changes_something_again_has_no_last_word_until_its_aggregate_is_final_anew(
    changes, closed, again
):
    last = fold_status(None, said(StatusState.SUCCESS))
    commit = close_commit(fold_commit(None, planned("c1", 0, Change("train", What.ADDED))), last)
    commit = fold_commit(commit, planned("c1", 0, *changes))
    assert (commit.closed, commit.again) == (closed, again)
    pending = close_commit(commit, fold_status(None, said(StatusState.PENDING)))
    assert (pending.closed, pending.again) == (False, again)
    commit = close_commit(pending, last)
    assert (commit.closed, commit.again) == (True, False)


@pytest.mark.parametrize(
    ("facts", "closed"),
    [
        ([], False),
        ([said(StatusState.PENDING)], False),
        ([said(StatusState.SUCCESS, "train")], False),
        ([said(StatusState.FAILURE), said(StatusState.PENDING, "train")], True),
        ([said(StatusState.SUPERSEDED)], True),
    ],
    ids=["nothing said", "pending", "only a root", "aggregate failed", "superseded"],
)
def test_the_aggregate_closes_a_commit(facts, closed):
    commit = fold_commit(None, planned())
    for fact in facts:
        commit = close_commit(commit, fold_status(None, fact))

    assert commit.closed is closed


def test_a_post_counts_for_what_was_said_when_it_was_made():
    first = fold_status(None, said(StatusState.PENDING))
    second = fold_status(first, said(StatusState.SUCCESS))
    assert second.at > first.at  # though both were said at one instant
    posted = f.Posted("c1", second.context, first.at, LATER)
    assert fold_status(second, posted) == replace(second, writes=1, told_at=LATER)
    assert fold_status(second, replace(posted, said_at=second.at)).posted
    assert fold_status(None, posted) is None


def test_what_the_forge_refused_or_was_spared_is_owed_no_more_and_is_no_write():
    status = fold_status(None, said(StatusState.PENDING))
    refused = fold_status(status, f.Posted("c1", status.context, status.at, LATER, refused="no such commit"))
    assert (refused.posted, refused.refused, refused.writes) == (True, "no such commit", 0)
    spared = fold_status(status, f.Posted("c1", status.context, status.at, LATER, left_out=True))
    assert (spared.posted, spared.refused, spared.writes) == (True, "", 0)
    # What it says next is tried again, and remembers how often the context was written.
    told = fold_status(status, f.Posted("c1", status.context, status.at, LATER))
    after = fold_status(told, said(StatusState.SUCCESS, at=LATER))
    assert (after.posted, after.refused, after.writes, after.told_at) == (False, "", 1, LATER)
    assert not fold_status(refused, said(StatusState.SUCCESS, at=LATER)).refused


def test_what_is_said_anew_was_not_posted():
    first = replace(fold_status(None, said(StatusState.PENDING)), posted=True)
    assert not fold_status(first, said(StatusState.SUCCESS, at=LATER)).posted


def test_the_project():
    asked = f.Asked("", Command("q1", "suspend", "", {}, "ada", AT), AT)
    record = ProjectRecord("p")
    for fact in (planned("c1"), planned("c2"), asked, asked, f.Suspended("", True, "ada", AT), f.Withdrawn("x", AT)):
        record = fold_project(record, fact)
    assert record == ProjectRecord("p", Suspension(AT, "ada"), "c2", (asked.command,))
    record = fold_project(record, f.Answered("", "q1", True, "done", AT))
    record = fold_project(record, f.Suspended("", False, "ada", AT))
    record = fold_project(record, f.Believed((G3.at_attempt(1),), "ada", AT))
    record = fold_project(record, f.Believed((G1.at_attempt(1),), "ada", AT))
    assert record == ProjectRecord("p", None, "c2", believed=frozenset({G1.at_attempt(1)}))
    for fact in (f.Suspended("train", True, "ada", AT), f.Answered("train", "q1", True, "", AT)):
        assert fold_project(record, fact) == record


# -- any history

_moves = st.lists(
    st.one_of(
        st.just("intend"),
        st.sampled_from(["starting", "running", "ready", "ended", "vanished"]),
        st.sampled_from(["stop", "stop run", "clean", "heal", "carry", "bind", "measured"]),
        st.sampled_from(sorted(FINAL)),
    ),
    max_size=60,
)


def _fact(run: RunRecord, move: str, at: datetime) -> Fact:
    number = max(run.attempt_count, 1)
    key = run.key.at_attempt(number)
    match move:
        case "intend":
            return replace(intended(run.attempt_count + 1), at=at)
        case "starting":
            return replace(seen(Phase.STARTING, number), at=at)
        case "running" | "ready":
            return replace(seen(Phase.RUNNING, number, ready=move == "ready", started_at=at), at=at)
        case "ended" | "measured":
            fact = ended(number, 1, outputs={"n": number}) if move == "ended" else measured(number, 1, 2)
            return replace(fact, at=at)
        case "vanished":
            return f.Vanished("train", key, StopReason.LOST, at)
        case "stop" | "stop run":
            return replace(stopped(key=key if move == "stop" else run.key), at=at)
        case "clean":
            return cleaned(number)
        case "heal" | "carry":
            return f.Healed("train", run.key, at) if move == "heal" else f.Carried("train", run.key, G3, at)
        case "bind":
            return f.Bound("train", run.key, f"d1:{at}", "d1:b", at)
        case _:
            return f.Settled("train", run.key, RunStatus(move), "over", at)


@settings(max_examples=300, deadline=None)
@given(_moves, st.sampled_from(["job", "service"]))
def test_any_history_keeps_the_laws(moves, kind):
    state = after([advanced(1), opened(kind=kind)])
    for step, move in enumerate(moves):
        before = state.runs[G1]
        fact = _fact(before, move, AT + timedelta(seconds=step))
        state = fold_root(state, fact)
        run = state.runs[G1]
        _check_status(before, run, fact)
        _check_attempts(before, run)
        assert state.record.open == (() if run.status.final else (G1,))


def _check_status(before: RunRecord, run: RunRecord, fact: Fact) -> None:
    # What the planner decides, and from where, is for the simulation to check: the fold takes any of it.
    decided = isinstance(fact, f.Settled | f.Intended) and not before.status.final
    assert decided or may_follow(before.status, run.status)
    if before.status.final:
        assert replace(run, attempts=before.attempts) == before
    assert (run.finished_at is not None) == run.status.final


def _check_attempts(before: RunRecord, run: RunRecord) -> None:
    numbers = [attempt.number for attempt in run.attempts]
    assert numbers == sorted(set(numbers))
    assert run.attempt_count >= before.attempt_count
    kept = {attempt.number: attempt for attempt in run.attempts}
    for attempt in before.attempts:
        assert attempt.number in kept or (attempt.cleaned and not attempt.live)
        if attempt.number in kept and not attempt.live:
            assert replace(kept[attempt.number], cleaned=attempt.cleaned) == attempt
    over = [attempt for attempt in run.attempts if attempt.cleaned and not attempt.live]
    assert len(run.attempts) <= KEPT_ATTEMPTS or not over[:-1]
