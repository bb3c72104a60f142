"""The table of merging: reference, section 5.1, a row for each strategy and shape of value."""

import json

import pytest

from planner.compile.origin import Origin
from planner.compile.patch import Placed, patched
from planner.errors import Place
from planner.spec.load import load
from planner.spec.plain import plain

pytestmark = pytest.mark.unit

STRATEGIES = ("post_merge", "pre_merge", "replace", "isnull")


def placed(path, **fields):
    """An operation of one file."""
    document = {"version": 1.1, "kind": "operation", "component": {"run": {"kind": "job"}}, **fields}
    loaded = load(path, json.dumps(document, indent=0).encode())
    assert not loaded.problems, loaded.problems
    return Placed(loaded.documents[0].spec, Origin(loaded.documents[0].places))


def run_of(operation):
    at = operation.origin.at("component", "run")
    return Placed(operation.section.component.run, at)


def merged(below, above, strategy):
    base, over = placed("a.json", **below), placed("b.json", **above)
    names = [name for name in type(base.section).model_fields if name not in {"component", "version", "kind"}]
    return plain(patched(base, over, strategy, names).section)


def merged_run(below, above, strategy):
    base = placed("a.json", component={"run": {"kind": "job", **below}})
    over = placed("b.json", component={"run": {"kind": "job", **above}})
    return patched(run_of(base), run_of(over), strategy)


CRON = {"kind": "cron", "cron": "0 0 * * *"}
GRID = {"kind": "grid", "params": {"a": {"kind": "choice", "value": [1]}}}
MAPPING = {"kind": "mapping", "values": [{"a": 1}]}

ROWS = {
    "scalar": ("queue", "p", "q", ["q", "p", "q", "p"]),
    "list": ("tags", ["a"], ["b", "a"], [["a", "b"], ["b", "a"], ["b", "a"], ["a"]]),
    "missing below": ("queue", None, "q", ["q", "q", "q", "q"]),
    "section": (
        "termination",
        {"maxRetries": 1, "ttl": 5},
        {"maxRetries": 3},
        [{"maxRetries": n, "ttl": 5} for n in (3, 1, 3, 1)],
    ),
    "isnull fills": ("termination", {"ttl": 5}, {"maxRetries": 3}, [{"maxRetries": 3, "ttl": 5}] * 4),
    "null of a section": ("termination", {"ttl": 5}, None, [{"ttl": 5}] * 4),
    "null of a field": ("queue", "p", None, [None, "p", None, "p"]),
    "null of a schedule": ("schedule", CRON, None, [None, CRON, None, CRON]),
    "params": (
        "params",
        {"a": {"x": 1}, "b": 1},
        {"a": {"y": 2}, "c": 3},
        [
            {"a": {"value": {"y": 2}}, "b": {"value": 1}, "c": {"value": 3}},
            {"a": {"value": {"x": 1}}, "b": {"value": 1}, "c": {"value": 3}},
            {"a": {"value": {"y": 2}}, "c": {"value": 3}},
            {"a": {"value": {"x": 1}}, "b": {"value": 1}},
        ],
    ),
    "same kind": (
        "matrix",
        {**MAPPING, "concurrency": 2},
        {"kind": "mapping", "values": [{"a": 2}]},
        [
            {"kind": "mapping", "values": [{"a": 1}, {"a": 2}], "concurrency": 2},
            {"kind": "mapping", "values": [{"a": 2}, {"a": 1}], "concurrency": 2},
            {"kind": "mapping", "values": [{"a": 2}]},
            {**MAPPING, "concurrency": 2},
        ],
    ),
    "another kind": ("matrix", MAPPING, GRID, [GRID, MAPPING, GRID, MAPPING]),
    "same kind is one value": (
        "schedule",
        {**CRON, "maxRuns": 2},
        {**CRON, "dependsOnPast": True},
        [
            {**CRON, "maxRuns": 2, "dependsOnPast": True},
            {**CRON, "maxRuns": 2, "dependsOnPast": True},
            {**CRON, "dependsOnPast": True},
            {**CRON, "maxRuns": 2},
        ],
    ),
    "a template over a section": ("cache", {"ttl": 5}, "{{ c }}", ["{{ c }}", {"ttl": 5}, "{{ c }}", {"ttl": 5}]),
    "a section over a template": ("cache", "{{ c }}", {"ttl": 5}, [{"ttl": 5}, "{{ c }}", {"ttl": 5}, "{{ c }}"]),
}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("row", ROWS)
def test_a_field(row, strategy):
    name, below, above, expected = ROWS[row]
    base = {} if below is None else {name: below}

    assert merged(base, {name: above}, strategy).get(name) == expected[STRATEGIES.index(strategy)]


ENV = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
LABELS = {"environment": {"labels": {"a": "b", "c": "d"}}}
RUN_ROWS = {
    "labels": (
        LABELS,
        {"environment": {"labels": {"a": "x", "e": "f"}}},
        [
            {"environment": {"labels": {"a": "x", "c": "d", "e": "f"}}},
            {"environment": {"labels": {"a": "b", "c": "d", "e": "f"}}},
            {"environment": {"labels": {"a": "x", "e": "f"}}},
            LABELS,
        ],
    ),
    "words are joined": (
        {"container": {"args": ["a1"]}},
        {"container": {"args": ["a2"]}},
        [{"container": {"args": args}} for args in (["a1", "a2"], ["a2", "a1"], ["a2"], ["a1"])],
    ),
    "variables are joined by equality": (
        {"container": {"env": ENV[:1]}},
        {"container": {"env": [ENV[1], ENV[0]]}},
        [{"container": {"env": env}} for env in (ENV, [ENV[1], ENV[0]], [ENV[1], ENV[0]], ENV[:1])],
    ),
    "an attribute of a container is one value": (
        {"container": {"resources": {"limits": {"cpu": "1"}}}},
        {"container": {"resources": {"limits": {"memory": "2"}}}},
        [
            {"container": {"resources": {"limits": limits}}}
            for limits in ({"cpu": "1", "memory": "2"}, {"memory": "2", "cpu": "1"}, {"memory": "2"}, {"cpu": "1"})
        ],
    ),
    "null in a container says nothing": (
        {"container": {"image": "i", "command": ["c"]}},
        {"container": {"command": None}},
        [{"container": {"image": "i", "command": ["c"]}}] * 4,
    ),
    "null of the container": ({"container": {"image": "i"}}, {"container": None}, [{"container": {"image": "i"}}] * 4),
    "null in a section": (
        LABELS,
        {"environment": {"labels": None}},
        [{"environment": {}}, LABELS, {"environment": {}}, LABELS],
    ),
    "inside an attribute lists are values": (
        {"container": {"readinessProbe": {"exec": {"command": ["a"]}, "periodSeconds": 3}}},
        {"container": {"readinessProbe": {"exec": {"command": ["b"]}}}},
        [
            {"container": {"readinessProbe": probe}}
            for probe in (
                {"exec": {"command": ["b"]}, "periodSeconds": 3},
                {"exec": {"command": ["a"]}, "periodSeconds": 3},
                {"exec": {"command": ["b"]}},
                {"exec": {"command": ["a"]}, "periodSeconds": 3},
            )
        ],
    ),
}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("row", RUN_ROWS)
def test_a_field_of_a_run(row, strategy):
    below, above, expected = RUN_ROWS[row]

    found = plain(merged_run(below, above, strategy).section)

    assert found == {"kind": "job", **expected[STRATEGIES.index(strategy)]}


def test_each_value_keeps_its_place():
    base = {"container": {"image": "i", "args": ["one"]}, "environment": {"labels": {"a": "b"}}}
    over = {"container": {"args": ["two"], "command": ["c"]}, "environment": {"labels": {"c": "d"}}}

    found = merged_run(base, over, "post_merge").origin

    def at(*parts):
        return found.at(*parts).place

    below, above = (
        placed("a.json", component={"run": {"kind": "job", **base}}),
        placed("b.json", component={"run": {"kind": "job", **over}}),
    )
    was, patch = run_of(below).origin, run_of(above).origin
    assert at("container", "image") == was.at("container", "image").place
    assert at("container", "args", 0) == was.at("container", "args", 0).place
    assert at("container", "args", 1) == patch.at("container", "args", 0).place
    assert at("container", "command") == patch.at("container", "command").place
    assert at("environment", "labels", "c") == patch.at("environment", "labels", "c").place
    assert at("environment", "labels", "a").path == "a.json"
    assert isinstance(at("container"), Place)


def test_a_merged_section_merges_again():
    first = merged_run({"container": {"args": ["a"]}}, {"container": {"args": ["b"]}}, "post_merge")
    third = run_of(placed("c.json", component={"run": {"kind": "job", "container": {"args": ["c"]}}}))

    found = patched(first, third, "post_merge")

    assert found.section.container.args == ("a", "b", "c")
    assert [found.origin.at("container", "args", index).place.path for index in range(3)] == [
        "a.json",
        "b.json",
        "c.json",
    ]


def test_nothing_to_merge_is_the_same():
    base, empty = placed("a.json", queue="q"), placed("b.json")

    assert patched(base, empty, "replace", ["queue", "tags"]) is base


def test_ten_thousand_items_are_joined_at_once():
    many = [f"a{index}" for index in range(10_000)]

    found = merged_run({"container": {"args": many}}, {"container": {"args": [*many, "b"]}}, "post_merge")

    assert found.section.container.args == (*many, "b")
