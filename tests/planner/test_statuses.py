"""Which commit says what (design, section 3): every row, and the aggregate of all."""

from __future__ import annotations

from datetime import timedelta

import pytest

from planner.admit import Limits
from planner.guard import Budgets
from planner.model.commits import Change, CommitRecord, StatusRecord, StatusState, What
from planner.model.desired import OnChange, Policy, RunPolicy
from planner.model.schedule import CronSchedule, DatetimeSchedule
from planner.model.status import StopReason
from planner.publish import DESCRIPTION_LIMIT, aggregate, context_of, shorten
from tests.planner.builders import EVERY_TEN, dag, job, node, rolling, service
from tests.planner.cases import Case, table
from tests.planner.history import (
    T0,
    after,
    approve,
    ask,
    end,
    gone,
    push,
    seen,
    suspend_project,
    wait,
    world,
)

pytestmark = pytest.mark.unit

MANUAL = Policy(run=RunPolicy.MANUAL)
STOP = Policy(on_change=OnChange.STOP)
FLOW = dag("flow", node("a"), node("b"), node("c", "a", "b"))

JOBS = (
    Case(
        "running",
        "pending until its end",
        [push(job())],
        says={"c1 train": "pending: running", "c1": "pending: 0 of 1 done"},
    ),
    Case(
        "queued",
        "what waits says what for",
        [world(limits=Limits(runs=0)), push(job())],
        says={"c1 train": "pending: created"},
        waits=["train@g1 waits for a place on the machine (0 of 0 taken)"],
    ),
    Case(
        "succeeded",
        "a job: its end, and how long it took",
        [push(job()), wait(90), end("train@g1#1")],
        says={"c1 train": "success: succeeded in 90 s", "c1": "success: 1 operation done"},
    ),
    Case(
        "succeeded-after-hours",
        "longer times in minutes",
        [push(job()), wait(hours=2), end("train@g1#1")],
        says={"c1 train": "success: succeeded in 120 min"},
    ),
    Case(
        "failed",
        "with the reason",
        [push(job()), wait(9), end("train@g1#1", 3)],
        says={"c1 train": "failure: failed: exit code 3", "c1": "failure: failed: train"},
    ),
    Case(
        "failed-says-why",
        "in the words of the backend where it has some",
        [push(job()), seen("train@g1#1", message="no space left on the disk"), end("train@g1#1", 1)],
        says={"c1 train": "failure: failed: exit code 1: no space left on the disk"},
    ),
    Case(
        "timeout",
        "a limit that was reached is named",
        [push(job(timeout=30)), wait(30), end("train@g1#1", 143, StopReason.TIMEOUT)],
        says={"c1 train": "failure: failed: timeout of 30 s reached"},
    ),
    Case(
        "retried-by-a-person",
        "what was final stays what it was: a round is the person's, not the commit's",
        [push(job()), end("train@g1#1", 1), ask("retry"), end("train@g1~1#1")],
        says={"c1 train": "failure: failed: exit code 1", "c1": "failure: failed: train"},
    ),
    Case(
        "refused",
        "what cannot execute here fails with the reason",
        [push(job(refused="there is no MPI here"))],
        then=["train g1 in force", "opens train@g1", "train@g1 failed: refused: there is no MPI here"],
        says={"c1 train": "failure: refused: there is no MPI here", "c1": "failure: failed: train"},
    ),
    Case(
        "manual",
        "what only people start is done at once, and says how to start it",
        [push(job(policy=MANUAL))],
        then=["train g1 in force"],
        says={"c1 train": "success: waits for plumbline run train", "c1": "success: 1 operation done"},
    ),
)

DAGS = (
    Case(
        "progress",
        "what runs, and how much has ended",
        [push(FLOW), end("flow@g1/a#1")],
        says={"c1 flow": "pending: running: b; 1 ended"},
    ),
    Case(
        "between",
        "while nothing of it runs",
        [push(dag("flow", node(job("a", retries=1)))), end("flow@g1/a#1", 1)],
        says={"c1 flow": "pending: running: between nodes; 0 ended"},
    ),
    Case(
        "succeeded",
        "its end",
        [push(FLOW), end("flow@g1/a#1"), end("flow@g1/b#1"), end("flow@g1/c#1")],
        says={"c1 flow": "success: succeeded"},
    ),
    Case(
        "failed",
        "which node failed",
        [push(FLOW), end("flow@g1/a#1"), end("flow@g1/b#1", 1)],
        says={"c1 flow": "failure: failed: b"},
    ),
    Case(
        "stopped",
        "who stopped it",
        [push(FLOW), ask("stop", "flow", by="grace")],
        says={"c1 flow": "failure: stopped by grace"},
    ),
    Case(
        "node-stopped",
        "which node was stopped",
        [push(FLOW), ask("stop", "flow", key="flow@g1/a"), end("flow@g1/b#1")],
        says={"c1 flow": "failure: stopped: a"},
    ),
)

CALLED_BACK = (
    push(service()),
    wait(days=1),
    world(stops_at_once=False, ready=False),
    push(service(command="two")),
    push(service()),
)

SERVICES = (
    Case("ready", "ready is success", [push(service())], says={"c1 serve": "success: ready"}),
    Case(
        "starting",
        "until then it is pending",
        [world(ready=False), push(service())],
        says={"c1 serve": "pending: starting"},
    ),
    Case(
        "deadline",
        "not within its deadline is failure",
        [world(ready=False), push(service(policy=Policy(progress_deadline=30))), wait(30)],
        says={"c1 serve": "failure: not ready within 30 s"},
    ),
    Case(
        "deadline-says-why",
        "in the words of the backend where it has some",
        [
            world(ready=False),
            push(service(policy=Policy(progress_deadline=30))),
            seen("serve@g1#1", message="nothing answers on port 8080"),
            wait(30),
        ],
        says={"c1 serve": "failure: not ready within 30 s: nothing answers on port 8080"},
    ),
    Case(
        "crashing",
        "a service that crashes again and again does not get more time by it",
        [
            world(ready=False),
            push(service(policy=Policy(progress_deadline=3))),
            end("serve@g1#1", 1),
            wait(1),
            end("serve@g1#2", 1),
            wait(2),
        ],
        says={"c1 serve": "failure: not ready within 3 s"},
    ),
    Case(
        "ready-after-a-crash",
        "and one that recovers in time is a success",
        [world(ready=False), push(service()), end("serve@g1#1", 1), world(ready=True), wait(1)],
        says={"c1 serve": "success: ready"},
    ),
    Case(
        "died-later",
        "what was ready stays said: later drift is not the commit's",
        [push(service()), gone("serve@g1#1")],
        says={"c1 serve": "success: ready", "c1": "success: 1 operation done"},
    ),
    Case(
        "taken-over-after-a-day",
        "a commit that goes on with an old process has a deadline of its own",
        [
            push(rolling()),
            wait(days=1),
            world(ready=False),
            push(rolling(command="two")),
            seen("serve@g1#1", ready=False),
            push(rolling()),
        ],
        says={"c3 serve": "pending: starting"},
    ),
    Case(
        "called-back-while-it-stops",
        "so has one that goes back to what was told to end for a generation that never started",
        [*CALLED_BACK],
        says={"c3 serve": "pending: starting"},
    ),
    Case(
        "called-back-too-late",
        "and it is a failure when that has passed",
        [*CALLED_BACK, wait(minutes=10)],
        says={"c3 serve": "failure: not ready within 600 s"},
    ),
)

AGAIN = (
    Case(
        "run-again-by-a-person",
        "a revert to what serves by a person's request speaks of what serves",
        [
            push(service(), job()),
            ask("stop", "serve"),
            ask("run", "serve"),
            push(job()),
            push(service(), job()),
        ],
        alive=["serve@req-q2#1", "train@g1#1"],
        says={"c3 serve": "success: ready"},
        world={"budgets": Budgets(deletions=0)},
    ),
)

OTHERS = (
    Case(
        "schedule",
        "a schedule is done when it is set, and says its next tick",
        [push(job(schedule=EVERY_TEN))],
        says={"c1 train": "success: scheduled, next 2026-11-23 06:10 UTC", "c1": "success: 1 operation done"},
    ),
    Case(
        "schedule-over",
        "or that there is none",
        [push(job(schedule=CronSchedule(cron="0 * * * *", end_at=T0 - timedelta(days=1))))],
        says={"c1 train": "success: scheduled, no tick is left"},
    ),
    Case(
        "a-tick-fails",
        "later ticks say nothing on the commit",
        [push(job(schedule=EVERY_TEN)), wait(minutes=10), end("train@2026-11-23T06:10Z#1", 1)],
        says={"c1 train": "success: scheduled, next 2026-11-23 06:10 UTC", "c1": "success: 1 operation done"},
    ),
    Case(
        "schedule-changed",
        "a new schedule is a live change that says its next tick",
        [push(job(schedule=EVERY_TEN)), push(job(schedule=CronSchedule(cron="5 * * * *")))],
        then=[],
        says={"c2 train": "success: scheduled, next 2026-11-23 06:05 UTC"},
    ),
    Case(
        "schedule-added",
        "so is a schedule that a job gets",
        [push(job()), end("train@g1#1"), push(job(schedule=EVERY_TEN))],
        then=[],
        says={"c2 train": "success: scheduled, next 2026-11-23 06:10 UTC"},
    ),
    Case(
        "single-instant",
        "an instant that is past already runs once",
        [push(job(schedule=DatetimeSchedule(start_at=T0 - timedelta(days=1))))],
        says={"c1 train": "success: scheduled, no tick is left"},
        alive=["train@2026-11-22T06:00Z#1"],
    ),
    Case(
        "nothing-changed",
        "a commit that changes nothing succeeds at once, without any root",
        [push(job()), push(job())],
        then=[],
        says={"c2": "success: nothing changed", "c2 train": None},  # type: ignore[dict-item]
    ),
    Case(
        "inert",
        "a description changes nothing, and what runs stays the first commit's",
        [push(job()), push(job(description="better")), wait(5), end("train@g1#1")],
        says={"c1 train": "success: succeeded in 5 s", "c2": "success: nothing changed"},
    ),
    Case(
        "live",
        "a live change applies to what lives",
        [push(job()), push(job(retries=2))],
        then=[],
        says={"c2 train": "success: applied to what lives; no new run"},
    ),
    Case(
        "live-is-applied",
        "to a run that is under way",
        [push(job()), push(job(retries=2)), end("train@g1#1", 1), wait(1)],
        then=["starts train@g1#2"],
    ),
    Case(
        "live-then-superseded",
        "what was applied was applied, whatever comes next",
        [push(job()), push(job(retries=2)), push(job(command="other"))],
        says={"c2 train": "success: applied to what lives; no new run"},
    ),
    Case(
        "renamed",
        "a rename carries everything, and runs nothing",
        [push(job("old")), end("old@g1#1"), push(job("new"))],
        then=["old is now new"],
        says={"c2 new": "success: renamed; everything carried over", "c2": "success: 1 operation done"},
    ),
    Case(
        "renamed-while-running",
        "who waits under the old name is told; nothing would be said under it any more",
        [push(job("old")), push(job("new")), wait(1), end("old@g1#1", 1)],
        then=["old@g1 failed: exit code 1"],
        says={"c1 old": "superseded: renamed to new", "c1": "success: 1 operation done"},
    ),
    Case(
        "invalid",
        "a bad file fails the commit and names its operations, which stay in force",
        [push(job()), push(bad=["train.yaml"])],
        then=[],
        says={
            "c2 train": "failure: train.yaml has problems; the last good form stays in force",
            "c2": "failure: 1 problem: train.yaml:1:1: error PL-101: not YAML; failed: train",
        },
        alive=["train@g1#1"],
    ),
    Case(
        "invalid-and-running",
        "what runs meanwhile is still the first commit's",
        [push(job()), push(bad=["train.yaml"]), wait(5), end("train@g1#1")],
        says={"c1 train": "success: succeeded in 5 s"},
    ),
    Case(
        "valid-again",
        "a repaired file that says what it said before changes nothing",
        [push(job()), push(bad=["train.yaml"]), push(job())],
        then=[],
        says={"c3": "success: nothing changed"},
    ),
    Case(
        "bad-beside-good",
        "one bad file stops nobody else",
        [push(job(), bad=["b.yaml", "c.yaml"]), end("train@g1#1")],
        says={
            "c1 train": "success: succeeded in 0 s",
            "c1": "failure: 2 problems: b.yaml:1:1: error PL-101: not YAML",
        },
    ),
    Case(
        "bad-and-pending",
        "the aggregate is final when all is, problems or not",
        [push(job(), bad=["b.yaml"])],
        says={"c1": "pending: 0 of 1 done; 1 problem: b.yaml:1:1: error PL-101: not YAML"},
    ),
    Case(
        "removed",
        "removed and stopped",
        [push(job(), service()), push(job())],
        says={"c2 serve": "success: removed; nothing of it is running", "c2": "success: 1 operation done"},
    ),
    Case(
        "removed-held",
        "a removal that waits for a person says what to do",
        [push(job()), push()],
        then=[],
        says={
            "c2 train": "pending: held: the commit has no operation left; it would remove all 1; "
            "plumbline approve h-e1ab84db"
        },
        alive=["train@g1#1"],
    ),
    Case(
        "removed-approved",
        "and is done when it was released",
        [push(job()), push(), approve()],
        then=["train g2 in force: absent", "stops train@g1#1: pruned", "train@g1 stopped: removed from the repository"],
        says={"c2 train": "success: removed; nothing of it is running"},
    ),
    Case(
        "removed-before-it-began",
        "what was held from its first day is gone at once when it is removed",
        [push(job(), job("b", "b")), push(job("b", "b"))],
        says={"c2 train": "success: removed; nothing of it is running", "c1 train": "superseded: superseded by c2"},
        world={"budgets": Budgets(starts=1)},
    ),
    Case(
        "held",
        "a start that waits for a person says what to do",
        [push(job(), job("b", "b"))],
        then=[],
        says={
            "c1 train": "pending: held: it would start 2 operations; the budget is 1 a commit; "
            "plumbline approve h-ca26bac4",
            "c1": "pending: 0 of 2 done",
        },
        world={"budgets": Budgets(starts=1)},
    ),
    Case(
        "released",
        "and goes its way when it was released",
        [push(job(), job("b", "b")), approve(), end("train@g1#1")],
        says={"c1 train": "success: succeeded in 0 s", "c1": "pending: 1 of 2 done"},
        world={"budgets": Budgets(starts=1)},
    ),
    Case(
        "baseline",
        "approved as a baseline it counts as done",
        [push(job(), job("b", "b")), approve(baseline=True)],
        then=[],
        says={"c1 train": "success: in force already"},
        world={"budgets": Budgets(starts=1)},
    ),
    Case(
        "suspended",
        "a suspension holds new generations, and says whose it is",
        [suspend_project(), push(job())],
        then=[],
        says={"c1 train": "pending: waits for the end of the suspension by bob"},
        waits=["train@g1 waits for the end of the suspension by bob; plumbline unsuspend"],
    ),
)

SUPERSEDED = (
    Case(
        "before-it-started",
        "a commit whose change never started is superseded",
        [world(limits=Limits(runs=0)), push(job()), push(job(command="two"))],
        says={"c1 train": "superseded: superseded by c2", "c1": "success: 1 operation done"},
    ),
    Case(
        "while-running-finish",
        "one whose run finishes says how it ends",
        [push(job()), push(job(command="two"))],
        says={"c1 train": "pending: finishes; superseded by c2", "c1": "pending: 0 of 1 done"},
    ),
    Case(
        "while-running-finish-failed",
        "also where that is no success",
        [push(job()), push(job(command="two")), end("train@g1#1", 1)],
        says={"c1 train": "failure: failed: exit code 1"},
    ),
    Case(
        "while-running-stop",
        "one whose run is stopped is superseded",
        [push(job(policy=STOP)), push(job(command="two", policy=STOP))],
        says={"c1 train": "superseded: superseded by c2"},
    ),
    Case(
        "while-stopping",
        "as soon as it is over",
        [push(job(policy=STOP)), world(stops_at_once=False), push(job(command="two", policy=STOP))],
        says={"c1 train": "pending: stopping; superseded by c2"},
    ),
    Case(
        "dag",
        "a DAG does not finish: what it would start next is withdrawn",
        [push(FLOW), push(dag("flow", node("a"), node("d")))],
        says={"c1 flow": "superseded: superseded by c2"},
    ),
    Case(
        "service-not-ready",
        "a service that never got ready is superseded",
        [world(ready=False), push(service()), push(service(command="two"))],
        says={"c1 serve": "superseded: superseded by c2"},
    ),
    Case(
        "held",
        "a change that was held is superseded with it",
        [push(job(), job("b", "b")), push(job(command="two"))],
        says={"c1 train": "superseded: superseded by c2", "c1 b": "superseded: superseded by c2"},
        world={"budgets": Budgets(starts=1)},
    ),
    Case(
        "after-its-end",
        "what was final stays",
        [push(job()), end("train@g1#1"), push(job(command="two"))],
        says={"c1 train": "success: succeeded in 0 s"},
    ),
    Case(
        "only-one-of-two",
        "a commit is superseded operation by operation",
        [push(job(), service()), push(job(command="two"), service())],
        says={
            "c1 train": "pending: finishes; superseded by c2",
            "c1 serve": "success: ready",
            "c1": "pending: 1 of 2 done",
        },
    ),
    Case(
        "by-one-that-is-bad",
        "a commit whose file is bad supersedes nothing",
        [push(job()), push(bad=["train.yaml"])],
        says={"c1 train": "pending: running"},
    ),
)


@table(*JOBS)
def test_jobs(case):
    case.check()


@table(*DAGS)
def test_dags(case):
    case.check()


@table(*SERVICES)
def test_services(case):
    case.check()


@table(*AGAIN)
def test_services_that_a_person_runs(case):
    case.check()


@table(*OTHERS)
def test_other_changes(case):
    case.check()


@table(*SUPERSEDED)
def test_superseded(case):
    case.check()


# The aggregate


def status(root: str, state: StatusState, commit: str = "c1") -> StatusRecord:
    context = context_of("test", root)
    return StatusRecord(commit, context, root, state, "so", T0)


def commit(*roots: str, problems: int = 0, first: str = "") -> CommitRecord:
    changes = tuple(Change(root, What.CHANGED) for root in roots)
    return CommitRecord("c1", "t1", "main", T0, changes, problems, first)


OK, BAD, WAITS, GONE = StatusState.SUCCESS, StatusState.FAILURE, StatusState.PENDING, StatusState.SUPERSEDED


@pytest.mark.parametrize(
    ("record", "statuses", "expected"),
    [
        pytest.param(commit(), [], "success: nothing changed", id="nothing"),
        pytest.param(commit("a"), [], "pending: 0 of 1 done", id="not said yet"),
        pytest.param(commit("a", "b"), [status("a", OK)], "pending: 1 of 2 done", id="one of two"),
        pytest.param(commit("a"), [status("a", OK)], "success: 1 operation done", id="one"),
        pytest.param(
            commit("a", "b"), [status("a", OK), status("b", GONE)], "success: 2 operations done", id="superseded"
        ),
        pytest.param(commit("a", "b"), [status("a", BAD)], "pending: 1 of 2 done; failed: a", id="failed so far"),
        pytest.param(commit("a", "b"), [status("b", BAD), status("a", BAD)], "failure: failed: a, b", id="failed"),
        pytest.param(commit("a"), [status("a", StatusState.ERROR)], "failure: failed: a", id="error"),
        pytest.param(commit("a"), [status("a", OK), status("b", BAD)], "success: 1 operation done", id="not its own"),
        pytest.param(commit("a"), [status("", BAD), status("a", OK)], "success: 1 operation done", id="not itself"),
        pytest.param(commit(problems=1, first="x.yaml: no"), [], "failure: 1 problem: x.yaml: no", id="problem"),
        pytest.param(commit(problems=2, first="x.yaml: no"), [], "failure: 2 problems: x.yaml: no", id="problems"),
        pytest.param(
            commit("a", problems=1, first="x.yaml: no"),
            [status("a", BAD)],
            "failure: 1 problem: x.yaml: no; failed: a",
            id="problem and failure",
        ),
    ],
)
def test_aggregate(record, statuses, expected):
    said = aggregate(record, statuses, "test", T0)
    assert expected == f"{said.state}: {said.description}"
    assert ("", "c1", "plumbline/test") == (said.root, said.commit, said.context)


@pytest.mark.parametrize(
    ("waits", "expected"),
    [
        pytest.param((), "success: 2 operations done", id="none"),
        pytest.param(("b",), "pending: 1 of 2 done", id="one"),
        pytest.param(("c",), "success: 2 operations done", id="one that it did not change"),
    ],
)
def test_what_a_root_said_before_its_commit_was_planned_again_does_not_count(waits, expected):
    said = aggregate(commit("a", "b"), [status("a", OK), status("b", OK)], "test", T0, waits)
    assert expected == f"{said.state}: {said.description}"


def test_an_aggregate_that_is_final_never_changes():
    # History asserts it at each step of every test; here are a retry, a loss, a supersede and a removal after it.
    history = after(push(job(), service()), end("train@g1#1", 1), wait(1))
    final = history.says("c1")
    assert "failure: failed: train" == final[""]
    for step in (ask("retry"), end("train@g1~1#1"), gone("serve@g1#1"), push(service(command="two")), push(job())):
        step(history)
        assert final == history.says("c1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("short", "short"),
        ("two\nlines  and\tblanks ", "two lines and blanks"),
        ("x" * 140, "x" * 140),
        ("x" * 141, "x" * 139 + "…"),
    ],
)
def test_a_description_is_one_short_line(text, expected):
    assert expected == shorten(text)
    assert len(shorten(text)) <= DESCRIPTION_LIMIT


def test_every_description_is_short():
    message = "the program said a great deal of things " * 20
    names = [f"operation-with-a-very-long-name-{number}" for number in range(12)]
    history = after(push(*[job(name, name) for name in names]))
    for name in names:
        seen(f"{name}@g1#1", message=message)(history)
        end(f"{name}@g1#1", 1)(history)
    said = history.says("c1")
    assert max(len(text.partition(": ")[2]) for text in said.values()) == DESCRIPTION_LIMIT
    assert said[""].startswith("failure: failed: operation-with-a-very-long-name-0, ")


def test_contexts_carry_the_instance():
    assert ("plumbline/prod", "plumbline/prod/train") == (context_of("prod"), context_of("prod", "train"))
