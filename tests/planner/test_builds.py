"""Builds at work: two starts in order, the image of what follows, and what comes of an end without one."""

from __future__ import annotations

import pytest

from planner.model.desired import CompiledOperation
from tests.planner.cases import Case, table
from tests.planner.compile.test_build import BUILD, PREPARE, state
from tests.planner.history import after, ask, end, push

pytestmark = pytest.mark.unit


def flow(rate: float = 0.5, **rest: object) -> CompiledOperation:
    """A DAG with an operation that wants an image."""
    return state(BUILD, params={"rate": rate}, **rest).roots["t"]


BUILT = (push(flow()), end("t@g1/train-build#1", image="project:1"))

CASES = (
    Case(
        "first",
        "the build starts",
        [push(flow())],
        then=[
            "t g1 in force",
            "opens t@g1",
            "opens t@g1/train-build",
            "starts t@g1/train-build#1",
        ],
    ),
    Case(
        "then",
        "then what wanted it",
        [*BUILT],
        then=[
            "t@g1/train-build succeeded",
            "opens t@g1/train",
            "starts t@g1/train#1",
        ],
    ),
    Case(
        "failed",
        "which does not start without",
        [push(flow()), end("t@g1/train-build#1", 1)],
        then=[
            "t@g1/train-build failed: exit code 1",
            "opens t@g1/train",
            "t@g1/train upstream_failed: trigger all_succeeded cannot be met: train-build",
            "t@g1 failed: failed: train-build",
        ],
    ),
    Case(
        "without-an-image",
        "nor with a build that names none",
        [push(flow()), end("t@g1/train-build#1")],
        then=[
            "t@g1/train-build succeeded",
            "opens t@g1/train",
            "t@g1/train failed: train-build did not write its output 'image'",
            "t@g1 failed: failed: train",
        ],
    ),
    Case(
        "upstream-failed",
        "nothing is built for what cannot start",
        [
            push(flow(others=[PREPARE], dependencies=["prepare"])),
            end("t@g1/prepare#1", 1),
        ],
        runs={"t@g1/train-build": "upstream_failed", "t@g1/train": "upstream_failed"},
    ),
    Case(
        "retry",
        "a retry builds anew where that failed",
        [
            push(flow()),
            end("t@g1/train-build#1", 1),
            ask("retry", "t"),
            end("t@g1/train-build~1#1", image="project:2"),
        ],
        then=["t@g1/train-build~1 succeeded", "opens t@g1/train~1", "starts t@g1/train~1#1"],
    ),
    Case(
        "retry-keeps",
        "and keeps the image where it did not",
        [
            *BUILT,
            end("t@g1/train#1", 1),
            ask("retry", "t"),
        ],
        then=["round 1 of t@g1: train", "opens t@g1/train~1", "starts t@g1/train~1#1"],
    ),
    Case(
        "cached",
        "equal builds are cached, as any work of a DAG",
        [
            *BUILT,
            end("t@g1/train#1"),
            ask("run", "t"),
        ],
        then=[
            "opens t@req-q1",
            "opens t@req-q1/train-build",
            "t@req-q1/train-build has the result of t@g1/train-build",
            "t@req-q1/train-build succeeded: cached from t@g1/train-build",
            "opens t@req-q1/train",
            "t@req-q1/train has the result of t@g1/train",
            "t@req-q1/train succeeded: cached from t@g1/train",
            "t@req-q1 succeeded",
        ],
    ),
)


@table(*CASES)
def test_builds(case):
    case.check()


def test_what_was_built_is_the_image_of_the_run():
    history = after(*BUILT)
    bound = history.bound[history.run("t@g1/train").bound]
    assert [group.container.image for group in bound.gang.replicas] == ["project:1"]
    other = history.bound[history.run("t@g1/train-build").bound]
    ident = history.run("t@g1/train-build").key.short_id("test", "project")
    assert other.gang.replicas[0].container.command[1].endswith(f":{ident}")
