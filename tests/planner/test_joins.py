"""Joins: values of many runs, looked for once when an operation is about to start."""

from __future__ import annotations

import json

import pytest

from planner.keys import parse
from planner.model.artifacts import Artifacts
from planner.model.desired import CompiledOperation
from planner.model.run import Phase
from tests.planner.builders import dag, job, joining, node
from tests.planner.cases import Case, table
from tests.planner.compile.trees import compiled
from tests.planner.history import History, Step, after, ask, end, push, seen, wait

pytestmark = pytest.mark.unit

GOOD = "status: succeeded, metrics.loss: ~nil"


def trained(**losses: object) -> list[Step]:
    """Operations that have written a loss, one after the other."""
    steps: list[Step] = [push(*(job(name) for name in losses), commit="c0")]
    for name, loss in losses.items():
        steps += [wait(60), end(f"{name}@g1#1", **({} if loss is None else {"loss": loss}))]
    return steps


def with_report(query: str = GOOD, names: str = "abc", **said: object) -> Step:
    """A commit that adds an operation with a join."""
    said = said or {"losses": "outputs.loss"}
    return push(*(job(name) for name in names), joining(job("report"), query, **said))


def found(history: History, key: str) -> dict[str, object]:
    """What a run was bound to by its joins, and the runs that were found."""
    bound = history.bound[history.run(key).bound]
    params = bound.context["params"]
    assert isinstance(params, dict)
    names = [name for joined in bound.joined for name in joined.names]
    runs = [" ".join(map(str, joined.runs)) for joined in bound.joined]
    return {**{name: params[name] for name in names}, "runs": runs[0] if len(runs) == 1 else runs}


ABC = trained(a=0.3, b=0.1, c=0.2)
"""c changed last."""


JOINED = {
    "what-changed-last-first": (
        [*ABC, with_report()],
        {"losses": [0.2, 0.1, 0.3], "runs": "c@g1 b@g1 a@g1"},
    ),
    "sort": (
        [*ABC, with_report(losses="outputs.loss", sort="metrics.loss")],
        {"losses": [0.1, 0.2, 0.3], "runs": "b@g1 c@g1 a@g1"},
    ),
    "limit-and-offset": (
        [*ABC, with_report(losses="outputs.loss", sort="-metrics.loss", limit=1, offset=1)],
        {"losses": [0.2], "runs": "c@g1"},
    ),
    "null-for-what-lacks-the-value": (
        [*trained(a=0.3, b=None, c=0.2), with_report("status: succeeded", losses="outputs.loss")],
        {"losses": [0.2, None, 0.3], "runs": "c@g1 b@g1 a@g1"},
    ),
    "several-params-of-one-join": (
        [*ABC, with_report("metrics.loss: < 0.3", losses="outputs.loss", who="globals.name", all="outputs")],
        {"losses": [0.2, 0.1], "who": ["c", "b"], "all": [{"loss": 0.2}, {"loss": 0.1}], "runs": "c@g1 b@g1"},
    ),
    "no-run": ([*ABC, with_report("status: failed")], {"losses": [], "runs": ""}),
    "not-itself": ([*ABC, with_report("name: report OR name: a")], {"losses": [0.3], "runs": "a@g1"}),
    "last-month": (
        [*ABC, wait(days=40), with_report("created_at: last_month, name: ~report")],
        {"losses": [], "runs": ""},
    ),
    "templates-of-the-start": (
        [*ABC, with_report("name: a, commit: ~{{ globals.commit }}", limit="{{ 2 + 1 }}", losses="outputs.loss")],
        {"losses": [0.3], "runs": "a@g1"},
    ),
}
"""What a join finds: a history, and what `report` is bound to."""


@pytest.mark.parametrize(("steps", "expected"), JOINED.values(), ids=JOINED)
def test_what_a_join_finds(steps, expected):
    assert found(after(*steps), "report@g1") == expected


def test_two_joins_of_one_operation():
    report = joining(joining(job("report"), "name: a", losses="outputs.loss"), "name: b", others="outputs.loss")
    history = after(*ABC, push(job("a"), job("b"), job("c"), report))
    assert found(history, "report@g1") == {"losses": [0.3], "others": [0.1], "runs": ["a@g1", "b@g1"]}


NODES = "pipeline.name: flow, status: succeeded, name: ~report"


def flow(*nodes, command="join"):
    """a and b, and a report on both."""
    report = joining(job("report", command), NODES, losses="outputs.loss", sort="name")
    return dag("flow", *(nodes or (node("a"), node("b"))), node(report, "b"))


JOINS = (
    Case(
        "nodes-before-it",
        "what this plan decided of the nodes before it is recorded first, and then found",
        [push(flow()), end("flow@g1/a#1", loss=1), end("flow@g1/b#1", loss=2)],
        then=["flow@g1/b succeeded", "opens flow@g1/report", "starts flow@g1/report#1"],
    ),
    Case(
        "nodes-far-before-it",
        "also what came before a node that was skipped in the same plan",
        [
            push(flow(node("a"), node("m", "a", trigger="all_failed"), node("b", "m", trigger="all_done"))),
            end("flow@g1/a#1"),
        ],
        runs={"flow@g1/m": "upstream_failed", "flow@g1/b": "running"},
    ),
    Case(
        "condition",
        "a condition may read what joins find",
        [
            *ABC,
            push(
                *map(job, "abc"),
                joining(job("report"), GOOD, losses="outputs.loss", condition="{{ losses | length > 5 }}"),
            ),
        ],
        then=[
            "report g1 in force",
            "opens report@g1",
            "report@g1 skipped: the condition `{{ losses | length > 5 }}` does not hold",
        ],
    ),
    Case(
        "no-query",
        "a template that gives no query fails the run with the sentence",
        [push(joining(job("report"), "sttus: {{ globals.name }}", losses="outputs.loss"))],
        then=[
            "report g1 in force",
            "opens report@g1",
            "report@g1 failed: its join `sttus: report`: runs have no field `sttus`",
        ],
    ),
    Case(
        "no-limit",
        "and so does a limit that is none",
        [push(joining(job("report"), GOOD, losses="outputs.loss", limit="{{ 0 }}"))],
        then=["report g1 in force", "opens report@g1", "report@g1 failed: the limit of its join cannot be 0"],
    ),
    Case(
        "values-that-do-not-fit",
        "values must fit their input",
        [*trained(a="high"), push(job("a"), joining(job("report"), "name: a", losses="outputs.loss"))],
        runs={"report@g1": "failed"},
    ),
    Case(
        "once",
        "what does not change is not asked again: the run goes on with what it was bound to",
        [*ABC, with_report(), push(*map(job, "abcd"), joining(job("report"), GOOD, losses="outputs.loss"))],
        then=["d g1 in force", "opens d@g1", "starts d@g1#1"],
    ),
)


@table(*JOINS)
def test_joins(case):
    case.check()


def test_what_this_plan_decided_is_found_once_it_is_recorded():
    history = after(push(flow()), end("flow@g1/a#1", loss=1), end("flow@g1/b#1", loss=2))
    assert found(history, "flow@g1/report") == {"losses": [1.0, 2.0], "runs": "flow@g1/a flow@g1/b"}


def test_an_attempt_does_not_ask_again_and_a_round_does():
    report = joining(job("report", retries=1), GOOD, losses="outputs.loss")
    steps = [*trained(a=1), push(job("a"), report)]
    more = push(job("a"), job("b"), report)
    history = after(*steps, more, end("b@g1#1", loss=2), end("report@g1#1", 1), wait(60))
    assert history.alive() == ["report@g1#2"]
    assert found(history, "report@g1")["losses"] == [1.0]
    for step in (end("report@g1#2", 1), ask("retry", "report")):
        step(history)
    assert found(history, "report@g1~1")["losses"] == [2.0, 1.0]


def test_equal_values_are_carried_over_and_others_are_not():
    steps = [push(flow()), end("flow@g1/a#1", loss=1), end("flow@g1/b#1", loss=2), end("flow@g1/report#1")]
    same = after(*steps, push(flow(node("a"), node("b"), node("c"))))
    assert same.runs()["flow@g2/a"] == "succeeded"
    # The query finds the runs of both generations: other values, so it runs again.
    assert found(same, "flow@g2/report")["losses"] == [1.0, 1.0, 2.0, 2.0]


def test_a_busy_dag_does_not_hold_up_a_join_that_does_not_come_after_it():
    report = joining(job("report"), "name: a", losses="outputs.loss")
    graph = dag("flow", node("a"), node("b"), node(report, "a"))
    history = after(push(graph), end("flow@g1/a#1", loss=1))
    assert history.runs()["flow@g1/report"] == "running"


LEFT = {name: Artifacts(f"/runs/{name}/artifacts", names=("model",), files=1) for name in "ab"}
BOTH = (
    push(job("a"), job("b"), job("c"), commit="c0"),
    *(seen(f"{name}@g1#1", phase=Phase.ENDED, exit_code=0, artifacts=left) for name, left in LEFT.items()),
    end("c@g1#1"),
)
"""a and b have left a model, c nothing."""


def reads(value: object, **declared: object) -> CompiledOperation:
    """`report`, which takes something of every run."""
    param = {"value": value, **({} if declared else {"contextOnly": True})}
    document = {
        "version": 1.1,
        "kind": "operation",
        "name": "report",
        "joins": [{"query": "name: ~report", "sort": "name", "params": {"x": param}}],
        "component": {
            "inputs": [{"name": "x", **declared}] if declared else [],
            "run": {"kind": "job", "container": {"image": "i", "command": ["c"]}},
        },
    }
    found = compiled({"a.json": json.dumps(document)})
    assert "report" in found.roots, [str(problem) for problem in found.problems]
    return found.roots["report"]


def id_of(name: str) -> str:
    return parse(f"{name}@g1").short_id("test", "project")


FILES = [[f"/runs/{name}/artifacts/outputs/m", f"{id_of(name)}/outputs/m"] for name in "ab"]


@pytest.mark.parametrize(
    ("operation", "value"),
    [
        pytest.param(
            reads("artifacts.model", isList=True),
            ["/runs/a/artifacts/outputs/model", "/runs/b/artifacts/outputs/model", None],
            id="a-path-of-each",
        ),
        pytest.param(reads("artifacts.other", isList=True), [None, None, None], id="null-where-it-was-not-left"),
        pytest.param(reads("artifacts.base", isList=True), ["/runs/a/artifacts", "/runs/b/artifacts", None], id="base"),
        pytest.param(
            reads({"files": ["outputs/m"]}, type="artifacts"), {"files": FILES}, id="files-of-all-as-one-value"
        ),
        pytest.param(
            reads({"dirs": [["outputs/m", "m"]]}),
            {"dirs": [[source, f"{place.partition('/')[0]}/m"] for source, place in FILES]},
            id="with-places-of-their-own",
        ),
    ],
)
def test_artifacts_of_other_runs(operation, value):
    assert operation.refused == ""
    history = after(*BOTH, push(job("a"), job("b"), job("c"), operation))
    assert history.bound[history.run("report@g1").bound].context["params"] == {"x": value}


def test_they_are_put_in_place():
    operation = reads({"files": ["outputs/m"]}, type="artifacts", toInit=True)
    history = after(*BOTH, push(job("a"), job("b"), job("c"), operation))
    (group,) = history.bound[history.run("report@g1").bound].gang.replicas
    assert group.pod["init"] == [{"artifacts": {"files": FILES}}]


def test_all_of_each_run():
    history = after(*BOTH, push(job("a"), job("b"), job("c"), reads("io", isList=True)))
    (first, _, last) = history.bound[history.run("report@g1").bound].context["params"]["x"]
    assert (first["outputs"], first["artifacts"]["model"]) == ({}, "/runs/a/artifacts/outputs/model")
    assert last == {"inputs": {}, "outputs": {}, "artifacts": None}
