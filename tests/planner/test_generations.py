"""What becomes of old generations: carried over, withdrawn, left to finish, stopped (design: "A changed root")."""

from __future__ import annotations

import pytest

from planner.admit import Limits
from planner.model.desired import CompiledOperation, OnChange, Policy, RunPolicy
from planner.model.status import StopReason
from tests.planner.builders import caching, dag, desired, job, node, rolling, service
from tests.planner.cases import Case, table
from tests.planner.history import Step, after, ask, decisions, end, gone, push, seen, wait, world

pytestmark = pytest.mark.unit

STOP = Policy(on_change=OnChange.STOP)


def flow(
    a: str = "a1", b: str = "b1", c: str = "c1", *, retries: int = 0, policy: Policy = Policy()
) -> CompiledOperation:
    """a, then b that reads a's output, then c."""
    return dag(
        "flow",
        node(job("a", a)),
        node(job("b", b, retries=retries, reads={"n": "a.size"}), "a"),
        node(job("c", c), "b"),
        policy=policy,
    )


def to_b(**changes: object) -> list[Step]:
    """flow, up to the moment at which b runs."""
    return [push(flow(**changes)), wait(1), end("flow@g1/a#1", size=3), wait(1)]  # type: ignore[arg-type]


DONE = [*to_b(), end("flow@g1/b#1"), wait(1), end("flow@g1/c#1"), wait(1)]

CARRIED = (
    Case(
        "succeeded-children",
        "what has succeeded with the same inputs is the same record under a new key; only the rest runs",
        [*DONE, push(flow(c="c2"))],
        then=[
            "flow g2 in force",
            "opens flow@g2",
            "opens flow@g2/a",
            "flow@g2/a is flow@g1/a",
            "flow@g2/a succeeded: carried over from flow@g1/a",
            "opens flow@g2/b",
            "flow@g2/b is flow@g1/b",
            "flow@g2/b succeeded: carried over from flow@g1/b",
            "opens flow@g2/c",
            "starts flow@g2/c#1",
        ],
        alive=["flow@g2/c#1"],
    ),
    Case(
        "running-child",
        "what runs with the same inputs is never started again: its process goes on under the new key",
        [*to_b(), push(flow(c="c2"))],
        then=[
            "flow g2 in force",
            "opens flow@g2",
            "opens flow@g2/a",
            "flow@g2/a is flow@g1/a",
            "flow@g2/a succeeded: carried over from flow@g1/a",
            "opens flow@g2/b",
            "flow@g2/b is flow@g1/b",
        ],
        alive=["flow@g1/b#1"],
        says={"c1 flow": "superseded: superseded by c2", "c2 flow": "pending: running: b; 1 ended"},
    ),
    Case(
        "running-child-ends",
        "its end is the end of both, and what waited for it starts in the new generation only",
        [*to_b(), push(flow(c="c2")), wait(1), end("flow@g1/b#1")],
        then=[
            "flow@g1/b succeeded",
            "flow@g2/b succeeded: carried over from flow@g1/b",
            "opens flow@g2/c",
            "flow@g1 stopped: superseded",
            "starts flow@g2/c#1",
        ],
    ),
    Case(
        "running-child-fails",
        "a carried child that fails fails its new parent",
        [*to_b(), push(flow(c="c2")), wait(1), end("flow@g1/b#1", 1)],
        runs={"flow@g1/b": "failed", "flow@g2/b": "failed", "flow@g2/c": "upstream_failed", "flow@g2": "failed"},
        says={"c2 flow": "failure: failed: b"},
        alive=[],
    ),
    Case(
        "running-child-is-retried",
        "a carried child is wanted: it keeps its retries though its own generation is superseded",
        [*to_b(retries=1), push(flow(c="c2", retries=1)), wait(1), end("flow@g1/b#1", 1), wait(1)],
        then=["starts flow@g1/b#2"],
        runs={"flow@g2/b": "created", "flow@g1": "created"},
    ),
    Case(
        "running-child-is-lost",
        "so it does when it is lost",
        [*to_b(retries=1), push(flow(c="c2", retries=1)), gone("flow@g1/b#1"), wait(1)],
        then=["starts flow@g1/b#2"],
    ),
    Case(
        "running-child-is-evicted",
        "and an eviction costs it nothing",
        [*to_b(), push(flow(c="c2")), wait(1), end("flow@g1/b#1", 137, StopReason.EVICTED), wait(1)],
        then=["starts flow@g1/b#2"],
    ),
    Case(
        "over-three-generations",
        "a process that is carried twice still is one process, whose retries the newest generation decides",
        [
            *to_b(retries=1),
            push(flow(c="c2", retries=1)),
            push(flow(c="c3", retries=1)),
            wait(1),
            end("flow@g1/b#1", 1),
            wait(1),
        ],
        then=["starts flow@g1/b#2"],
        alive=["flow@g1/b#2"],
        runs={"flow@g2/b": "created", "flow@g3/b": "created"},
    ),
    Case(
        "over-three-generations-ends",
        "and its end settles all of them",
        [*to_b(), push(flow(c="c2")), push(flow(c="c3")), wait(1), end("flow@g1/b#1")],
        runs={"flow@g1": "stopped", "flow@g2": "stopped", "flow@g2/b": "succeeded", "flow@g3/b": "succeeded"},
        alive=["flow@g3/c#1"],
    ),
    Case(
        "failed-child",
        "what has failed is not carried: the new generation tries it again",
        [*to_b(), end("flow@g1/b#1", 1), push(flow(c="c2"))],
        then=[
            "flow g2 in force",
            "opens flow@g2",
            "opens flow@g2/a",
            "flow@g2/a is flow@g1/a",
            "flow@g2/a succeeded: carried over from flow@g1/a",
            "opens flow@g2/b",
            "starts flow@g2/b#1",
        ],
    ),
    Case(
        "renamed-node",
        "results go by what ran, not by the node's name",
        [
            *DONE,
            push(
                dag(
                    "flow",
                    node(job("a", "a1")),
                    node(job("renamed", "b1", reads={"n": "a.size"}), "a"),
                    node(job("c", "c1"), "renamed"),
                )
            ),
        ],
        runs={"flow@g2/renamed": "succeeded", "flow@g2": "succeeded"},
        alive=[],
    ),
    Case(
        "changed-output",
        "another output upstream is another input: what reads it runs again",
        [*DONE, push(flow(a="a2")), wait(1), end("flow@g2/a#1", size=4)],
        then=["flow@g2/a succeeded", "opens flow@g2/b", "starts flow@g2/b#1"],
    ),
    Case(
        "equal-output",
        "an equal output is an equal input: what reads it is carried over, and what follows too",
        [*DONE, push(flow(a="a2")), wait(1), end("flow@g2/a#1", size=3)],
        then=[
            "flow@g2/a succeeded",
            "opens flow@g2/b",
            "flow@g2/b is flow@g1/b",
            "flow@g2/b succeeded: carried over from flow@g1/b",
            "opens flow@g2/c",
            "flow@g2/c is flow@g1/c",
            "flow@g2/c succeeded: carried over from flow@g1/c",
            "flow@g2 succeeded",
        ],
        alive=[],
    ),
    Case(
        "dag-revert",
        "a revert of a DAG is a generation that runs nothing of what has succeeded (decision 3)",
        [*DONE, push(flow(c="c2")), wait(1), end("flow@g2/c#1"), wait(1), push(flow())],
        runs={"flow@g3/a": "succeeded", "flow@g3/b": "succeeded", "flow@g3/c": "succeeded", "flow@g3": "succeeded"},
        alive=[],
        says={"c3 flow": "success: succeeded"},
    ),
    Case(
        "job-revert",
        "a revert of a job runs it again: the cache of an independent run is opt-in (decision 3)",
        [push(job()), end("train@g1#1"), push(job(command="other")), end("train@g2#1"), push(job())],
        then=["train g3 in force", "opens train@g3", "starts train@g3#1"],
    ),
    Case(
        "job-revert-while-it-runs",
        "but a process that lives is taken over: a second, equal one beside it would be waste (decision 3)",
        [push(job()), push(job(command="other")), push(job())],
        then=["train g3 in force", "opens train@g3", "train@g3 is train@g1"],
        alive=["train@g1#1", "train@g2#1"],
    ),
    Case(
        "job-revert-then-evicted",
        "a process that was taken over is wanted like any other",
        [
            push(job()),
            push(job(command="other")),
            push(job()),
            wait(1),
            end("train@g1#1", 137, StopReason.EVICTED),
            wait(1),
        ],
        then=["starts train@g1#2"],
    ),
    Case(
        "stopping-is-not-taken-over",
        "what is being stopped is not taken over",
        [
            push(job(policy=STOP)),
            world(stops_at_once=False),
            push(job(command="other", policy=STOP)),
            push(job(policy=STOP)),
        ],
        then=["train g3 in force", "opens train@g3", "stops train@g2#1: superseded", "starts train@g3#1"],
    ),
    Case(
        "another-root",
        "nothing is carried over from another operation (it is the cache that looks there)",
        [
            push(flow()),
            end("flow@g1/a#1", size=3),
            push(flow(), dag("other", node(caching(job("a", "a1"), disable=True)), node("z", "a"))),
        ],
        then=["other g1 in force", "opens other@g1", "opens other@g1/a", "starts other@g1/a#1"],
    ),
)

ON_CHANGE = (
    Case(
        "finish",
        "what runs ends by itself while the new one starts",
        [push(job()), push(job(command="other"))],
        then=["train g2 in force", "opens train@g2", "starts train@g2#1"],
        alive=["train@g1#1", "train@g2#1"],
        says={"c1 train": "pending: finishes; superseded by c2"},
    ),
    Case(
        "finished",
        "and its end is its own",
        [push(job()), push(job(command="other")), wait(9), end("train@g1#1")],
        then=["train@g1 succeeded"],
        says={"c1 train": "success: succeeded in 9 s"},
    ),
    Case(
        "stop",
        "onChange: stop stops it",
        [push(job(policy=STOP)), push(job(command="other", policy=STOP))],
        then=[
            "train g2 in force",
            "opens train@g2",
            "stops train@g1#1: superseded",
            "starts train@g2#1",
            "train@g1 stopped: superseded",
        ],
        says={"c1 train": "superseded: superseded by c2"},
    ),
    Case(
        "stop-spares-what-is-carried",
        "onChange decides for the rest: what is carried over goes on under either policy",
        [*to_b(policy=STOP), push(flow(c="c2", policy=STOP))],
        then=[
            "flow g2 in force",
            "opens flow@g2",
            "opens flow@g2/a",
            "flow@g2/a is flow@g1/a",
            "flow@g2/a succeeded: carried over from flow@g1/a",
            "opens flow@g2/b",
            "flow@g2/b is flow@g1/b",
        ],
        alive=["flow@g1/b#1"],
    ),
    Case(
        "stop-of-what-was-carried",
        "a carried process that the third generation has not is stopped under its own key",
        [
            *to_b(policy=STOP),
            push(flow(c="c2", policy=STOP)),
            push(dag("flow", node(job("a", "a1")), policy=STOP)),
        ],
        runs={"flow@g1/b": "stopped", "flow@g2/b": "stopped", "flow@g3": "succeeded"},
        alive=[],
    ),
    Case(
        "stop-of-a-child",
        "a child with another digest is stopped, its successor starts",
        [*to_b(policy=STOP), push(flow(b="b2", policy=STOP))],
        alive=["flow@g2/b#1"],
        runs={"flow@g1/b": "stopped", "flow@g1": "stopped"},
    ),
    Case(
        "no-more-retries",
        "a superseded run that fails is not tried again",
        [push(job(retries=3)), push(job(command="other")), wait(1), end("train@g1#1", 1)],
        then=["train@g1 failed: exit code 1"],
    ),
    Case(
        "no-retry-in-back-off",
        "nor is one that waits for its next attempt",
        [push(job(retries=3)), end("train@g1#1", 1), push(job(command="other"))],
        then=[
            "train g2 in force",
            "opens train@g2",
            "train@g1 failed: exit code 1",
            "starts train@g2#1",
        ],
    ),
    Case(
        "queued-children",
        "what has not started is withdrawn",
        [
            world(limits=Limits(runs=1)),
            push(dag("flow", node("a"), node("b"), node("c"))),
            push(dag("flow", node("a"), node("b"), node(job("c", "new")))),
        ],
        then=[
            "flow g2 in force",
            "opens flow@g2",
            "opens flow@g2/a",
            "flow@g2/a is flow@g1/a",
            "opens flow@g2/b",
            "opens flow@g2/c",
            "flow@g1/b stopped: superseded before it started",
            "flow@g1/c stopped: superseded before it started",
        ],
        alive=["flow@g1/a#1"],
    ),
    Case(
        "queued-job",
        "a queued job is withdrawn, and its generation is skipped without a trace of a run",
        [
            world(limits=Limits(runs=0)),
            push(job()),
            push(job(command="other")),
        ],
        then=["train g2 in force", "opens train@g2", "train@g1 stopped: superseded before it started"],
        says={"c1 train": "superseded: superseded by c2"},
    ),
    Case(
        "children-to-come",
        "what the superseded generation would have opened next is never opened",
        [*to_b(), push(flow(b="b2")), wait(1), end("flow@g1/b#1")],
        then=["flow@g1/b succeeded", "flow@g1 stopped: superseded"],
        runs={"flow@g1/c": None},
    ),
)

NEVER_STARTED = (
    Case(
        "revert-of-a-job",
        "a generation that never started is withdrawn by a revert: nothing runs again",
        [push(job()), end("train@g1#1"), world(limits=Limits(runs=0)), push(job(command="other")), push(job())],
        then=["train withdrawn", "train@g2 stopped: superseded before it started"],
        says={"c2 train": "superseded: superseded by c3", "c3 train": "success: in force already"},
    ),
    Case(
        "revert-of-a-dag",
        "with all of its children",
        [
            push(dag("flow", node("a"))),
            end("flow@g1/a#1"),
            world(limits=Limits(runs=0)),
            push(dag("flow", node(job("a", "new")), node("b"))),
            push(dag("flow", node("a"))),
        ],
        then=[
            "flow withdrawn",
            "flow@g2/a stopped: superseded before it started",
            "flow@g2/b stopped: superseded before it started",
            "flow@g2 stopped: superseded",
        ],
    ),
    Case(
        "revert-over-two",
        "two generations that never started leave the one before them in force",
        [
            push(job()),
            end("train@g1#1"),
            world(limits=Limits(runs=0)),
            push(job(command="two")),
            push(job(command="three")),
            push(job()),
        ],
        then=["train withdrawn", "train@g3 stopped: superseded before it started"],
    ),
    Case(
        "numbers-are-not-given-twice",
        "the next generation after a withdrawn one has a number of its own",
        [
            push(job()),
            end("train@g1#1"),
            world(limits=Limits(runs=0)),
            push(job(command="two")),
            push(job()),
            world(limits=Limits()),
            push(job(command="two")),
        ],
        then=["train g3 in force", "opens train@g3", "starts train@g3#1"],
    ),
    Case(
        "revert-while-the-first-runs",
        "the commit that reverts to what runs says how that ends",
        [
            push(job()),
            world(limits=Limits(runs=1)),
            push(job(command="two")),
            push(job()),
            wait(3),
            end("train@g1#1", 1),
        ],
        then=["train@g1 failed: exit code 1"],
        says={"c3 train": "failure: failed: exit code 1"},
    ),
)

SERVICES = (
    Case(
        "rolling",
        "new ready, then old stopped",
        [push(rolling()), push(rolling(command="two"))],
        then=[
            "serve g2 in force",
            "opens serve@g2",
            "starts serve@g2#1",
            "stops serve@g1#1: superseded",
            "serve@g1 stopped: superseded",
        ],
        alive=["serve@g2#1"],
        says={"c2 serve": "success: ready"},
    ),
    Case(
        "rolling-not-ready",
        "the old one serves until then",
        [push(rolling()), world(ready=False), push(rolling(command="two")), wait(minutes=9)],
        then=[],
        alive=["serve@g1#1", "serve@g2#1"],
        says={"c2 serve": "pending: starting"},
    ),
    Case(
        "rolling-never-ready",
        "not ready within its deadline: failure, and the old one stays in service",
        [push(rolling()), world(ready=False), push(rolling(command="two")), wait(minutes=10)],
        then=[],
        alive=["serve@g1#1", "serve@g2#1"],
        says={"c2 serve": "failure: not ready within 600 s", "c2": "failure: failed: serve"},
    ),
    Case(
        "rolling-old-dies",
        "the old one in service is healed for as long as it is in service",
        [push(rolling()), world(ready=False), push(rolling(command="two")), end("serve@g1#1", 1), wait(1)],
        then=["starts serve@g1#2"],
        alive=["serve@g1#2", "serve@g2#1"],
    ),
    Case(
        "rolling-old-dies-then-new-ready",
        "and no longer",
        [
            push(rolling()),
            world(ready=False),
            push(rolling(command="two")),
            end("serve@g1#1", 1),
            seen("serve@g2#1", ready=True),
        ],
        then=["serve@g1 stopped: not started again: exit code 1"],
        alive=["serve@g2#1"],
    ),
    Case(
        "rolling-three-in-a-row",
        "of several that never got ready only the newest is kept beside the one in service",
        [push(rolling()), world(ready=False), push(rolling(command="two")), push(rolling(command="three"))],
        then=[
            "serve g3 in force",
            "opens serve@g3",
            "stops serve@g2#1: superseded",
            "starts serve@g3#1",
            "serve@g2 stopped: superseded",
        ],
        alive=["serve@g1#1", "serve@g3#1"],
    ),
    Case(
        "rolling-third-ready",
        "and when it is ready, all others go",
        [
            push(rolling()),
            world(ready=False),
            push(rolling(command="two")),
            push(rolling(command="three")),
            seen("serve@g3#1", ready=True),
        ],
        then=["stops serve@g1#1: superseded", "serve@g1 stopped: superseded"],
        alive=["serve@g3#1"],
    ),
    Case(
        "rolling-first-never-ready",
        "what never was in service does not wait for its successor",
        [world(ready=False), push(rolling()), push(rolling(command="two"))],
        then=[
            "serve g2 in force",
            "opens serve@g2",
            "stops serve@g1#1: superseded",
            "starts serve@g2#1",
            "serve@g1 stopped: superseded",
        ],
    ),
    Case(
        "rolling-revert",
        "a revert takes the one over that never left service, and stops the other",
        [push(rolling()), world(ready=False), push(rolling(command="two")), push(rolling())],
        then=[
            "serve g3 in force",
            "opens serve@g3",
            "serve@g3 is serve@g1",
            "stops serve@g2#1: superseded",
            "serve@g2 stopped: superseded",
        ],
        alive=["serve@g1#1"],
        says={"c3 serve": "success: ready"},
    ),
    Case(
        "rolling-refused",
        "what cannot run here does not replace what does",
        [push(rolling()), push(rolling(command="two", refused="no such kind")), end("serve@g1#1", 1), wait(1)],
        then=["starts serve@g1#2"],
        says={"c2 serve": "failure: refused: no such kind"},
    ),
    Case(
        "recreate",
        "the old one goes first",
        [push(service()), push(service(command="two"))],
        then=[
            "serve g2 in force",
            "opens serve@g2",
            "stops serve@g1#1: superseded",
            "serve@g1 stopped: superseded",
            "starts serve@g2#1",
        ],
    ),
    Case(
        "recreate-waits",
        "and the new one waits for the end of its process",
        [push(service()), world(stops_at_once=False), push(service(command="two"))],
        then=["serve g2 in force", "opens serve@g2", "stops serve@g1#1: superseded"],
        waits=["serve@g2 waits for the end of serve@g1"],
        says={"c2 serve": "pending: waits for the end of serve@g1"},
        alive=["serve@g1#1"],
    ),
    Case(
        "recreate-three-in-a-row",
        "a third one waits for the first, and the second never starts",
        [
            push(service()),
            world(stops_at_once=False),
            push(service(command="two")),
            push(service(command="three")),
            world(stops_at_once=True),
        ],
        then=["serve@g1 stopped: superseded", "starts serve@g3#1"],
        runs={"serve@g2": "stopped"},
    ),
    Case(
        "recreate-revert-while-stopping",
        "a revert while the old one stops starts it again once it has stopped",
        [
            push(service()),
            world(stops_at_once=False),
            push(service(command="two")),
            push(service()),
            world(stops_at_once=True),
        ],
        then=["starts serve@g1#2"],
        says={"c3 serve": "success: ready"},
    ),
    Case(
        "recreate-revert-is-not-ready-yet",
        "until then the commit does not say that it is ready",
        [push(service()), world(stops_at_once=False), push(service(command="two")), push(service())],
        then=["serve withdrawn", "serve@g2 stopped: superseded before it started"],
        says={"c3 serve": "pending: starting"},
    ),
    Case(
        "service-to-job",
        "a service that became a job is stopped: it would never end by itself",
        [push(service("train")), push(job())],
        then=[
            "train g2 in force",
            "opens train@g2",
            "stops train@g1#1: superseded",
            "starts train@g2#1",
            "train@g1 stopped: superseded",
        ],
    ),
    Case(
        "job-to-service",
        "a job that became a service finishes",
        [push(job()), push(service("train"))],
        then=["train g2 in force", "opens train@g2", "starts train@g2#1"],
        alive=["train@g1#1", "train@g2#1"],
    ),
    Case(
        "inside-a-dag",
        "a service of a DAG that was superseded is stopped, while its jobs finish",
        [
            push(dag("flow", node(service("s")), node(job("a", "one")))),
            push(dag("flow", node(service("s", "two")), node(job("a", "two")))),
        ],
        alive=["flow@g1/a#1", "flow@g2/a#1", "flow@g2/s#1"],
        runs={"flow@g1/s": "stopped"},
    ),
    Case(
        "inside-a-dag-carried",
        "a service of a DAG with an equal digest goes on",
        [
            push(dag("flow", node(service("s")), node(job("a", "one")))),
            push(dag("flow", node(service("s")), node(job("a", "two")))),
        ],
        alive=["flow@g1/a#1", "flow@g1/s#1", "flow@g2/a#1"],
    ),
    Case(
        "under-a-request",
        "a service that a person started again is replaced by a new generation like any other",
        [push(service()), ask("stop", "serve"), ask("run", "serve"), push(service(command="two"))],
        then=[
            "serve g2 in force",
            "opens serve@g2",
            "stops serve@req-q2#1: superseded",
            "serve@req-q2 stopped: superseded",
            "starts serve@g2#1",
        ],
    ),
    Case(
        "under-a-request-for-good",
        "a service that only people start is theirs: a new generation waits for them",
        [
            push(service(policy=Policy(run=RunPolicy.MANUAL))),
            ask("run", "serve"),
            push(service(command="two", policy=Policy(run=RunPolicy.MANUAL))),
        ],
        then=["serve g2 in force"],
        alive=["serve@req-q1#1"],
        says={"c2 serve": "success: waits for plumbline run serve"},
    ),
    Case(
        "healed-under-the-newest-live-fields",
        "a live change needs no new generation: what lives goes on by it",
        [push(service(policy=Policy(self_heal=False))), push(service()), end("serve@g1#1", 1), wait(1)],
        then=["starts serve@g1#2"],
    ),
)

REMOVED = (
    Case(
        "while-running",
        "a removal stops what runs; the record stays",
        [push(job(), service()), push(service())],
        then=["train g2 in force: absent", "stops train@g1#1: pruned", "train@g1 stopped: removed from the repository"],
        says={"c2 train": "success: removed; nothing of it is running", "c1 train": "superseded: superseded by c2"},
    ),
    Case(
        "whatever-the-policy",
        "onChange: finish is for changes: what is removed does not finish",
        [push(flow(), service()), push(service())],
        alive=["serve@g1#1"],
    ),
    Case(
        "all-of-a-dag",
        "a DAG goes with all of its children, and nothing of it starts any more",
        [push(dag("flow", node("a"), node("b"), node("c", "a")), service()), push(service())],
        runs={"flow@g1/a": "stopped", "flow@g1/b": "stopped", "flow@g1/c": "upstream_failed", "flow@g1": "stopped"},
        alive=["serve@g1#1"],
    ),
    Case(
        "requests-too",
        "so do runs that a person asked for",
        [push(job(), service()), end("train@g1#1"), ask("run"), push(service())],
        then=[
            "train g2 in force: absent",
            "stops train@req-q1#1: pruned",
            "train@req-q1 stopped: removed from the repository",
        ],
    ),
    Case(
        "slowly",
        "it is removed when nothing of it runs",
        [push(job(), service()), world(stops_at_once=False), push(service())],
        says={"c2 train": "pending: removed; 1 still stopping", "c1 train": "pending: stopping; superseded by c2"},
    ),
    Case(
        "added-again",
        "what is added again is a new generation, with a number of its own",
        [push(job(), service()), end("train@g1#1"), push(service()), push(job(), service())],
        then=["train g3 in force", "opens train@g3", "starts train@g3#1"],
    ),
    Case(
        "added-again-while-stopping",
        "also while the old one is still stopping",
        [push(job(), service()), world(stops_at_once=False), push(service()), push(job(), service())],
        then=["train g3 in force", "opens train@g3", "starts train@g3#1"],
        says={"c2 train": "superseded: superseded by c3"},
    ),
    Case(
        "service-added-again-while-stopping",
        "a service that is recreated waits for the old process",
        [push(job(), service()), world(stops_at_once=False), push(job()), push(job(), service())],
        then=["serve g3 in force", "opens serve@g3"],
        waits=["serve@g3 waits for the end of serve@g1"],
    ),
)


@table(*CARRIED)
def test_carried_over(case):
    case.check()


@table(*ON_CHANGE)
def test_on_change(case):
    case.check()


@table(*NEVER_STARTED)
def test_never_started(case):
    case.check()


@table(*SERVICES)
def test_services(case):
    case.check()


@table(*REMOVED)
def test_removed(case):
    case.check()


def test_what_is_carried_is_one_record():
    history = after(*to_b(), push(flow(c="c2")), wait(1), end("flow@g1/b#1"))
    assert history.run("flow@g2/b").attempts == ()
    assert str(history.run("flow@g2/b").carried_from) == "flow@g1/b"


def test_two_equal_nodes_go_on_with_one_process_that_is_started_again_once():
    twins = [node(job("a", "same", retries=1)), node(job("b", "same", retries=1))]
    history = after(push(dag("flow", *twins)), push(dag("flow", *twins, node("c"))), wait(1))
    source = str(history.run("flow@g2/a").carried_from)
    assert source == str(history.run("flow@g2/b").carried_from)
    end(f"{source}#1", 1)(history)
    history.facts = []
    wait(1)(history)
    assert [f"starts {source}#2"] == decisions(history.facts)


def test_what_a_person_stops_in_the_same_look_is_not_carried_over():
    """A child in its back-off, a stop and a change: the new generation starts one of its own."""
    history = after(*to_b(retries=1))
    history.end("flow@g1/b#1", 1)
    history.commit(desired("c2", flow(c="c2", retries=1)))
    ask("stop", "flow", key="flow@g1")(history)
    wait(1)(history)
    assert history.run("flow@g2/b").carried_from is None
    assert history.alive() == ["flow@g2/b#1"]
