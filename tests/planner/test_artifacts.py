"""References to what another operation left: paths at the start, a failure with the name where it is not there."""

from __future__ import annotations

import pytest

from planner.canon import Json
from planner.model.artifacts import Artifacts
from planner.model.run import BoundRun, Phase
from planner.model.status import StopReason
from tests.planner.builders import dag, job, node
from tests.planner.cases import Case, table
from tests.planner.history import History, Step, after, push, seen

pytestmark = pytest.mark.unit

LEFT = Artifacts("/runs/a/artifacts", ("model.pt", "report"), files=3, size=10)


def flow(path: str) -> Step:
    return push(dag("flow", node("a"), node(job("b", reads={"n": f"a.artifacts{path}"}), "a")))


def leaves(left: Artifacts | None) -> Step:
    """Its first node succeeds and leaves something."""

    def step(history: History) -> None:
        ended = {"phase": Phase.ENDED, "ended_at": history.now, "exit_code": 0, "reason": StopReason.EXITED}
        seen("flow@g1/a#1", **ended, artifacts=left)(history)

    return step


def bound(history: History, key: str) -> BoundRun:
    return history.bound[history.run(key).bound]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (".model.pt", "/runs/a/artifacts/outputs/model.pt"),
        (".report", "/runs/a/artifacts/outputs/report"),
        (".base", "/runs/a/artifacts"),
        (".outputs", "/runs/a/artifacts/outputs"),
        (
            "",
            {
                "base": "/runs/a/artifacts",
                "outputs": "/runs/a/artifacts/outputs",
                "model.pt": "/runs/a/artifacts/outputs/model.pt",
                "report": "/runs/a/artifacts/outputs/report",
            },
        ),
        (
            '{"dirs":["outputs"],"files":["x",["y","z"]]}',
            {"dirs": ["/runs/a/artifacts/outputs"], "files": ["/runs/a/artifacts/x", ["/runs/a/artifacts/y", "z"]]},
        ),
    ],
    ids=repr,
)
def test_artifacts_are_paths_when_the_run_starts(path: str, value: Json) -> None:
    run = bound(after(flow(path), leaves(LEFT)), "flow@g1/b")
    assert run.context["params"] == {"n": value}
    assert run.context["upstream"] == {"a": {"status": "succeeded", "outputs": {}, "artifacts": "/runs/a/artifacts"}}


def test_where_not_all_names_are_known_the_program_finds_out() -> None:
    many = Artifacts("/runs/a/artifacts", ("a",), files=900, more=True)
    run = bound(after(flow(".z"), leaves(many)), "flow@g1/b")
    assert run.context["params"] == {"n": "/runs/a/artifacts/outputs/z"}


@table(
    Case(
        "not-left",
        "an artifact that was not left fails who reads it, with its name and what there is",
        [flow(".model"), leaves(LEFT)],
        then=[
            "flow@g1/a succeeded",
            "opens flow@g1/b",
            "flow@g1/b failed: a did not leave the artifact 'model': it has model.pt, report",
            "flow@g1 failed: failed: b",
        ],
    ),
    Case(
        "nothing-left",
        "so does one of a run that left nothing",
        [flow(".model"), leaves(Artifacts("/runs/a/artifacts"))],
        then=[
            "flow@g1/a succeeded",
            "opens flow@g1/b",
            "flow@g1/b failed: a did not leave the artifact 'model': it has none",
            "flow@g1 failed: failed: b",
        ],
    ),
    Case(
        "no-folders",
        "a backend without folders has no paths to give",
        [flow(".base"), leaves(None)],
        then=[
            "flow@g1/a succeeded",
            "opens flow@g1/b",
            "flow@g1/b failed: a left no artifacts that this run can reach",
            "flow@g1 failed: failed: b",
        ],
    ),
)
def test_artifacts_that_are_not_there(case: Case) -> None:
    case.check()
