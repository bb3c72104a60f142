"""The cache: a run that has done the same work stands in for another one, wherever in the project it was."""

from __future__ import annotations

import pytest

from planner.model.desired import OnChange, Policy
from tests.planner.builders import EVERY_TEN, caching, dag, job, node, service
from tests.planner.cases import Case, table
from tests.planner.history import after, ask, end, push, wait

pytestmark = pytest.mark.unit


def flow(name: str, *, more: str = "z", schedule=None, **cache: object):
    """A DAG whose first node does the same work under any name."""
    first = caching(job("a", "same"), **cache) if cache else job("a", "same")
    return dag(name, node(first), node(job("b", more, reads={"n": "a.size"}), "a"), schedule=schedule)


DONE = (push(flow("one")), end("one@g1/a#1", size=3))
"""The work was done once, by a node of another DAG."""

HIT = ["opens two@g1/a", "two@g1/a has the result of one@g1/a", "two@g1/a succeeded: cached from one@g1/a"]


def replaced(command: str):
    """A DAG whose earlier generations are stopped when it changes."""
    return dag("flow", node(job("a", command)), policy=Policy(on_change=OnChange.STOP))


def twice(**cache: object):
    """A root that runs by itself, with a section `cache` if there is one; it changes and is changed back."""
    one = caching(job("solo", "same"), **cache) if cache else job("solo", "same")
    return push(one), end("solo@g1#1", size=3), push(job("solo", "other")), end("solo@g2#1"), push(one)


CACHE = (
    Case(
        "hit",
        "a node of a DAG has the result of equal work, and what comes after it goes on with its outputs",
        [*DONE, push(flow("one"), flow("two", more="y"))],
        then=["two g1 in force", "opens two@g1", *HIT, "opens two@g1/b", "starts two@g1/b#1"],
    ),
    Case(
        "miss",
        "other work is not cached",
        [*DONE, push(flow("one"), dag("two", node(job("a", "other"))))],
        then=["two g1 in force", "opens two@g1", "opens two@g1/a", "starts two@g1/a#1"],
    ),
    Case(
        "failed",
        "work that failed is no result",
        [push(flow("one")), end("one@g1/a#1", 1), push(flow("one"), flow("two"))],
        runs={"two@g1/a": "running"},
    ),
    Case(
        "disabled",
        "`disable: true` is never cached",
        [*DONE, push(flow("one"), flow("two", disable=True))],
        runs={"two@g1/a": "running"},
    ),
    Case(
        "source-disabled",
        "what one operation does not take from the cache, another one may",
        [push(flow("one", disable=True)), end("one@g1/a#1", size=3), push(flow("one", disable=True), flow("two"))],
        runs={"two@g1/a": "succeeded"},
    ),
    Case("alone", "an operation by itself must opt in", [*twice()], runs={"solo@g3": "running"}),
    Case(
        "alone-opted-in",
        "`disable: false` caches it: a commit that is reverted has its result at once",
        [*twice(disable=False)],
        then=[
            "solo g3 in force",
            "opens solo@g3",
            "solo@g3 has the result of solo@g1",
            "solo@g3 succeeded: cached from solo@g1",
        ],
        says={"c3 solo": "success: succeeded, cached from solo@g1"},
    ),
    Case(
        "scheduled",
        "a nightly DAG does its work every night",
        [*DONE, push(flow("one"), flow("two", schedule=EVERY_TEN)), wait(minutes=10)],
        runs={"two@2026-11-23T06:10Z/a": "running"},
    ),
    Case(
        "scheduled-opted-in",
        "unless it says so",
        [*DONE, push(flow("one"), flow("two", schedule=EVERY_TEN, disable=False)), wait(minutes=10)],
        runs={"two@2026-11-23T06:10Z/a": "succeeded"},
    ),
    Case(
        "requested",
        "a request asks for the result, not for the work",
        [*DONE, end("one@g1/b#1"), ask("run", "one")],
        runs={"one@req-q1/a": "succeeded", "one@req-q1/b": "succeeded"},
    ),
    Case(
        "fresh",
        "unless a person wants the work done again",
        [*DONE, end("one@g1/b#1"), ask("run", "one", fresh=True)],
        runs={"one@req-q1/a": "running"},
    ),
    Case(
        "retried",
        "a retry asks for the work",
        [*DONE, end("one@g1/b#1"), ask("retry", "one", mode="all")],
        runs={"one@g1/a~1": "running"},
    ),
    Case(
        "too-old",
        "a result counts for `ttl` seconds from its end",
        [*DONE, wait(minutes=5), push(flow("one"), flow("two", ttl=300))],
        runs={"two@g1/a": "running"},
    ),
    Case(
        "young-enough",
        "and no longer",
        [*DONE, wait(minutes=4), push(flow("one"), flow("two", ttl=300))],
        runs={"two@g1/a": "succeeded"},
    ),
    Case(
        "under-way",
        "what does the same work now is waited for",
        [push(flow("one")), push(flow("one"), flow("two"))],
        waits=["two@g1/a waits for one@g1/a, which does the same work"],
        alive=["one@g1/a#1"],
    ),
    Case(
        "under-way-ended",
        "until it has the result",
        [push(flow("one")), push(flow("one"), flow("two")), end("one@g1/a#1", size=3)],
        runs={"two@g1/a": "succeeded"},
        waits=["two@g1/b waits for one@g1/b, which does the same work"],
    ),
    Case(
        "under-way-failed",
        "what fails there is done here: a failure is no result",
        [push(flow("one")), push(flow("one"), flow("two")), end("one@g1/a#1", 1)],
        runs={"one@g1/a": "failed", "two@g1/a": "running"},
    ),
    Case(
        "under-way-stopped",
        "as is what is stopped there",
        [push(flow("one")), push(flow("one"), flow("two")), ask("stop", "one")],
        runs={"one@g1/a": "stopped", "two@g1/a": "running"},
    ),
    Case(
        "under-way-withdrawn",
        "what the same plan stops there is done here at once",
        [
            push(replaced("fit")),
            ask("run", "flow"),
            push(replaced("other")),
        ],
        runs={"flow@g1/a": "stopped", "flow@req-q1/a": "running"},
    ),
    Case(
        "under-way-ends-in-the-same-plan",
        "what ends there in the plan that looks is a hit",
        [push(replaced("fit")), ask("run", "flow"), end("flow@g1/a#1", size=3)],
        runs={"flow@g1/a": "succeeded", "flow@req-q1/a": "succeeded"},
    ),
    Case(
        "cached-is-no-source",
        "the run that did the work is named, not one that has its result too",
        [*DONE, end("one@g1/b#1"), push(flow("one"), flow("two")), push(flow("one"), flow("two"), flow("three"))],
        then=[
            "three g1 in force",
            "opens three@g1",
            "opens three@g1/a",
            "three@g1/a has the result of one@g1/a",
            "three@g1/a succeeded: cached from one@g1/a",
            "opens three@g1/b",
            "three@g1/b has the result of one@g1/b",
            "three@g1/b succeeded: cached from one@g1/b",
            "three@g1 succeeded",
        ],
    ),
    Case(
        "service",
        "a service has no result",
        [push(service("one")), push(service("one"), caching(service("two", ports=()), disable=False))],
        runs={"two@g1": "running"},
    ),
)


@table(*CACHE)
def test_cache(case):
    case.check()


def test_a_cached_run_keeps_what_it_did_not_do():
    history = after(*DONE, push(flow("one"), flow("two")))
    run = history.run("two@g1/a")
    assert (str(run.cached_from), run.outputs, run.attempts) == ("one@g1/a", {"size": 3}, ())
    assert run.bound, "what it would have run is kept, to compare it"
