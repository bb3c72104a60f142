"""Operations and the sections that they share with components: what is taken, and what is said of the rest."""

from __future__ import annotations

import pytest
import yaml

from planner.spec.events import EVENT_KINDS
from planner.spec.load import load, looks_like_spec
from planner.spec.operation import Operation

pytestmark = pytest.mark.unit

JOB = {"run": {"kind": "job", "container": {"image": "i"}}}


def said(of=None, **fields) -> list[str]:
    """Problems of an operation, or of another document, by code and pointer."""
    document = {"version": 1.1, "kind": "operation", "component": JOB, **fields} if of is None else of
    return [f"{p.code} {p.pointer}" for p in load("f.yaml", yaml.safe_dump(document).encode()).problems]


def hint(**fields) -> str:
    document = {"version": 1.1, "kind": "operation", "component": JOB, **fields}
    (problem,) = load("f.yaml", yaml.safe_dump(document).encode()).problems
    return problem.hint


HOOK, BUILD = {"hubRef": "slack"}, {"hubRef": "o/kaniko:1.2"}
JOIN = {"query": "status: succeeded"}
TAKEN = {
    "presets": ["a", "a, b", ["{{ x }}"], None],
    "queue": ["a", "agent/gpu", "agent.gpu", "{{ q }}", None],
    "namespace": ["a", None],
    "cache": [
        {},
        {"disable": True, "ttl": 0, "io": [], "sections": []},
        {"io": "{{ x }}", "sections": ["init"]},
        "{{ c }}",
    ],
    "termination": [
        {},
        {"maxRetries": 0, "ttl": 0, "timeout": 1},
        {"maxRetries": "{{ x }}", "ttl": "{{ x }}", "timeout": "{{ x }}"},
        {"culling": {"timeout": 60}, "probe": {"http": {"path": "/a", "port": 80}}},
        {"probe": {"exec": {"command": ["a"]}, "http": {}}},
        {"podFailurePolicy": {"rules": [{"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1]}}]}},
        {"podFailurePolicy": "{{ p }}"},
        "{{ t }}",
    ],
    "plugins": [
        {},
        {"auth": True, "docker": False, "shm": "{{ x }}", "logLevel": "INFO", "externalHost": None},
        {"sidecar": {"image": "i", "sleepInterval": 0, "resources": {"limits": {"cpu": 1}}}},
        {"sidecar": "{{ s }}", "notifications": [{"connections": ["slack"], "trigger": "done"}]},
        {"notifications": "{{ n }}"},
        "{{ p }}",
    ],
    "build": [
        BUILD,
        {**BUILD, "params": {"a": {"value": 1}}, "runPatch": {"x": 1}, "patchStrategy": "{{ s }}"},
        "{{ b }}",
    ],
    "hooks": [[], [HOOK], [{**HOOK, "trigger": "upstream_failed", "params": "{{ p }}"}, BUILD], "{{ h }}"],
    "isApproved": [True, False, "{{ x }}", None],
    "cost": [0, 1.5, -1, "{{ x }}"],
    "mount": [["a:b", "a", {"from": "a", "to": "b"}, {"from": "a"}, "a:b:c"], []],
    "template": [{}, {"enabled": True, "description": "d", "fields": ["name"]}, {"enabled": "{{ x }}"}],
    "events": [[{"kinds": list(EVENT_KINDS), "ref": "ops.a"}], [{"kinds": ["{{ k }}"], "ref": "a"}], "{{ e }}"],
    "joins": [
        [JOIN],
        [{**JOIN, "limit": 5000, "offset": 0, "sort": "-created_at", "ref": "x"}],
        [{"query": "name: {{ x }}", "limit": "{{ n }}", "params": "{{ p }}"}],
        [{**JOIN, "params": {"a": {"value": "outputs.x", "contextOnly": True}, "b": {"value": {"files": ["f"]}}}}],
        [{**JOIN, "params": {"a": "outputs.x"}}],
        "{{ j }}",
    ],
    "dependencies": [["a"], [], "{{ d }}"],
    "trigger": ["all_succeeded", "one_done", "{{ t }}"],
    "conditions": ["a > 1", "{{ a }}", "true"],
    "skipOnUpstreamSkip": [True, False],
    "patchStrategy": ["post_merge", "pre_merge", "replace", "isnull"],
    "runPatch": [{}, {"anything": [1]}],
}
ONLY_OPERATIONS = {"events", "joins", "dependencies", "trigger", "conditions"} | {
    "skipOnUpstreamSkip",
    "patchStrategy",
    "runPatch",
}


@pytest.mark.parametrize("field", TAKEN)
def test_what_a_field_takes(field):
    for value in TAKEN[field]:
        assert said(**{field: value}) == [], value
        component = said({"version": 1.1, "kind": "component", **JOB, field: value})
        assert component == ([f"PL-201 /{field}"] if field in ONLY_OPERATIONS else [])


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"presets": {"a": 1}}, ["PL-203 /presets"]),
        ({"queue": "a/b/c"}, ["PL-208 /queue"]),
        ({"queue": "a.b.c"}, ["PL-208 /queue"]),
        ({"queue": ""}, ["PL-208 /queue"]),
        ({"queue": ["a"]}, ["PL-203 /queue"]),
        ({"cache": True}, ["PL-203 /cache"]),
        ({"cache": {"inputs": ["a"]}}, ["PL-201 /cache/inputs"]),
        ({"cache": {"ttl": -1, "sections": ["image"]}}, ["PL-204 /cache/sections/0", "PL-204 /cache/ttl"]),
        ({"cache": {"io": "a"}}, ["PL-203 /cache/io"]),
        ({"termination": {"timeout": "1h"}}, ["PL-203 /termination/timeout"]),
        ({"termination": {"maxRetries": 1.5}}, ["PL-203 /termination/maxRetries"]),
        ({"termination": {"culling": {"timeout": "1h"}}}, ["PL-203 /termination/culling/timeout"]),
        ({"termination": {"probe": {"http": {"port": 0}}}}, ["PL-204 /termination/probe/http/port"]),
        ({"termination": {"probe": {"exec": {"command": []}}}}, ["PL-204 /termination/probe/exec/command"]),
        ({"termination": {"podFailurePolicy": {"rule": []}}}, ["PL-201 /termination/podFailurePolicy/rule"]),
        ({"plugins": {"tmuxx": True}}, ["PL-201 /plugins/tmuxx"]),
        ({"plugins": {"auth": "maybe"}}, ["PL-203 /plugins/auth"]),
        ({"plugins": {"notifications": [{"trigger": "failed"}]}}, ["PL-202 /plugins/notifications/0/connections"]),
        ({"plugins": {"notifications": [{"connections": []}]}}, ["PL-204 /plugins/notifications/0/connections"]),
        (
            {"plugins": {"notifications": [{"connections": ["a"], "trigger": "finished"}]}},
            ["PL-204 /plugins/notifications/0/trigger"],
        ),
        ({"plugins": {"sidecar": {"imagePullPolicy": "always"}}}, ["PL-204 /plugins/sidecar/imagePullPolicy"]),
        ({"build": {}}, ["PL-202 /build/hubRef"]),
        ({"build": {**BUILD, "image": "x"}}, ["PL-201 /build/image"]),
        ({"hooks": HOOK}, ["PL-203 /hooks"]),
        ({"hooks": [{"trigger": "Failed"}]}, ["PL-202 /hooks/0/hubRef", "PL-204 /hooks/0/trigger"]),
        ({"hooks": [{**HOOK, "trigger": "running"}]}, ["PL-204 /hooks/0/trigger"]),
        ({"isApproved": "maybe"}, ["PL-203 /isApproved"]),
        ({"cost": "1.5"}, ["PL-203 /cost"]),
        ({"cost": True}, ["PL-203 /cost"]),
        ({"mount": "a:b"}, ["PL-203 /mount"]),
        ({"mount": [":b", 3, {"to": "a"}]}, ["PL-204 /mount/0", "PL-203 /mount/1", "PL-202 /mount/2/from"]),
        ({"template": {"enabled": "maybe", "names": []}}, ["PL-203 /template/enabled", "PL-201 /template/names"]),
        ({"events": {"kinds": ["run_status_done"], "ref": "ops.a"}}, ["PL-203 /events"]),
        ({"events": [{"kinds": [], "ref": "ops."}]}, ["PL-204 /events/0/kinds", "PL-204 /events/0/ref"]),
        ({"events": [{"kinds": ["run_status_initializing"]}]}, ["PL-202 /events/0/ref", "PL-204 /events/0/kinds/0"]),
        ({"joins": [{}]}, ["PL-202 /joins/0/query"]),
        ({"joins": [{**JOIN, "limit": 0, "offset": -1}]}, ["PL-204 /joins/0/limit", "PL-204 /joins/0/offset"]),
        ({"joins": [{**JOIN, "limit": 5001, "sort": "colour"}]}, ["PL-204 /joins/0/limit", "PL-204 /joins/0/sort"]),
        ({"joins": [{"query": "colour: red"}]}, ["PL-204 /joins/0/query"]),
        ({"joins": [{**JOIN, "params": {"a": {"value": 5}}}]}, ["PL-203 /joins/0/params/a/value"]),
        ({"joins": [{**JOIN, "params": {"a": {}}}]}, ["PL-202 /joins/0/params/a/value"]),
        ({"joins": [{**JOIN, "params": {"a": "loss"}}]}, ["PL-204 /joins/0/params/a/value"]),
        ({"trigger": "ALL_DONE"}, ["PL-204 /trigger"]),
        ({"conditions": ["a"]}, ["PL-203 /conditions"]),
        ({"skipOnUpstreamSkip": "{{ x }}"}, ["PL-203 /skipOnUpstreamSkip"]),
        ({"patchStrategy": "REPLACE"}, ["PL-204 /patchStrategy"]),
        ({"runPatch": []}, ["PL-203 /runPatch"]),
        ({"contexts": []}, ["PL-201 /contexts"]),
        ({"hubRef": "a"}, ["PL-209 /component"]),
        ({"component": None}, ["PL-202 /component"]),
        ({"component": None, "hubRef": "a", "urlRef": "https://a.b/c"}, ["PL-209 /urlRef"]),
    ],
    ids=str,
)
def test_what_a_field_refuses(fields, expected):
    assert sorted(said(**fields)) == sorted(expected)


REFERENCES = {
    "hubRef": (["a", "a:1.0", "o/a:latest", "a_b-c.d"], ["", "a/b/c", "a:b:c", ":1", "a:", "/a", "a b", "ä"]),
    "urlRef": (
        ["https://a.b/c.yaml", "http://localhost:8080/x", "HTTPS://A/b?c=d"],
        ["", "a.yaml", "file:///a", "https://", "https:///a", "https://a b", "https://u:p@a/b", "https://a:99999/b"],
    ),
    "pathRef": (["a.yaml", "../a.yaml", "a/b.json"], ["", "/a.yaml", "a\\b"]),
    "dagRef": (["a"], []),
}


@pytest.mark.parametrize("field", REFERENCES)
def test_references(field):
    good, bad = REFERENCES[field]
    for value in good:
        assert said(component=None, **{field: value}) == [], value
    for value in bad:
        found = said(component=None, **{field: value})
        assert found in ([f"PL-204 /{field}"], [f"PL-208 /{field}"]), value


@pytest.mark.parametrize("field", ["hubRef", "urlRef", "pathRef"])
def test_a_reference_is_never_a_template(field):
    assert said(component=None, **{field: "{{ x }}"}) == [f"PL-406 /{field}"]


def test_hints():
    assert hint(events=[{"kinds": ["run_status_done"], "ref": "{{ ops.a }}"}]) == "write `ops.a`, without braces"
    assert hint(events=[{"kinds": ["run_status_runing"], "ref": "ops.a"}]) == "did you mean `run_status_running`?"
    assert hint(joins=[{"query": "stats: done"}]) == "did you mean `status`?"
    assert hint(component=None, params={"a": 1}) == "add `component`, or a `pathRef` to its file"


PRESET = {"kind": "operation", "isPreset": True, "name": "fast"}


def test_a_preset_needs_neither_version_nor_component():
    assert said(PRESET) == []
    assert said({**PRESET, "hubRef": "a", "component": JOB, "runPatch": {"x": 1}}) == []
    assert said({**PRESET, "isPreset": False}) == ["PL-202 /component", "PL-202 /version"]
    assert said({**PRESET, "version": None}) == ["PL-207 /version"]
    assert said({**PRESET, "version": 2}) == ["PL-207 /version"]
    assert looks_like_spec(yaml.safe_dump(PRESET).encode()) == "spec"
    assert looks_like_spec(b"kind: operation\nis_preset: true\n") == "spec"
    assert looks_like_spec(b"kind: operation\n") == "suspect"
    assert Operation.model_validate(PRESET).is_preset is True


@pytest.mark.parametrize("kind", ["compiled_operation", "job", "tfjob", "matrix"])
def test_other_kinds_of_documents(kind):
    (problem,) = load("f.yaml", f"version: 1.1\nkind: {kind}\n".encode()).problems
    assert (problem.code, problem.pointer, problem.place.line) == ("PL-206", "/kind", 2)
    assert problem.hint


def test_what_is_left_out_is_not_set():
    """Merging rests on it: null that is written is another thing than nothing."""
    made = Operation.model_validate({"component": JOB, "cache": None, "termination": {"ttl": None}})
    assert made.model_fields_set == {"component", "cache", "termination"}
    assert made.termination.model_fields_set == {"ttl"}
