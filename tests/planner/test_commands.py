"""What people ask for, and the answer that they get: run, stop, retry, suspend, approve."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from planner import keys
from planner.admit import Limits
from planner.guard import Budgets
from planner.model import facts as f
from planner.model.artifacts import Earlier
from planner.model.desired import CompiledOperation, Policy, RunPolicy
from planner.model.people import Command
from tests.planner.builders import EVERY_TEN, dag, job, node, rolling, service, when
from tests.planner.cases import Case, table
from tests.planner.history import (
    T0,
    History,
    Step,
    after,
    approve,
    ask,
    decisions,
    end,
    gone,
    push,
    suspend_project,
    wait,
    world,
)

pytestmark = pytest.mark.unit

MANUAL = Policy(run=RunPolicy.MANUAL)


def flow(c: str = "do c") -> CompiledOperation:
    """a, then b, then c."""
    return dag("flow", node("a"), node("b", "a"), node(job("c", c), "b"))


TO_B = (push(flow()), end("flow@g1/a#1"))
B_FAILED = (*TO_B, end("flow@g1/b#1", 1))
DONE = (*TO_B, end("flow@g1/b#1"), end("flow@g1/c#1"))


CHANGED = (push(job()), end("train@g1#1", 1), push(job(command="other")))
TICKED = (push(job(schedule=EVERY_TEN)), wait(minutes=10), end("train@2026-11-23T06:10Z#1", 1))

DOWN_AGAIN = (
    push(service()),
    *(step for key in ("serve@g1#1", "serve@g1~1#1") for step in (end(key, 1), ask("retry", "serve"))),
    end("serve@g1~2#1", 1),
)


@dataclass(frozen=True)
class Answer:
    """A command, its answer, and what follows.

    Attributes:
        ident: names the row.
        reason: why it must be so.
        given: what happened, the last step being the command.
        says: the answer.
        then: decisions that it leads to.
        world: settings of the history.
    """

    ident: str
    reason: str
    given: tuple[Step, ...]
    says: str
    then: tuple[str, ...] = ()
    world: dict[str, object] = field(default_factory=dict)


RUN = (
    Answer(
        "run",
        "a request is a cause of its own, named by the command",
        (push(job()), end("train@g1#1"), ask("run")),
        "yes: train@req-q1",
        ("opens train@req-q1", "starts train@req-q1#1"),
    ),
    Answer(
        "run-beside",
        "beside what runs",
        (push(job()), ask("run")),
        "yes: train@req-q1",
        ("opens train@req-q1", "starts train@req-q1#1"),
    ),
    Answer(
        "run-manual",
        "what only people start",
        (push(job(policy=MANUAL)), ask("run")),
        "yes: train@req-q1",
        ("opens train@req-q1", "starts train@req-q1#1"),
    ),
    Answer(
        "run-scheduled",
        "a tick out of turn",
        (push(job(schedule=EVERY_TEN)), ask("run")),
        "yes: train@req-q1",
        ("opens train@req-q1", "starts train@req-q1#1"),
    ),
    Answer(
        "run-held",
        "a person's command does not count for a budget, so no hold stops it",
        (push(job(), job("b", "b")), ask("run")),
        "yes: train@req-q1",
        ("opens train@req-q1", "starts train@req-q1#1"),
        {"budgets": Budgets(starts=1)},
    ),
    Answer(
        "run-dag",
        "all of it, with nothing carried over or cached",
        (*DONE, ask("run", "flow", fresh=True)),
        "yes: flow@req-q1",
        ("opens flow@req-q1", "opens flow@req-q1/a", "starts flow@req-q1/a#1"),
    ),
    Answer(
        "run-removed",
        "what is gone cannot run",
        (push(job(), service()), push(service()), ask("run")),
        "no: train is not in the repository",
    ),
    Answer(
        "run-refused",
        "what cannot run here cannot be asked to",
        (push(job(refused="there is no MPI here")), ask("run")),
        "no: train cannot run here: there is no MPI here",
    ),
    Answer(
        "run-suspended",
        "a suspension is somebody's word, who is named",
        (push(job()), ask("suspend", by="bob"), ask("run")),
        "no: train is suspended by bob; plumbline unsuspend train",
    ),
    Answer(
        "run-project-suspended",
        "with the command that lifts that one",
        (push(job()), suspend_project(), ask("run")),
        "no: train is suspended by bob; plumbline unsuspend",
    ),
    Answer(
        "run-service-that-is-up",
        "a second one beside it would want its name and ports",
        (push(service()), ask("run", "serve")),
        "no: serve is up or starting as serve@g1; plumbline stop serve first",
    ),
    Answer(
        "run-service-that-was-stopped",
        "run wakes what a person stopped",
        (push(service()), ask("stop", "serve"), ask("run", "serve")),
        "yes: serve@req-q2",
        ("opens serve@req-q2", "starts serve@req-q2#1"),
    ),
)

STOP = (
    Answer(
        "stop",
        "everything of the operation",
        (push(job()), ask("run"), ask("stop")),
        "yes: stopping 2 runs",
        (
            "stops train@g1: stopped-by-person by ada",
            "stops train@g1#1: stopped-by-person by ada",
            "stops train@req-q1: stopped-by-person by ada",
            "stops train@req-q1#1: stopped-by-person by ada",
            "train@g1 stopped: stopped by ada (ada)",
            "train@req-q1 stopped: stopped by ada (ada)",
        ),
    ),
    Answer(
        "stop-one",
        "or one run of it",
        (push(job()), ask("run"), ask("stop", key="train@req-q1")),
        "yes: stopping 1 run",
        (
            "stops train@req-q1: stopped-by-person by ada",
            "stops train@req-q1#1: stopped-by-person by ada",
            "train@req-q1 stopped: stopped by ada (ada)",
        ),
    ),
    Answer(
        "stop-node",
        "or one node: what needs it cannot run, the rest goes on",
        (push(dag("flow", node("a"), node("b"), node("c", "a"))), ask("stop", "flow", key="flow@g1/a")),
        "yes: stopping 1 run",
        (
            "stops flow@g1/a: stopped-by-person by ada",
            "stops flow@g1/a#1: stopped-by-person by ada",
            "flow@g1/a stopped: stopped by ada (ada)",
            "opens flow@g1/c",
            "flow@g1/c upstream_failed: trigger all_succeeded cannot be met: a",
        ),
    ),
    Answer(
        "stop-dag-inside",
        "or a DAG inside a DAG",
        (
            push(dag("flow", node(dag("inner", node("x"), node("y"))), node("b"))),
            ask("stop", "flow", key="flow@g1/inner"),
        ),
        "yes: stopping 2 runs",
        (
            "stops flow@g1/inner/x: stopped-by-person by ada",
            "stops flow@g1/inner/x#1: stopped-by-person by ada",
            "stops flow@g1/inner/y: stopped-by-person by ada",
            "stops flow@g1/inner/y#1: stopped-by-person by ada",
            "flow@g1/inner/x stopped: stopped by ada (ada)",
            "flow@g1/inner/y stopped: stopped by ada (ada)",
        ),
    ),
    Answer(
        "stop-round",
        "or one round",
        (push(job()), end("train@g1#1", 1), ask("retry"), ask("stop", key="train@g1~1")),
        "yes: stopping 1 run",
        (
            "stops train@g1~1: stopped-by-person by ada",
            "stops train@g1~1#1: stopped-by-person by ada",
            "train@g1~1 stopped: stopped by ada (ada)",
        ),
    ),
    Answer(
        "stop-attempt",
        "an attempt means its run",
        (push(job()), ask("stop", key="train@g1#1")),
        "yes: stopping 1 run",
        (
            "stops train@g1: stopped-by-person by ada",
            "stops train@g1#1: stopped-by-person by ada",
            "train@g1 stopped: stopped by ada (ada)",
        ),
    ),
    Answer(
        "stop-queued",
        "what has not started never does",
        (world(limits=Limits(runs=0)), push(job()), ask("stop")),
        "yes: stopping 1 run",
        ("stops train@g1: stopped-by-person by ada", "train@g1 stopped: stopped by ada (ada)"),
    ),
    Answer(
        "stop-carried",
        "a process that was carried over is stopped by its new name",
        (push(job()), push(job(command="other")), push(job()), ask("stop", key="train@g3")),
        "yes: stopping 1 run",
        (
            "stops train@g3: stopped-by-person by ada",
            "stops train@g1: stopped-by-person by ada",
            "stops train@g1#1: stopped-by-person by ada",
            "train@g1 stopped: stopped by ada (ada)",
            "train@g3 stopped: carried over from train@g1",
        ),
    ),
    Answer(
        "stop-nothing", "what is over cannot be stopped", (*DONE, ask("stop", "flow")), "no: nothing of flow is running"
    ),
    Answer(
        "stop-unknown",
        "nor what never was",
        (push(job()), ask("stop", key="train@g9")),
        "no: nothing of train@g9 is running",
    ),
    Answer(
        "stop-nonsense",
        "nor what is no key",
        (push(job()), ask("stop", key="nonsense")),
        "no: not a run key: 'nonsense'",
    ),
)

RETRY = (
    Answer(
        "from-failed",
        "what failed and what waited for it: the rest stays",
        (*B_FAILED, ask("retry", "flow")),
        "yes: flow@g1 round 1: b, c",
        ("round 1 of flow@g1: b, c", "opens flow@g1/b~1", "starts flow@g1/b~1#1"),
    ),
    Answer(
        "job",
        "a job",
        (push(job()), end("train@g1#1", 1), ask("retry")),
        "yes: train@g1 round 1: train",
        ("round 1 of train@g1: .", "opens train@g1~1", "starts train@g1~1#1"),
    ),
    Answer(
        "second-round",
        "rounds are counted",
        (push(job()), end("train@g1#1", 1), ask("retry"), end("train@g1~1#1", 1), ask("retry")),
        "yes: train@g1 round 2: train",
        ("round 2 of train@g1: .", "opens train@g1~2", "starts train@g1~2#1"),
    ),
    Answer(
        "stopped",
        "what a person stopped: the stop is over with it",
        (push(job()), ask("stop"), ask("retry")),
        "yes: train@g1 round 1: train",
        ("round 1 of train@g1: .", "opens train@g1~1", "starts train@g1~1#1"),
    ),
    Answer(
        "stopped-dag",
        "the same for a DAG",
        (*TO_B, ask("stop", "flow"), ask("retry", "flow")),
        "yes: flow@g1 round 1: b, c",
        ("round 1 of flow@g1: b, c", "opens flow@g1/b~1", "starts flow@g1/b~1#1"),
    ),
    Answer(
        "stopped-service",
        "and for a service, which stays down until then",
        (push(service()), ask("stop", "serve"), ask("retry", "serve")),
        "yes: serve@g1 round 1: serve",
        ("round 1 of serve@g1: .", "opens serve@g1~1", "starts serve@g1~1#1"),
    ),
    Answer(
        "all",
        "with --all what has succeeded too",
        (*DONE, ask("retry", "flow", mode="all")),
        "yes: flow@g1 round 1: a, b, c",
        ("round 1 of flow@g1: a, b, c", "opens flow@g1/a~1", "starts flow@g1/a~1#1"),
    ),
    Answer(
        "succeeded",
        "without it nothing of that",
        (*DONE, ask("retry", "flow")),
        "no: nothing of flow@g1 failed or was stopped (--all retries what has succeeded too)",
    ),
    Answer(
        "node",
        "one node by its key, with what comes after it and never started",
        (*B_FAILED, ask("retry", "flow", key="flow@g1/b")),
        "yes: flow@g1 round 1: b, c",
        ("round 1 of flow@g1: b, c", "opens flow@g1/b~1", "starts flow@g1/b~1#1"),
    ),
    Answer(
        "node-that-succeeded",
        "which must have failed",
        (*B_FAILED, ask("retry", "flow", key="flow@g1/a")),
        "no: nothing of flow@g1/a failed or was stopped (--all retries what has succeeded too)",
    ),
    Answer(
        "node-all",
        "or be asked for in so many words",
        (*B_FAILED, ask("retry", "flow", key="flow@g1/a", mode="all")),
        "yes: flow@g1 round 1: a",
        ("round 1 of flow@g1: a", "opens flow@g1/a~1", "starts flow@g1/a~1#1"),
    ),
    Answer(
        "inside",
        "nodes of a DAG inside",
        (
            push(dag("flow", node(dag("inner", node("x"), node("y", "x"))), node("z", "inner"))),
            end("flow@g1/inner/x#1", 1),
            ask("retry", "flow"),
        ),
        "yes: flow@g1 round 1: inner/x, inner/y, z",
        ("round 1 of flow@g1: inner/x, inner/y, z", "opens flow@g1/inner/x~1", "starts flow@g1/inner/x~1#1"),
    ),
    Answer(
        "running",
        "what runs is not retried",
        (push(job()), ask("retry")),
        "no: train@g1 is not over (running): wait for its end, or plumbline stop train@g1 first",
    ),
    Answer(
        "running-in-part",
        "a failed node may be, while the others still run",
        (push(dag("flow", node("a"), node("b"))), end("flow@g1/a#1", 1), ask("retry", "flow")),
        "yes: flow@g1 round 1: a",
        ("round 1 of flow@g1: a", "opens flow@g1/a~1", "starts flow@g1/a~1#1"),
    ),
    Answer(
        "request",
        "a run that a person asked for",
        (push(job()), end("train@g1#1"), ask("run"), end("train@req-q1#1", 1), ask("retry", key="train@req-q1")),
        "yes: train@req-q1 round 1: train",
        ("round 1 of train@req-q1: .", "opens train@req-q1~1", "starts train@req-q1~1#1"),
    ),
    Answer(
        "tick",
        "a tick, long after",
        (
            push(job(schedule=EVERY_TEN)),
            wait(minutes=10),
            end("train@2026-11-23T06:10Z#1", 1),
            wait(minutes=10),
            end("train@2026-11-23T06:20Z#1"),
            ask("retry", key="train@2026-11-23T06:10Z"),
        ),
        "yes: train@2026-11-23T06:10Z round 1: train",
        (
            "round 1 of train@2026-11-23T06:10Z: .",
            "opens train@2026-11-23T06:10Z~1",
            "starts train@2026-11-23T06:10Z~1#1",
        ),
    ),
    Answer(
        "carried",
        "what was carried over runs anew where somebody asks for all",
        (*B_FAILED, push(flow("new")), end("flow@g2/b#1", 1), ask("retry", "flow", mode="all")),
        "yes: flow@g2 round 1: a, b, c",
        ("round 1 of flow@g2: a, b, c", "opens flow@g2/a~1", "starts flow@g2/a~1#1"),
    ),
    Answer(
        "superseded",
        "an earlier generation is called back by who says so alone",
        (*CHANGED, ask("retry", key="train@g1")),
        "no: train@g1 is of an earlier generation: --spec then runs it as it was, plumbline retry train@g2 what is "
        "there now",
    ),
    Answer(
        "superseded-now",
        "what is there now is a run of its own",
        (*CHANGED, ask("retry", key="train@g1", spec="now")),
        "no: train@g1 is of an earlier generation; what has the spec of now is another run: plumbline retry train@g2",
    ),
    Answer(
        "superseded-then",
        "it runs as it was, beside what is in force",
        (*CHANGED, ask("retry", key="train@g1", spec="then")),
        "yes: train@g1 round 1: train",
        ("round 1 of train@g1: .", "opens train@g1~1", "starts train@g1~1#1"),
    ),
    Answer(
        "superseded-node-then",
        "a DAG too, with what comes after what failed",
        (*B_FAILED, push(flow("new")), ask("retry", "flow", key="flow@g1", spec="then")),
        "yes: flow@g1 round 1: b, c",
        ("round 1 of flow@g1: b, c", "opens flow@g1/b~1", "starts flow@g1/b~1#1"),
    ),
    Answer(
        "superseded-service",
        "of a service only the newest is up",
        (push(service()), push(service(command="other")), ask("retry", "serve", key="serve@g1", spec="then")),
        "no: serve@g1 is of an earlier generation, and a service is up as the newest one only: "
        "plumbline retry serve@g2",
    ),
    Answer(
        "superseded-by-what-people-start",
        "where nothing ran by itself it is started by hand",
        (push(job()), end("train@g1#1", 1), push(job(command="x", policy=MANUAL)), ask("retry", key="train@g1")),
        "no: train@g1 is of an earlier generation: --spec then runs it as it was, plumbline run train what is "
        "there now",
    ),
    Answer(
        "spec-of-a-tick",
        "a tick has the spec that it had",
        (*TICKED, push(job(command="other", schedule=EVERY_TEN)), ask("retry", key="train@2026-11-23T06:10Z")),
        "yes: train@2026-11-23T06:10Z round 1: train",
        (
            "round 1 of train@2026-11-23T06:10Z: .",
            "opens train@2026-11-23T06:10Z~1",
            "starts train@2026-11-23T06:10Z~1#1",
        ),
    ),
    Answer(
        "spec-now",
        "or the one of now, where somebody wants that",
        (
            *TICKED,
            push(job(command="other", schedule=EVERY_TEN)),
            ask("retry", key="train@2026-11-23T06:10Z", spec="now"),
        ),
        "yes: train@2026-11-23T06:10Z round 1: train, with the spec of train as it is now",
        (
            "round 1 of train@2026-11-23T06:10Z: .",
            "opens train@2026-11-23T06:10Z~1",
            "starts train@2026-11-23T06:10Z~1#1",
        ),
    ),
    Answer(
        "spec-now-is-the-same",
        "which is no other one where nothing changed",
        (push(job()), end("train@g1#1", 1), ask("retry", spec="now")),
        "yes: train@g1 round 1: train",
        ("round 1 of train@g1: .", "opens train@g1~1", "starts train@g1~1#1"),
    ),
    Answer(
        "spec-now-of-another-kind",
        "a run stays of its kind",
        (
            push(job()),
            end("train@g1#1"),
            ask("run"),
            end("train@req-q1#1", 1),
            push(dag("train", node("a"))),
            ask("retry", key="train@req-q1", spec="now"),
        ),
        "no: train@req-q1 is a job and train a dag now; plumbline run train runs that",
    ),
    Answer(
        "spec-now-refused",
        "what cannot run here is not started by a retry",
        (*TICKED, push(job(schedule=EVERY_TEN, command="x", refused="no MPI")), ask("retry", spec="now")),
        "no: train cannot run here: no MPI",
    ),
    Answer(
        "refused",
        "nor what never could",
        (push(job(refused="there is no MPI here")), ask("retry")),
        "no: train cannot run here: there is no MPI here",
    ),
    Answer(
        "resume",
        "a round may go on in the folder of the one before",
        (push(job()), end("train@g1#1", 1), ask("retry", resume=True)),
        "yes: train@g1 round 1: train, going on with the artifacts of the round before",
        ("round 1 of train@g1: .", "opens train@g1~1", "starts train@g1~1#1"),
    ),
    Answer(
        "resume-what-never-started",
        "which there is where something started",
        (world(limits=Limits(runs=0)), push(job()), ask("stop"), ask("retry", resume=True)),
        "no: nothing of train@g1 has started, so it left no artifacts: leave --resume out",
    ),
    Answer(
        "resume-carried",
        "and where they are its own",
        (*B_FAILED, push(flow("new")), end("flow@g2/b#1", 1), ask("retry", "flow", mode="all", resume=True)),
        "no: flow@g2/a has the result of flow@g1/a, whose artifacts are not its own: --copy copies them",
    ),
    Answer(
        "resume-live",
        "what is not over goes on by itself",
        (push(job()), ask("retry", resume=True)),
        "no: train@g1 is not over (running): wait for its end, or plumbline stop train@g1 first",
    ),
    Answer(
        "skipped-dag",
        "a DAG of which nothing began is asked for as a whole",
        (push(when(dag("flow", node("a")), value=False)), ask("retry", "flow")),
        "yes: flow@g1 round 1: flow",
        ("round 1 of flow@g1: ", "flow@g1 skipped: the condition `False` does not hold"),
    ),
    Answer(
        "a-whole-dag-again",
        "and each time in another round, so that each end is one of its own",
        (push(when(dag("flow", node("a")), value=False)), ask("retry", "flow"), ask("retry", "flow")),
        "yes: flow@g1 round 2: flow",
        ("round 2 of flow@g1: ", "flow@g1 skipped: the condition `False` does not hold"),
    ),
    Answer(
        "removed-before-anything-was-in-force",
        "nor what went before anything of it started, whatever its schedule has skipped",
        (
            push(when(job(schedule=EVERY_TEN), value=False), service()),
            wait(minutes=10),
            push(service()),
            ask("retry"),
        ),
        "no: train is not in the repository",
    ),
    Answer(
        "removed",
        "nor what is gone",
        (push(job(), service()), end("train@g1#1", 1), push(service()), ask("retry")),
        "no: train is not in the repository",
    ),
    Answer(
        "never-ran", "nor what never ran", (push(job(policy=MANUAL)), ask("retry")), "no: train has no run to retry"
    ),
    Answer(
        "unknown",
        "nor what nobody knows",
        (push(job()), ask("retry", key="train@g9")),
        "no: train@g9 has no run to retry",
    ),
    Answer(
        "down-service",
        "a service in its back-off is started at once",
        (push(service()), end("serve@g1#1", 1), ask("retry", "serve")),
        "yes: serve@g1 round 1: serve",
        (
            "serve@g1 failed: down until ada retried it",
            "round 1 of serve@g1: .",
            "opens serve@g1~1",
            "starts serve@g1~1#1",
        ),
    ),
    Answer(
        "down-service-by-an-earlier-round",
        "what is refused gives up nothing",
        (*DOWN_AGAIN, ask("retry", "serve", key="serve@g1~1")),
        "no: nothing of serve@g1~1 failed or was stopped (--all retries what has succeeded too)",
    ),
    Answer(
        "service-that-is-up",
        "one that is up is not",
        (push(service()), ask("retry", "serve")),
        "no: serve@g1 is not over (running): wait for its end, or plumbline stop serve@g1 first",
    ),
    Answer(
        "service-that-a-request-keeps-up",
        "nor one that is up under another name",
        (push(service()), ask("stop", "serve"), ask("run", "serve"), ask("retry", "serve", key="serve@g1")),
        "no: serve is up or starting as serve@req-q2; plumbline stop serve first",
    ),
)

OTHERS = (
    Answer("suspend", "until somebody lifts it", (push(job()), ask("suspend")), "yes: train is suspended"),
    Answer(
        "suspend-for",
        "or for a time",
        (push(job()), ask("suspend", **{"for": 90})),
        "yes: train is suspended until 2026-11-23T06:01:30+00:00",
    ),
    Answer("unsuspend", "lifted", (push(job()), ask("suspend"), ask("unsuspend")), "yes: train goes on"),
    Answer("unsuspend-nothing", "what holds nothing", (push(job()), ask("unsuspend")), "no: train is not suspended"),
    Answer(
        "approve",
        "released",
        (push(job(), job("b", "b")), approve()),
        "yes: train: released",
        ("train g1 in force", "opens train@g1", "starts train@g1#1"),
        {"budgets": Budgets(starts=1)},
    ),
    Answer(
        "baseline",
        "released as done",
        (push(job(), job("b", "b")), approve(baseline=True)),
        "yes: train: released as done",
        (),
        {"budgets": Budgets(starts=1)},
    ),
    Answer("approve-nothing", "no hold", (push(job()), ask("approve", hold="h-1")), "no: train has no such hold"),
    Answer(
        "approve-another",
        "another hold",
        (push(job(), job("b", "b")), approve(hold="h-1")),
        "no: train has no such hold",
        (),
        {"budgets": Budgets(starts=1)},
    ),
    Answer(
        "unknown-verb",
        "a command of a newer client is answered, not stumbled over",
        (push(job()), ask("dance")),
        "no: train cannot be asked to dance",
    ),
)


def replies(history: History) -> list[str]:
    return [f"{'yes' if fact.ok else 'no'}: {fact.message}" for fact in history.facts if isinstance(fact, f.Answered)]


@pytest.mark.parametrize("answer", [*RUN, *STOP, *RETRY, *OTHERS], ids=lambda answer: answer.ident)
def test_answers(answer):
    history = after(*answer.given, **answer.world)
    assert [answer.says] == replies(history), answer.reason
    assert list(answer.then) == decisions(history.facts), answer.reason
    root = history.facts[0].root  # type: ignore[union-attr]
    assert () == history.record(root).commands


LATER = (
    Case(
        "retried-to-the-end",
        "a parent leaves its final state by a round, and gets another one",
        [*B_FAILED, ask("retry", "flow"), end("flow@g1/b~1#1"), end("flow@g1/c~1#1")],
        then=["flow@g1/c~1 succeeded", "flow@g1 succeeded"],
        runs={"flow@g1/b": "failed", "flow@g1/b~1": "succeeded"},
    ),
    Case(
        "retried-round-has-retries",
        "a round has all of its retries again",
        [
            push(job(retries=1)),
            end("train@g1#1", 1),
            wait(1),
            end("train@g1#2", 1),
            ask("retry"),
            end("train@g1~1#1", 1),
            wait(1),
        ],
        then=["starts train@g1~1#2"],
    ),
    Case(
        "refused-while-down",
        "a service whose retry was refused is healed as if nobody had asked",
        [*DOWN_AGAIN, ask("retry", "serve", key="serve@g1~1"), wait(1)],
        then=["starts serve@g1~2#2"],
        alive=["serve@g1~2#2"],
    ),
    Case(
        "called-back",
        "an earlier generation that was called back ends as it would have, whatever is in force",
        [
            *B_FAILED,
            push(flow("new")),
            ask("retry", "flow", key="flow@g1", spec="then"),
            push(flow("newer")),
            end("flow@g1/b~1#1"),
            end("flow@g1/c~1#1"),
        ],
        then=["flow@g1/c~1 succeeded", "flow@g1 succeeded"],
        runs={"flow@g1/b~1": "succeeded"},
    ),
    Case(
        "called-back-and-removed",
        "but for a removal, which stops it",
        [*CHANGED, ask("retry", key="train@g1", spec="then"), push(service())],
        then=[
            "serve g1 in force",
            "opens serve@g1",
            "starts serve@g1#1",
            "train g3 in force: absent",
            "stops train@g2#1: pruned",
            "stops train@g1~1#1: pruned",
            "train@g2 stopped: removed from the repository",
            "train@g1~1 stopped: removed from the repository",
        ],
        alive=["serve@g1#1"],
    ),
    Case(
        "spec-now-of-a-dag",
        "nodes that are retried go by the new spec, those that succeeded stay, new ones come",
        [
            push(flow()),
            *(end(f"flow@g1/{name}#1") for name in "abc"),
            ask("run", "flow", fresh=True),
            end("flow@req-q1/a#1"),
            end("flow@req-q1/b#1", 1),
            push(dag("flow", node("a"), node(job("b", "mended"), "a"), node("d", "b"))),
            ask("retry", "flow", key="flow@req-q1", spec="now"),
            end("flow@req-q1/b~1#1"),
        ],
        then=["flow@req-q1/b~1 succeeded", "opens flow@req-q1/d", "starts flow@req-q1/d#1"],
        runs={"flow@req-q1/a": "succeeded"},
    ),
    Case(
        "stopped-service-is-not-drift",
        "a stopped service stays down, whatever is seen",
        [push(service()), ask("stop", "serve"), wait(days=1), push(service(), job())],
        alive=["train@g1#1"],
    ),
    Case(
        "stopped-then-live-change",
        "a live change does not call it back",
        [push(service()), ask("stop", "serve"), push(service(policy=Policy(progress_deadline=60)))],
        then=[],
        alive=[],
    ),
    Case(
        "stopped-while-rolling",
        "a person who stops a service stops all of it, the old one in service too",
        [push(rolling()), world(ready=False), push(rolling(command="two")), ask("stop", "serve"), wait(hours=1)],
        then=[],
        alive=[],
    ),
    Case(
        "stop-then-gone",
        "what is gone after a stop is not started again",
        [push(service()), world(stops_at_once=False), ask("stop", "serve"), gone("serve@g1#1"), wait(hours=1)],
        then=[],
        alive=[],
    ),
    Case(
        "suspended",
        "a suspension keeps new generations waiting",
        [push(job()), end("train@g1#1"), ask("suspend"), push(job(command="other"))],
        then=[],
        waits=["train@g2 waits for the end of the suspension by ada; plumbline unsuspend train"],
    ),
    Case(
        "suspended-until",
        "until it ends by itself",
        [push(job()), end("train@g1#1"), ask("suspend", **{"for": 90}), push(job(command="other")), wait(90)],
        then=["train g2 in force", "opens train@g2", "starts train@g2#1"],
    ),
    Case(
        "suspended-removal",
        "what is removed in a suspension goes all the same",
        [push(job(), service()), ask("suspend"), push(service())],
        then=["train g2 in force: absent", "stops train@g1#1: pruned", "train@g1 stopped: removed from the repository"],
    ),
    Case(
        "suspended-healing",
        "a service that dies in a suspension waits for its end",
        [push(service("train")), ask("suspend"), end("train@g1#1", 1), wait(1)],
        then=[],
        waits=["train@g1 waits for the end of the suspension by ada; plumbline unsuspend train"],
    ),
    Case(
        "two-suspensions",
        "both must end",
        [push(job(policy=MANUAL)), ask("suspend"), suspend_project(), ask("unsuspend"), ask("run")],
        then=[],
        alive=[],
    ),
)


@table(*LATER)
def test_what_follows_later(case):
    case.check()


def test_a_command_is_answered_once_however_often_it_is_delivered():
    history = after(push(job()), end("train@g1#1"), ask("run"))
    command = next(fact for fact in history.facts if isinstance(fact, f.Asked))
    history.facts = []
    history.go()
    assert [] == replies(history)
    history.add([command])
    history.go()
    assert ["train@req-q1#1"] == history.alive()


def test_commands_of_one_moment_are_answered_in_order():
    history = after(push(job()), end("train@g1#1", 1))
    history.facts = []
    history.add(
        f.Asked("train", Command(f"z{number}", verb, "train", {}, "ada", T0), T0)
        for number, verb in enumerate(("retry", "stop"))
    )
    history.go()
    assert ["yes: train@g1 round 1: train", "yes: stopping 1 run"] == replies(history)
    assert [] == history.alive()


EARLIER = {
    "plain": ((push(job()), end("train@g1#1", 1), ask("retry")), "train@g1~1", None),
    "resume": (
        (push(job()), end("train@g1#1", 1), ask("retry", resume=True)),
        "train@g1~1",
        Earlier(keys.parse("train@g1")),
    ),
    "resume-twice": (
        (push(job()), end("train@g1#1", 1), ask("retry"), end("train@g1~1#1", 1), ask("retry", resume=True)),
        "train@g1~2",
        Earlier(keys.parse("train@g1~1")),
    ),
    "past-a-round-that-never-started": (
        (
            push(job()),
            end("train@g1#1", 1),
            world(limits=Limits(runs=0)),
            ask("retry"),
            ask("stop"),
            world(limits=Limits()),
            ask("retry", resume=True),
        ),
        "train@g1~2",
        Earlier(keys.parse("train@g1")),
    ),
    "plain-after-resume": (
        (push(job()), end("train@g1#1", 1), ask("retry", resume=True), end("train@g1~1#1", 1), ask("retry")),
        "train@g1~2",
        None,
    ),
    "copy-of-a-node": (
        (*B_FAILED, ask("retry", "flow", copy=True)),
        "flow@g1/b~1",
        Earlier(keys.parse("flow@g1/b"), copy=True),
    ),
    "node-that-never-started": (
        (*B_FAILED, ask("retry", "flow", copy=True), end("flow@g1/b~1#1")),
        "flow@g1/c~1",
        None,
    ),
    "copy-of-what-was-carried-over": (
        (*B_FAILED, push(flow("new")), end("flow@g2/b#1", 1), ask("retry", "flow", mode="all", copy=True)),
        "flow@g2/a~1",
        Earlier(keys.parse("flow@g1/a"), copy=True),
    ),
}


@pytest.mark.parametrize(("steps", "key", "earlier"), EARLIER.values(), ids=EARLIER)
def test_what_a_round_starts_with_of_an_earlier_one(steps, key, earlier):
    history = after(*steps)
    bound = history.bound[history.run(key).bound]
    assert bound.earlier == earlier
    kind = None if earlier is None else "copy" if earlier.copy else "resume"
    assert bound.context["globals"]["cloning_kind"] == kind
