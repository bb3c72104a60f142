"""The build of an operation that is in no DAG: its own run, below the run that wants the image, and before it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.model.desired import CompiledOperation
from tests.planner.builders import approved, when
from tests.planner.cases import Case, table
from tests.planner.compile.test_build import BUILD, root
from tests.planner.history import after, approve, ask, end, push, seen, world

pytestmark = pytest.mark.unit

SERVICE = {"kind": "service", "ports": [80], "container": {"command": ["c"]}}


def train(rate: float = 0.5, name: str = "train", **rest: object) -> CompiledOperation:
    """An operation that wants an image."""
    return root(BUILD, params={"rate": rate}, name=name, **rest).roots[name]


BUILT = (push(train()), end("train@g1/build#1", image="project:1"))
BUILT_ANEW = (
    "round 1 of train@g1: ., build",
    "opens train@g1~1",
    "opens train@g1/build~1",
    "starts train@g1/build~1#1",
)

CASES = (
    Case(
        "first",
        "the build starts",
        [push(train())],
        then=["train g1 in force", "opens train@g1", "opens train@g1/build", "starts train@g1/build#1"],
        waits=["train@g1 waits for its build train@g1/build"],
        says={"c1 train": "pending: waits for its build train@g1/build"},
    ),
    Case(
        "then",
        "then what wanted it",
        [*BUILT],
        then=["train@g1/build succeeded", "starts train@g1#1"],
        waits=[],
    ),
    Case(
        "succeeded",
        "and its end is that of the run",
        [*BUILT, end("train@g1#1")],
        says={"c1 train": "success: succeeded in 0 s"},
        alive=[],
    ),
    Case(
        "failed",
        "a build that failed fails the run with the reason",
        [push(train()), end("train@g1/build#1", 1)],
        then=[
            "train@g1/build failed: exit code 1",
            "train@g1 failed: its build train@g1/build failed: exit code 1",
        ],
        says={"c1 train": "failure: failed: its build train@g1/build failed: exit code 1"},
    ),
    Case(
        "without-an-image",
        "and so does one that names none",
        [push(train()), end("train@g1/build#1")],
        then=["train@g1/build succeeded", "train@g1 failed: build did not write its output 'image'"],
    ),
    Case(
        "retry",
        "a retry builds again what failed",
        [push(train()), end("train@g1/build#1", 1), ask("retry"), end("train@g1/build~1#1", image="project:2")],
        then=["train@g1/build~1 succeeded", "starts train@g1~1#1"],
    ),
    Case(
        "retry-begins",
        "as a round of both",
        [push(train()), end("train@g1/build#1", 1), ask("retry")],
        then=BUILT_ANEW,
    ),
    Case(
        "retry-keeps",
        "and keeps the image where it did not",
        [*BUILT, end("train@g1#1", 1), ask("retry")],
        then=["round 1 of train@g1: .", "opens train@g1~1", "starts train@g1~1#1"],
    ),
    Case(
        "retry-all",
        "unless somebody wants all of it anew",
        [*BUILT, end("train@g1#1", 1), ask("retry", mode="all")],
        then=BUILT_ANEW,
    ),
    Case(
        "retry-all-while-it-runs",
        "but not beside a run that is not over: two would go on as one, and nobody would look after the first",
        [*BUILT, ask("retry", mode="all")],
        then=[],
        runs={"train@g1": "running", "train@g1~1": None},
        alive=["train@g1#1"],
    ),
    Case(
        "retry-the-build-while-it-runs",
        "nor its build alone",
        [*BUILT, ask("retry", key="train@g1/build", mode="all")],
        then=[],
        runs={"train@g1": "running", "train@g1~1": None},
        alive=["train@g1#1"],
    ),
    Case(
        "retry-while-the-build-stops",
        "nor while its build has not ended: the round would end with it",
        [push(train()), world(stops_at_once=False), ask("stop"), ask("retry")],
        then=[],
        runs={"train@g1~1": None},
        alive=["train@g1/build#1"],
    ),
    Case(
        "retry-the-build",
        "whoever retries the build wants to run it",
        [push(train()), end("train@g1/build#1", 1), ask("retry", key="train@g1/build")],
        then=BUILT_ANEW,
    ),
    Case(
        "retried-twice",
        "again and again",
        [
            push(train()),
            end("train@g1/build#1", 1),
            ask("retry"),
            end("train@g1/build~1#1", image="project:2"),
            end("train@g1~1#1", 1),
            ask("retry"),
        ],
        then=["round 2 of train@g1: .", "opens train@g1~2", "starts train@g1~2#1"],
    ),
    Case(
        "stopped",
        "a person stops both",
        [push(train()), ask("stop")],
        runs={"train@g1": "stopped", "train@g1/build": "stopped"},
        alive=[],
    ),
    Case(
        "the-build-is-stopped",
        "or the build alone, which ends the run",
        [push(train()), ask("stop", key="train@g1/build")],
        runs={"train@g1": "stopped", "train@g1/build": "stopped"},
        alive=[],
    ),
    Case(
        "changed",
        "a build that goes on for a run that is not wanted any more ends by itself, and what ran is taken over",
        [push(train()), push(train(0.7))],
        runs={"train@g1": "created", "train@g2/build": "running"},
    ),
    Case(
        "changed-and-built",
        "and what it was for does not start",
        [push(train()), push(train(0.7)), end("train@g1/build#1", image="project:1")],
        runs={"train@g1": "stopped", "train@g1/build": "succeeded", "train@g2/build": "running"},
    ),
    Case(
        "carried-over",
        "a change of the run alone builds nothing",
        [
            *BUILT,
            end("train@g1#1"),
            push(train(run={"kind": "job", "container": {"command": ["other"]}})),
        ],
        then=[
            "train g2 in force",
            "opens train@g2",
            "opens train@g2/build",
            "train@g2/build is train@g1/build",
            "train@g2/build succeeded: carried over from train@g1/build",
            "starts train@g2#1",
        ],
    ),
    Case(
        "cached",
        "equal builds are cached as any work below a run",
        [*BUILT, end("train@g1#1"), ask("run")],
        then=[
            "opens train@req-q1",
            "opens train@req-q1/build",
            "train@req-q1/build has the result of train@g1/build",
            "train@req-q1/build succeeded: cached from train@g1/build",
            "starts train@req-q1#1",
        ],
    ),
    Case(
        "removed",
        "what is removed from the repository is not built",
        [push(train(), train(name="other")), push(train(name="other"))],
        runs={"train@g1": "stopped", "train@g1/build": "stopped", "other@g1/build": "running"},
    ),
    Case(
        "renamed",
        "a rename goes on with the build",
        [push(train()), push(train(name="fit")), end("train@g1/build#1", image="project:1")],
        then=["train@g1/build succeeded", "starts train@g1#1"],
    ),
    Case(
        "approval",
        "nothing is built before a person has approved it",
        [push(approved(train()))],
        runs={"train@g1": "created", "train@g1/build": None},
        alive=[],
    ),
    Case(
        "approved",
        "and one approval is for both",
        [push(approved(train())), approve(), end("train@g1/build#1", image="project:1")],
        then=["train@g1/build succeeded", "starts train@g1#1"],
    ),
    Case(
        "condition",
        "nor for a run whose condition does not hold",
        [push(when(train(), value=False))],
        runs={"train@g1": "skipped", "train@g1/build": None},
    ),
    Case(
        "service",
        "a service is up in the image that was built",
        [push(train(run=SERVICE)), end("train@g1/build#1", image="project:1"), seen("train@g1#1", ready=True)],
        runs={"train@g1": "running", "train@g1/build": "succeeded"},
        alive=["train@g1#1"],
    ),
    Case(
        "service-goes-on",
        "the one before it is up until its image is there",
        [
            push(train(run=SERVICE)),
            end("train@g1/build#1", image="project:1"),
            seen("train@g1#1", ready=True),
            push(train(0.7, run=SERVICE)),
        ],
        alive=["train@g1#1", "train@g2/build#1"],
    ),
    Case(
        "service-is-replaced",
        "and then gives way",
        [
            push(train(run=SERVICE)),
            end("train@g1/build#1", image="project:1"),
            seen("train@g1#1", ready=True),
            push(train(0.7, run=SERVICE)),
            end("train@g2/build#1", image="project:2"),
        ],
        alive=["train@g2#1"],
    ),
)


@table(*CASES)
def test_own_builds(case):
    case.check()


def test_what_was_built_is_the_image_of_the_run():
    history = after(*BUILT)
    bound = history.bound[history.run("train@g1").bound]
    assert [group.container.image for group in bound.gang.replicas] == ["project:1"]


def test_another_build_is_another_generation():
    other = replace(train(), build=None)
    assert other.digest == train().digest  # sealed before
    assert train().digest != train(0.7).digest
