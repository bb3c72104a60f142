"""Events from outside a DAG: each starts one run of every operation that listens to it, once and for good."""

from __future__ import annotations

import pytest

from planner import happenings, keys
from planner.desire import event as rules
from planner.model.events import MOST_TURNS, OutsideEvent, ident_of
from planner.model.status import RunStatus
from tests.planner.builders import dag, job, listening, node, service, when
from tests.planner.cases import Case, table
from tests.planner.history import (
    T0,
    after,
    ask,
    end,
    push,
    sent,
    touching,
    wait,
)

pytestmark = pytest.mark.unit

TRAIN = job("train")
DRIFT = ident_of("sent", "ada", "1")


def ended(name: str, cause: str = "g1", status: str = "succeeded", rounds: int = 0) -> str:
    """The id of the event that a run has come to a status."""
    return ident_of("run", f"{name}@{cause}", str(rounds), status)


def deploy(*events, **more):
    return listening(job("deploy", "deploy"), *(events or (("runs.train", "succeeded"),)), **more)


def alert(**more):
    return listening(job("alert", "page", **more), ("drift", "alert_warning"))


RUNS = (
    Case(
        "waits",
        "what listens does not run by itself, and its commit says so at once",
        [push(deploy())],
        then=["deploy g1 in force"],
        says={"c1 deploy": "success: waits for events of runs.train"},
        alive=[],
    ),
    Case(
        "an-end",
        "the end of a run of another operation starts it",
        [push(TRAIN, deploy()), end("train@g1#1")],
        alive=[f"deploy@ev-{ended('train')}#1"],
    ),
    Case(
        "another-end",
        "an end that it does not listen to does not",
        [push(TRAIN, deploy()), end("train@g1#1", 1)],
        alive=[],
    ),
    Case(
        "done",
        "`done` is any end",
        [push(TRAIN, deploy(("runs.train", "done"))), end("train@g1#1", 1)],
        alive=[f"deploy@ev-{ended('train', status='done')}#1"],
    ),
    Case(
        "skipped",
        "a run that was decided not to start has ended too",
        [
            push(listening(job("train", refused=""), ("drift", "alert_warning")), deploy(("runs.train", "stopped"))),
            sent("alert_warning", "drift"),
            ask("stop", "train"),
        ],
        runs={f"deploy@ev-{ended('train', f'ev-{DRIFT}', 'stopped')}": "running"},
    ),
    Case(
        "before",
        "what happened before it listened starts nothing",
        [push(TRAIN), end("train@g1#1"), push(TRAIN, deploy()), wait(60)],
        alive=[],
    ),
    Case(
        "again",
        "a run that is retried by a person is another one",
        [
            push(TRAIN, deploy(("runs.train", "done"))),
            end("train@g1#1", 1),
            ask("retry", "train"),
            end("train@g1~1#1", 1),
        ],
        runs={
            f"deploy@ev-{ended('train', status='done')}": "running",
            f"deploy@ev-{ended('train', 'g1~1', 'done')}": "running",
        },
    ),
    Case(
        "a-dag-again",
        "a DAG leaves its end by a recorded round, and comes to it once more",
        [
            push(dag("train", node("a")), deploy(("runs.train", "done"))),
            end("train@g1/a#1", 1),
            ask("retry", "train"),
            end("train@g1/a~1#1", 1),
        ],
        runs={
            f"deploy@ev-{ended('train', status='done')}": "running",
            f"deploy@ev-{ended('train', status='done', rounds=1)}": "running",
        },
    ),
    Case(
        "once",
        "a status that is left and entered again is one event",
        [
            push(job("train", retries=3), deploy(("runs.train", "retrying"))),
            end("train@g1#1", 1),
            wait(1),
            end("train@g1#2", 1),
            wait(2),
            end("train@g1#3", 1),
            wait(4),
        ],
        alive=[f"deploy@ev-{ended('train', status='retrying')}#1", "train@g1#4"],
    ),
    Case(
        "running",
        "a run that has started",
        [push(TRAIN, deploy(("runs.train", "running"))), wait(1)],
        alive=[f"deploy@ev-{ended('train', status='running')}#1", "train@g1#1"],
    ),
    Case(
        "processing",
        "a DAG of which something began",
        [push(dag("train", node("a")), deploy(("runs.train", "processing")))],
        alive=[f"deploy@ev-{ended('train', status='processing')}#1", "train@g1/a#1"],
    ),
    Case(
        "a-node-is-not-its-operation",
        "nodes of a DAG are not runs of the project by their name",
        [push(dag("flow", node("train")), deploy()), end("flow@g1/train#1")],
        alive=[],
    ),
    Case(
        "several",
        "all that listen are started",
        [push(TRAIN, deploy(), listening(job("eval"), ("runs.train", "succeeded"))), end("train@g1#1")],
        alive=[f"deploy@ev-{ended('train')}#1", f"eval@ev-{ended('train')}#1"],
    ),
    Case(
        "a-dag-that-listens",
        "a DAG is started as one",
        [push(TRAIN, listening(dag("deploy", node("a")), ("runs.train", "succeeded"))), end("train@g1#1")],
        alive=[f"deploy@ev-{ended('train')}/a#1"],
    ),
    Case(
        "its-own",
        "one that listens to itself",
        [
            push(listening(job("train"), ("runs.train", "failed"), ("drift", "alert_warning"))),
            sent("alert_warning", "drift"),
            end(f"train@ev-{DRIFT}#1", 1),
        ],
        alive=[f"train@ev-{ended('train', f'ev-{DRIFT}', 'failed')}#1"],
    ),
)

SENT = (
    Case(
        "sent",
        "an event that somebody sends starts what listens to its name",
        [push(alert()), sent("alert_warning", "drift")],
        then=[f"opens alert@ev-{DRIFT}", f"starts alert@ev-{DRIFT}#1"],
    ),
    Case("another-name", "and nothing else", [push(alert()), sent("alert_warning", "smoke")], then=[]),
    Case("another-kind", "nor for another kind", [push(alert()), sent("alert_info", "drift")], then=[]),
    Case(
        "replayed",
        "what was seen before starts nothing, however long ago",
        [
            push(alert()),
            sent("alert_warning", "drift"),
            end(f"alert@ev-{DRIFT}#1"),
            wait(86_400),
            push(alert(description="x")),
            sent("alert_warning", "drift"),
        ],
        then=[],
        runs={f"alert@ev-{DRIFT}": "succeeded"},
    ),
    Case(
        "before-the-first-commit",
        "nobody listens yet",
        [push(TRAIN), sent("alert_warning", "drift"), push(TRAIN, alert()), wait(1)],
        then=[],
    ),
    Case(
        "removed",
        "what is not in the repository any more does not listen",
        [push(alert(), TRAIN), push(TRAIN), sent("alert_warning", "drift")],
        then=[],
    ),
    Case(
        "held",
        "while a change is held, what is in force listens",
        [
            push(alert()),
            push(alert(), *(job(f"j{n}") for n in range(30))),
            sent("alert_warning", "drift"),
        ],
        runs={f"alert@ev-{DRIFT}": "running"},
    ),
    Case(
        "suspended",
        "what happens in a suspension is not missed, like a tick",
        [push(alert()), ask("suspend", "alert"), wait(1), sent("alert_warning", "drift")],
        then=["alert passes over an event: suspended by ada"],
        alive=[],
    ),
    Case(
        "unsuspended",
        "nor is it caught up with",
        [
            push(alert()),
            ask("suspend", "alert"),
            wait(1),
            sent("alert_warning", "drift"),
            wait(1),
            ask("unsuspend", "alert"),
            wait(60),
        ],
        then=[],
        alive=[],
    ),
    Case(
        "after-a-suspension",
        "what happens after it starts again",
        [
            push(alert()),
            ask("suspend", "alert", **{"for": 60}),
            wait(61),
            sent("alert_warning", "drift"),
        ],
        alive=[f"alert@ev-{DRIFT}#1"],
    ),
    Case(
        "refused",
        "what cannot run here says so of each event, and its commit does",
        [push(alert(refused="no GPU")), sent("alert_warning", "drift")],
        then=["alert passes over an event: refused: no GPU"],
        says={"c1 alert": "failure: refused: no GPU"},
    ),
    Case(
        "changed",
        "a change of the spec runs nothing, and what was started goes on",
        [
            push(alert()),
            sent("alert_warning", "drift"),
            push(listening(job("alert", "mail"), ("drift", "alert_warning"))),
        ],
        then=["alert g2 in force"],
        alive=[f"alert@ev-{DRIFT}#1"],
    ),
    Case(
        "by-hand",
        "a person may run it all the same",
        [push(alert()), ask("run", "alert")],
        alive=["alert@req-q1#1"],
    ),
)

COMMITS = (
    Case(
        "a-commit",
        "a commit that touches a path starts it",
        [
            push(deploy(("repository", "connection_git_commit"), paths=["data/**"])),
            touching("data/a/b.csv"),
            push(deploy(("repository", "connection_git_commit"), paths=["data/**"]), TRAIN),
        ],
        alive=[f"deploy@ev-{ident_of('commit', 'c2')}#1", "train@g1#1"],
    ),
    Case(
        "another-path",
        "one that touches others does not",
        [
            push(deploy(("repository", "connection_git_commit"), paths=["data/**"])),
            touching("code/a.py"),
            push(deploy(("repository", "connection_git_commit"), paths=["data/**"]), TRAIN),
        ],
        alive=["train@g1#1"],
    ),
    Case(
        "any-path",
        "without paths each commit does",
        [
            push(deploy(("repository", "connection_git_commit"))),
            push(deploy(("repository", "connection_git_commit")), TRAIN),
        ],
        alive=[f"deploy@ev-{ident_of('commit', 'c2')}#1", "train@g1#1"],
    ),
    Case(
        "its-own-commit",
        "the commit that brings it does not start it",
        [push(TRAIN), touching("data/a"), push(TRAIN, deploy(("repository", "connection_git_commit")))],
        alive=["train@g1#1"],
    ),
    Case(
        "a-commit-again",
        "a commit counts once, also where the branch goes back to it",
        [
            push(deploy(("repository", "connection_git_commit"))),
            push(deploy(("repository", "connection_git_commit")), commit="c2"),
            push(deploy(("repository", "connection_git_commit")), TRAIN, commit="c3"),
            push(deploy(("repository", "connection_git_commit")), commit="c2"),
        ],
        runs={f"deploy@ev-{ident_of('commit', name)}": "running" for name in ("c2", "c3")},
    ),
    Case(
        "a-rename",
        "what was heard goes with an operation that takes another name in the same commit",
        [
            push(deploy(("repository", "connection_git_commit")), TRAIN),
            push(listening(job("ship", "deploy"), ("repository", "connection_git_commit")), TRAIN),
        ],
        runs={f"ship@ev-{ident_of('commit', 'c2')}": "running"},
    ),
)


OUTSIDE = (*RUNS, *SENT, *COMMITS)


@table(*OUTSIDE)
def test_events(case):
    case.check()


def test_a_run_knows_what_started_it():
    history = after(push(TRAIN, deploy()), end("train@g1#1", size=3))

    run = history.run(f"deploy@ev-{ended('train')}")
    assert run.because == "the event run_status_succeeded of runs.train (train@g1)"
    assert run.event is not None
    assert run.event.data["outputs"] == {"size": 3}
    assert history.bound[run.bound].context["globals"]["event"] == {
        "id": ended("train"),
        "kind": "run_status_succeeded",
        "ref": "runs.train",
        "at": "2026-11-23T06:00:00Z",
        "by": "",
        "data": {
            "run": "train@g1",
            "operation": "train",
            "status": "succeeded",
            "reason": "",
            "commit": "c1",
            "outputs": {"size": 3},
        },
    }


def test_outputs_that_are_too_large_are_left_out():
    history = after(push(TRAIN, deploy()), end("train@g1#1", size="x" * happenings.LARGEST_DATA))

    event = history.run(f"deploy@ev-{ended('train')}").event
    assert event is not None
    assert (event.data["outputs"], event.data["run"]) == ({}, "train@g1")


def test_a_template_reads_the_event():
    told = listening(job("deploy", "echo {{ globals.event.data.severity }}"), ("drift", "alert_warning"))
    history = after(push(told), sent("alert_warning", "drift", severity="high"))

    run = history.run(f"deploy@ev-{DRIFT}")
    assert history.bound[run.bound].gang.replicas[0].container.command == ("echo high",)


def test_a_value_that_the_event_lacks_fails_the_run_with_its_name():
    told = listening(job("deploy", "echo {{ globals.event.data.severity }}"), ("drift", "alert_warning"))
    history = after(push(told), sent("alert_warning", "drift"))

    run = history.run(f"deploy@ev-{DRIFT}")
    assert run.status is RunStatus.FAILED
    assert "globals.event.data.severity" in run.reason


def test_operations_that_start_one_another_in_a_circle_come_to_an_end():
    ping = listening(job("ping"), ("runs.pong", "succeeded"), ("drift", "alert_warning"))
    pong = listening(job("pong"), ("runs.ping", "succeeded"))
    history = after(push(ping, pong), sent("alert_warning", "drift"))

    for turn in range(2 * MOST_TURNS):
        (alive,) = history.alive()
        assert alive.startswith("pong" if turn % 2 else "ping")
        history.end(alive)
        history.go()
    assert history.alive() == []
    skipped = [run for run in history.ledger.snapshot().runs.values() if run.status is RunStatus.SKIPPED]
    assert [run.reason for run in skipped] == [
        "3 runs of it led to it already: operations start one another in a circle"
    ]


def test_what_is_skipped_as_a_circle_tells_nobody():
    ping = listening(job("ping"), ("runs.ping", "done"), ("runs.ping", "running"), ("drift", "alert_warning"))
    history = after(push(ping), sent("alert_warning", "drift"))

    while history.alive():
        history.end(history.alive()[0])
        history.go()
    runs = [run for run in history.ledger.snapshot().runs.values() if run.root == "ping"]
    assert [run.status for run in runs].count(RunStatus.SUCCEEDED) == 1 + 2 + 4
    assert [run.status for run in runs].count(RunStatus.SKIPPED) == 8


def test_a_long_chain_of_operations_goes_on_to_its_end():
    chain = [listening(job(f"step{number}"), (f"runs.step{number - 1}", "succeeded")) for number in range(1, 30)]
    history = after(push(job("step0"), *chain))

    for number in range(30):
        (alive,) = history.alive()
        assert alive.startswith(f"step{number}@")
        history.end(alive)
        history.go()
    assert history.alive() == []


def test_a_flood_of_events_is_recorded_and_not_started(monkeypatch):
    monkeypatch.setattr(rules, "MOST_OPEN", 2)
    history = after(push(alert()), *(sent("alert_warning", "drift", str(number)) for number in range(4)))

    statuses = [run.status for key, run in history.ledger.snapshot().runs.items() if key.cause.startswith("ev-")]
    assert statuses.count(RunStatus.SKIPPED) == 2
    assert len(history.alive()) == 2


def test_an_event_that_is_told_twice_before_it_is_decided_is_one():
    history = after(push(alert()))
    event = OutsideEvent(DRIFT, "alert_warning", "drift", T0)
    history.add([*happenings.told(event, history.listeners())] * 2)

    assert len(history.record("alert").events) == 1
    history.go()
    assert (history.record("alert").events, history.alive()) == ((), [f"alert@ev-{DRIFT}#1"])


def test_a_service_that_starts_an_operation():
    history = after(push(service("serve"), deploy(("runs.serve", "running"))))

    assert [key for key in history.alive() if key.startswith("deploy")] == [
        f"deploy@ev-{ended('serve', status='running')}#1"
    ]


def test_a_dag_that_a_retry_brings_to_the_same_end_at_once_starts_an_operation_again():
    flow = dag("flow", node("a"), node("b", "a"))
    history = after(push(flow, deploy(("runs.flow", "failed"))), end("flow@g1/a#1", 1))
    before = [key for key in history.alive() if key.startswith("deploy")]
    ask("retry", "flow", key="flow@g1/b")(history)

    assert len(before) == 1
    assert len([key for key in history.alive() if key.startswith("deploy")]) == 2


def test_ids_tell_sources_apart():
    names = {ident_of("sent", "a", "b"), ident_of("run", "a", "b"), ident_of("sent", "ab"), ident_of("sent", "b", "a")}

    assert len(names) == 4
    assert all(keys.parse(str(keys.event("train", name))).cause == f"ev-{name}" for name in names)


def test_a_retry_and_the_nodes_of_a_dag_see_the_event_of_the_run():
    echo = job("a", "echo {{ globals.event.data.severity }}")
    flow = listening(dag("flow", node(echo)), ("drift", "alert_warning"))
    history = after(push(flow), sent("alert_warning", "drift", severity="high"))
    history.end(f"flow@ev-{DRIFT}/a#1", 1)
    history.go()
    ask("retry", "flow")(history)

    commands = [
        history.bound[history.run(f"flow@ev-{DRIFT}/a{again}").bound].gang.replicas[0].container.command
        for again in ("", "~1")
    ]
    assert commands == [("echo high",), ("echo high",)]


def test_a_condition_reads_the_event():
    high = "{{ globals.event.data.severity == 'high' }}"
    page = listening(when(job("page"), high), ("drift", "alert_warning"))
    history = after(
        push(page),
        sent("alert_warning", "drift", "1", severity="low"),
        sent("alert_warning", "drift", "2", severity="high"),
    )

    assert sorted(str(run.status) for run in history.ledger.snapshot().runs.values()) == ["running", "skipped"]
