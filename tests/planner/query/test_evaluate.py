"""Which runs a query finds: a table of fields, and one of operations."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from planner.keys import parse
from planner.model.records import AttemptRecord
from planner.model.status import RunStatus
from planner.query import matches
from planner.query.subject import HELD, number_of
from planner.spec.query import parse_query
from planner.spec.query_fields import SORTS
from tests.planner.builders import dag, job, node
from tests.planner.query.subjects import COMMIT, NOW, OPENED, record, short, subject

pytestmark = pytest.mark.unit


def found(text, run):
    query = parse_query(text)
    assert query is not None
    return matches(query, run, NOW)


GRAPH = dag("flow", node("prepare"), node(job("fit", gpu=2), "prepare"), node("report", "fit"))
FIT = subject("flow@2026-11-23T06:00Z/fit~1", top=GRAPH, params={"rate": 0.1, "act": "relu", "flag": True})
PREPARE = subject("flow@2026-11-23T06:00Z/prepare", top=GRAPH)
TAGGED = subject(
    "train@g1",
    top=replace(
        job("train", queue="gpu", description="The Best Model"),
        tags=("nightly", "1.10", "true"),
        sections={"namespace": "lab", "cost": 2.5},
    ),
)
CARRIED = subject(
    "flow@g2/fit",
    source=record("flow@g1/fit"),
    carried_from=parse("flow@g1/fit"),
    status=RunStatus.RUNNING,
    outputs={},
    started_at=None,
    finished_at=None,
)
LIVE = subject("train@g1", status=RunStatus.QUEUED, started_at=None, finished_at=None, outputs={})
SAID = subject("train@g1", outputs={"said": "0.10", "odd": "nan"})
TOP = "flow@2026-11-23T06:00Z"


@pytest.mark.parametrize(
    ("text", "run", "expected"),
    [
        # who it is
        pytest.param(f"uuid: {short('train@g1')}", TAGGED, True, id="uuid"),
        pytest.param("id: train@g1", TAGGED, True, id="uuid-is-the-key-too"),
        pytest.param(f"id: {short('train@g1')[:5]}%", TAGGED, True, id="uuid-starts-with"),
        pytest.param("name: train", TAGGED, True, id="name"),
        pytest.param("name: fit", FIT, True, id="name-of-a-node"),
        pytest.param("name: %RAI%", TAGGED, True, id="contains-in-any-case"),
        pytest.param("name: %ain", TAGGED, True, id="ends-with"),
        pytest.param("name: ain%", TAGGED, False, id="starts-with-is-no-contains"),
        pytest.param("name: Train", TAGGED, False, id="equal-in-this-case"),
        pytest.param("description: %best%", TAGGED, True, id="description"),
        pytest.param("description: nil", FIT, True, id="no-description"),
        pytest.param("name: learn", subject("train@g1", root="learn"), True, id="name-after-a-rename"),
        # when
        pytest.param("created_at: 2026-11-23", TAGGED, True, id="day"),
        pytest.param("created_at: 2026-11-22", TAGGED, False, id="another-day"),
        pytest.param("created_at: 2026-11-23 06:00", TAGGED, True, id="minute"),
        pytest.param("created_at: 2026-11-23T07:00+01:00", TAGGED, True, id="minute-elsewhere"),
        pytest.param("created_at: 2026-11-23 06:01", TAGGED, False, id="another-minute"),
        pytest.param("created_at: 2026-11-23 06:00:30", TAGGED, True, id="second"),
        pytest.param("created_at: 2026-11-23 06:00:30.5", TAGGED, False, id="exact"),
        pytest.param("created_at: > 2026-11-23", TAGGED, False, id="after-a-day"),
        pytest.param("created_at: >= 2026-11-23", TAGGED, True, id="from-a-day-on"),
        pytest.param("created_at: < 2026-11-23", TAGGED, False, id="before-a-day"),
        pytest.param("created_at: <= 2026-11-23", TAGGED, True, id="up-to-a-day"),
        pytest.param("created_at: 2026-11-20..2026-11-23", TAGGED, True, id="range-with-its-last-day"),
        pytest.param("created_at: 2026-11-20..2026-11-22", TAGGED, False, id="range-before"),
        pytest.param("created_at: last_month", TAGGED, True, id="last-month"),
        pytest.param("created_at: last_month", subject(opened_at=NOW - timedelta(days=31)), False, id="long-ago"),
        pytest.param("started_at: nil", LIVE, True, id="not-started"),
        pytest.param("finished_at: ~nil", TAGGED, True, id="finished"),
        pytest.param("started_at: > 2026-01-01", LIVE, False, id="not-started-is-not-after"),
        pytest.param("schedule_at: 2026-11-23 06:00", FIT, True, id="tick"),
        pytest.param("schedule_at: nil", TAGGED, True, id="no-tick"),
        pytest.param("updated_at: 2026-11-23 06:02", TAGGED, True, id="changed"),
        # how it goes
        pytest.param("status: succeeded", TAGGED, True, id="status"),
        pytest.param("status: succeeded|failed", TAGGED, True, id="in"),
        pytest.param("status: ~succeeded", TAGGED, False, id="not"),
        pytest.param("status: ~failed|stopped", TAGGED, True, id="not-in"),
        pytest.param('status: "succeeded"', TAGGED, True, id="quoted"),
        pytest.param("status: succeeded", CARRIED, True, id="carried-status"),
        pytest.param("status: running", CARRIED, False, id="carried-is-told-by-its-source"),
        pytest.param("duration: 120", TAGGED, True, id="duration"),
        pytest.param("duration: >= 120", CARRIED, True, id="carried-duration"),
        pytest.param("duration: nil", LIVE, True, id="no-duration-yet"),
        pytest.param("wait_time: < 11", TAGGED, True, id="wait"),
        # what it is
        pytest.param("kind: job", subject(kind="tfjob"), True, id="kind"),
        pytest.param("runtime: tfjob", subject(kind="tfjob"), True, id="runtime"),
        pytest.param("kind: service", subject(kind="raycluster"), True, id="cluster-is-a-service"),
        pytest.param("project: project", TAGGED, True, id="project"),
        pytest.param("project.name: other", TAGGED, False, id="other-project"),
        pytest.param("namespace: lab", TAGGED, True, id="namespace"),
        pytest.param("tags: nightly", TAGGED, True, id="tag"),
        pytest.param("tags: weekly|nightly", TAGGED, True, id="tag-in"),
        pytest.param("tags: 1.10", TAGGED, True, id="tag-is-no-number"),
        pytest.param("tags: true", TAGGED, True, id="tag-is-no-truth-value"),
        pytest.param("tags: ~weekly", TAGGED, True, id="without-a-tag"),
        pytest.param("tags: nil", FIT, True, id="no-tags"),
        pytest.param("queue: gpu", TAGGED, True, id="queue"),
        pytest.param("queue.name: default", subject(top=job()), True, id="default-queue"),
        pytest.param("cost: > 2", TAGGED, True, id="cost"),
        pytest.param("state: d1:leaf", TAGGED, True, id="state"),
        pytest.param("live_state: 1", TAGGED, True, id="live-state"),
        pytest.param(f"commit: {COMMIT}", TAGGED, True, id="commit"),
        pytest.param("commit: 12e4567", TAGGED, True, id="short-commit-is-no-number"),
        pytest.param("commit: 12e", TAGGED, False, id="too-short-commit"),
        pytest.param("commit: 12E4567", TAGGED, True, id="commit-in-capitals"),
        # where it stands
        pytest.param(f"pipeline: {short(TOP)}", FIT, True, id="pipeline"),
        pytest.param(f"pipeline: {TOP}", FIT, True, id="pipeline-by-key"),
        pytest.param("pipeline.name: flow", FIT, True, id="pipeline-by-name"),
        pytest.param("pipeline: nil", TAGGED, True, id="top"),
        pytest.param("pipeline: nil", FIT, False, id="no-top"),
        pytest.param(f"controller: {short(TOP)}", subject(f"{TOP}/a/b"), True, id="controller"),
        pytest.param(f"pipeline: {short(TOP)}", subject(f"{TOP}/a/b"), False, id="pipeline-is-the-next-one"),
        pytest.param("upstream.name: prepare", FIT, True, id="upstream"),
        pytest.param(f"upstream: {TOP}/prepare", FIT, True, id="upstream-by-key"),
        pytest.param("downstream.name: fit", PREPARE, True, id="downstream"),
        pytest.param("upstream: nil", PREPARE, True, id="no-upstream"),
        pytest.param("original: flow@g1/fit", CARRIED, True, id="original"),
        pytest.param("original: nil", FIT, True, id="did-it-itself"),
        pytest.param("cloning_kind: cache", CARRIED, True, id="cloning-kind"),
        # values
        pytest.param("inputs.rate: 0.1", FIT, True, id="input"),
        pytest.param("in.rate: > 0.05", FIT, True, id="input-compared"),
        pytest.param("params.act: relu|tanh", FIT, True, id="param-in"),
        pytest.param("params.act: > a", FIT, True, id="text-compared"),
        pytest.param("params.act: > 1", FIT, False, id="text-and-number"),
        pytest.param("params.flag: true", FIT, True, id="truth-value"),
        pytest.param("params.flag: 1", FIT, False, id="truth-value-is-no-number"),
        pytest.param("params.other: nil", FIT, True, id="no-input"),
        pytest.param("params.other: ~0.1", FIT, True, id="no-input-is-not-equal"),
        pytest.param("outputs.note: fine", TAGGED, True, id="output"),
        pytest.param("outputs.none: nil", TAGGED, True, id="null-is-no-value"),
        pytest.param("outputs.tags: a", TAGGED, False, id="a-list-is-no-text"),
        pytest.param("metrics.loss: < 0.3", TAGGED, True, id="metric"),
        pytest.param("metrics.loss: ~< 0.3", TAGGED, False, id="not-less"),
        pytest.param("metrics.loss: 0.25", TAGGED, True, id="metric-equal"),
        pytest.param("metrics.steps: 10.0", TAGGED, True, id="whole-and-fraction"),
        pytest.param("metrics.said: < 0.2", SAID, True, id="metric-of-a-text"),
        pytest.param("outputs.said: 0.1", SAID, True, id="number-of-a-text"),
        pytest.param("outputs.said: < 1", SAID, True, id="number-of-a-text-compared"),
        pytest.param('outputs.said: "0.10"', SAID, True, id="text-as-text"),
        pytest.param("metrics.odd: nil", SAID, True, id="nan-is-no-metric"),
        pytest.param("metrics.note: nil", TAGGED, True, id="text-is-no-metric"),
        pytest.param("metrics.best: nil", TAGGED, True, id="truth-value-is-no-metric"),
        pytest.param("metrics.loss: < 0.3", CARRIED, True, id="carried-outputs"),
        # resources
        pytest.param("gpu: 2", FIT, True, id="gpu"),
        pytest.param("gpu: >= 500m", FIT, True, id="amount"),
        pytest.param("gpu: 2", subject(f"{TOP}/fit", top=GRAPH), True, id="gpu-before-it-is-bound"),
        pytest.param("memory: nil", FIT, True, id="no-memory"),
        # joined
        pytest.param("status: succeeded, metrics.loss: > 1", TAGGED, False, id="and"),
        pytest.param("status: failed OR metrics.loss: < 1", TAGGED, True, id="or"),
        pytest.param("(status: failed OR kind: job), name: train", TAGGED, True, id="parentheses"),
        pytest.param("status: _any_", LIVE, True, id="any"),
        pytest.param("metrics.loss: _any_", LIVE, True, id="any-without-a-value"),
    ],
)
def test_which_runs_are_found(text, run, expected):
    assert found(text, run) is expected


def test_negation_turns_every_answer():
    """`~` is plain negation, whatever the field and the run."""
    texts = [
        "status: {}failed",
        "params.rate: {}0.1",
        "name: {}fit",
        "gpu: {}>1",
        "created_at: {}2026-11-23",
        "tags: {}nil",
    ]
    for run in (FIT, PREPARE, TAGGED, CARRIED, LIVE):
        for text in texts:
            assert found(text.format("~"), run) is not found(text.format(""), run), (text, run.run.key)


def test_every_field_is_read_of_every_run():
    """No field raises, whatever a run lacks, and no value is empty."""
    for run in (FIT, PREPARE, TAGGED, CARRIED, LIVE, subject("train@ev-1")):
        for name, read in HELD.items():
            assert isinstance(read(run, "x"), tuple), name
            assert found(f"{name}{'.x' if name in {'inputs', 'outputs', 'metrics'} else ''}: _any_", run)


def test_what_runs_can_be_ordered_by_is_a_field():
    unheld = SORTS - HELD.keys()
    assert unheld == {"custom", "component_state", "user", "meta_values"}


def test_a_change_is_the_last_thing_seen():
    attempt = AttemptRecord(1, OPENED, ended_at=OPENED + timedelta(hours=1))
    assert found("updated_at: 2026-11-23 07:00", subject(attempts=(attempt,)))


@pytest.mark.parametrize(
    ("value", "number"),
    [
        pytest.param(3, 3, id="whole"),
        pytest.param(0.5, 0.5, id="fraction"),
        pytest.param("0.50", 0.5, id="text"),
        pytest.param("-1e-3", -0.001, id="text-with-exponent"),
        pytest.param("1e300", 1e300, id="text-of-a-large-one"),
        pytest.param(True, None, id="truth-value"),
        pytest.param("nan", None, id="not-a-number"),
        pytest.param("inf", None, id="infinite"),
        pytest.param("1e999", None, id="text-beyond-all-floats"),
        pytest.param(10**400, None, id="beyond-all-floats"),
        pytest.param(float("nan"), None, id="nan"),
        pytest.param("1_000", None, id="underscore"),
        pytest.param(" 1", None, id="space"),
        pytest.param("", None, id="nothing"),
        pytest.param(None, None, id="null"),
        pytest.param([1], None, id="list"),
    ],
)
def test_which_outputs_are_numbers(value, number):
    assert number_of(value) == number
