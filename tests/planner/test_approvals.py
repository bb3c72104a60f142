"""Approvals: a run of an operation with `isApproved: false` starts when a person said so, and never before."""

from __future__ import annotations

import pytest

from planner.model.facts import Approved, Withheld
from tests.planner.builders import EVERY_TEN, approved, dag, job, node, service, when
from tests.planner.cases import Case, table
from tests.planner.history import after, approve, ask, end, push, wait

pytestmark = pytest.mark.unit


def hold_of(history, root="train"):
    (held,) = history.record(root).held
    return held.hold


APPROVALS = (
    Case(
        "held",
        "a run that wants to be approved waits, and its commit says for what",
        [push(approved(job()))],
        then=["train g1 in force", "opens train@g1", "train@g1 withheld"],
        says={"c1 train": "pending: held: train@g1 wants to be approved; plumbline approve h-59150c91"},
        waits=["train@g1 waits for train@g1 wants to be approved; plumbline approve h-59150c91"],
        alive=[],
    ),
    Case(
        "still-held",
        "for as long as it takes",
        [push(approved(job())), wait(hours=90)],
        then=[],
        runs={"train@g1": "created"},
    ),
    Case("released", "an approval starts it", [push(approved(job())), approve()], then=["starts train@g1#1"]),
    Case(
        "another-hold",
        "an approval of something else does not",
        [push(approved(job())), approve(hold="h-00000000")],
        alive=[],
    ),
    Case(
        "once",
        "further attempts of the same run need none",
        [push(approved(job(retries=1))), approve(), end("train@g1#1", 1), wait(1)],
        then=["starts train@g1#2"],
    ),
    Case(
        "service",
        "neither does a service that is started again",
        [push(approved(service())), approve("serve"), end("serve@g1#1", 1), wait(1)],
        alive=["serve@g1#2"],
    ),
    Case(
        "retried",
        "a retry is another run, and wants one of its own",
        [push(approved(job())), approve(), end("train@g1#1", 1), ask("retry", "train")],
        then=["round 1 of train@g1: .", "opens train@g1~1", "train@g1~1 withheld"],
        alive=[],
    ),
    Case(
        "stopped",
        "what is stopped meanwhile is not held any more",
        [push(approved(job())), ask("stop", "train"), approve()],
        runs={"train@g1": "stopped"},
        waits=[],
        alive=[],
    ),
    Case(
        "a round that was removed",
        "neither is a round of a service that is removed before it was approved",
        [
            push(approved(service()), job()),
            ask("stop", "serve"),
            ask("retry", "serve"),
            push(job()),
            approve("serve"),
        ],
        runs={"serve@g1": "stopped", "serve@g1~1": "stopped", "train@g1": "running"},
        alive=["train@g1#1"],
    ),
    Case(
        "a run that was asked for of what is removed",
        "neither is a service that a person ran and nobody approved, when nothing of the operation ever started",
        [
            push(approved(service()), job()),
            ask("stop", "serve"),
            ask("run", "serve"),
            push(job()),
        ],
        runs={"serve@g1": "stopped", "serve@req-q2": "stopped", "train@g1": "running"},
        alive=["train@g1#1"],
    ),
    Case(
        "superseded",
        "neither is what another commit replaced",
        [push(approved(job())), push(approved(job(command="more")))],
        runs={"train@g1": "stopped"},
    ),
    Case(
        "ticks",
        "each tick wants its own",
        [push(approved(job(schedule=EVERY_TEN))), wait(minutes=10)],
        alive=[],
        runs={"train@2026-11-23T06:10Z": "created"},
    ),
    Case(
        "node",
        "a node of a DAG waits when its turn has come, and the others go on",
        [push(dag("flow", node("a"), node(approved(job("b")), "a"), node("c", "a"))), end("flow@g1/a#1")],
        then=["flow@g1/a succeeded", "opens flow@g1/b", "flow@g1/b withheld", "opens flow@g1/c", "starts flow@g1/c#1"],
        says={"c1 flow": "pending: running: c; 1 ended"},
    ),
    Case(
        "node-alone",
        "when nothing else goes on, the commit says so",
        [push(dag("flow", node("a"), node(approved(job("b")), "a"))), end("flow@g1/a#1")],
        says={"c1 flow": "pending: held: flow@g1/b wants to be approved; plumbline approve h-391ed6f1"},
    ),
    Case(
        "dag",
        "of a DAG nothing is opened before it is approved",
        [push(approved(dag("flow", node("a"), node("b"))))],
        then=["flow g1 in force", "opens flow@g1", "flow@g1 withheld"],
        runs={"flow@g1/a": None},
        says={"c1 flow": "pending: held: flow@g1 wants to be approved; plumbline approve h-1dbe8149"},
    ),
    Case(
        "dag-released",
        "and everything is then",
        [push(approved(dag("flow", node("a"), node("b")))), approve("flow")],
        alive=["flow@g1/a#1", "flow@g1/b#1"],
    ),
    Case(
        "dag-stopped",
        "a DAG that is stopped before it was approved is stopped",
        [push(approved(dag("flow", node("a")))), ask("stop", "flow")],
        runs={"flow@g1": "stopped"},
        waits=[],
    ),
    Case(
        "not-wanted-any-more",
        "a commit may say that no approval is wanted any more: then it starts, and nothing is held",
        [push(approved(job())), push(job())],
        then=["starts train@g1#1"],
        waits=[],
    ),
    Case(
        "dag-not-wanted-any-more",
        "of a DAG too",
        [push(approved(dag("flow", node("a")))), push(dag("flow", node("a")))],
        alive=["flow@g1/a#1"],
    ),
    Case(
        "skipped",
        "what its condition skips needs no approval",
        [push(approved(when(job(), False)))],
        runs={"train@g1": "skipped"},
        waits=[],
    ),
    Case(
        "carried",
        "neither does a node that is carried over",
        [
            push(dag("flow", node(approved(job("a"))), node("b", "a"))),
            approve("flow"),
            end("flow@g1/a#1"),
            end("flow@g1/b#1"),
            push(dag("flow", node(approved(job("a"))), node(job("b", "else"), "a"))),
        ],
        runs={"flow@g2/b": "running"},
    ),
    Case(
        "suspended",
        "a suspension is said first",
        [push(job()), ask("suspend", "train"), push(approved(job(command="more")))],
        waits=["train@g2 waits for the end of the suspension by ada; plumbline unsuspend train"],
    ),
)


@table(*APPROVALS)
def test_approvals(case):
    case.check()


def test_who_approved_is_kept():
    history = after(push(approved(job())), approve())

    assert history.run("train@g1").approved_by == "ada"
    assert history.record("train").held == ()


@pytest.mark.parametrize("operation", [job("flow"), dag("flow", node("a"))], ids=["job", "dag"])
def test_what_begins_is_not_held_any_more(operation):
    assert after(push(approved(operation))).record("flow").held
    assert after(push(approved(operation)), push(operation)).record("flow").held == ()


def test_a_hold_is_for_what_the_run_is_bound_to():
    first, second = (hold_of(after(push(approved(job(command=command))))) for command in ("fit", "more"))

    assert first.ident != second.ident
    assert first == hold_of(after(push(approved(job()))))


def test_it_is_held_once():
    history = after(push(approved(job())), wait(hours=1), wait(hours=1), approve(), approve())

    assert len([fact for fact in history.facts if isinstance(fact, Withheld | Approved)]) == 0  # of the last step
    assert history.run("train@g1").approved_by == "ada"
