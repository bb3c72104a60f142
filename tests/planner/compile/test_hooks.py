"""Hooks as compile takes them: components of a hub, given what is known of the run that they follow."""

from __future__ import annotations

import json

import pytest

from planner.compile.given import Outside
from planner.compile.hooks import GIVEN
from tests.planner.compile.trees import compiled

pytestmark = pytest.mark.unit

RUN = {"kind": "job", "container": {"image": "i", "command": ["c"]}}
NOTIFY = {
    "version": 1.1,
    "kind": "component",
    "name": "notify",
    "inputs": [{"name": "channel"}, {"name": "text", "isOptional": True}, {"name": "status", "isOptional": True}],
    "run": {"kind": "job", "container": {"command": ["tell", "{{ channel }}", "{{ status }}", "{{ outputs.loss }}"]}},
}


def state(hooks, outside=NOTIFY, **component):
    body = {"run": RUN, "hooks": hooks, **component}
    document = {"version": 1.1, "kind": "operation", "name": "t", "component": body}
    library = {"hub:notify": Outside("hub:notify.yaml", "one", json.dumps(outside).encode())}
    return compiled({"a.json": json.dumps(document)}, outside=library)


def hooks(*said, **rest):
    found = state(list(said), **rest)
    assert "t" in found.roots, [str(problem) for problem in found.problems]
    return found.roots["t"].hooks


def problems(*said, **rest):
    return [(one.code, one.pointer) for one in state(list(said), **rest).problems]


def test_a_hook_is_an_operation_of_its_own():
    (hook,) = hooks({"hubRef": "notify", "trigger": "failed", "params": {"channel": "ops"}})
    assert (hook.ref, hook.trigger, hook.operation.kind) == ("notify", "failed", "job")
    assert hook.operation.body.params == {"channel": "ops"}
    command = hook.operation.body.gang.replicas[0].container.command
    assert command == ("tell", "ops", "{{ status }}", "{{ outputs.loss }}"), "what the end gives stays open"


def test_the_trigger_is_any_end_where_nothing_is_said():
    assert [hook.trigger for hook in hooks({"hubRef": "notify", "params": {"channel": "c"}})] == ["done"]


def test_what_is_given_holds_over_a_param_of_that_name():
    (hook,) = hooks({"hubRef": "notify", "params": {"channel": "c", "status": "mine", "uuid": {"value": "mine"}}})
    assert hook.operation.body.params == {"channel": "c"}
    assert {item.name for item in hook.operation.body.inputs} == {"channel", "text", "status", *GIVEN}


def test_params_are_templates_over_what_is_given():
    (hook,) = hooks({"hubRef": "notify", "params": {"channel": "c", "text": "{{ name }} has {{ status }}"}})
    assert hook.operation.body.templates == {"text": "{{ name }} has {{ status }}"}


def test_without_defaults_nothing_is_given():
    rest = {**NOTIFY, "run": {"kind": "job", "container": {"command": ["tell", "{{ channel }}"]}}}
    said = {"hubRef": "notify", "params": {"channel": "c", "status": "mine"}, "disableDefaults": True}
    (hook,) = hooks(said, outside=rest)
    assert hook.operation.body.params == {"channel": "c", "status": "mine"}


def test_conditions_see_what_is_given():
    (hook,) = hooks({"hubRef": "notify", "params": {"channel": "c"}, "conditions": "outputs.loss < 0.5"})
    assert hook.operation.condition.value == "{{ outputs.loss < 0.5 }}"


def test_a_hook_counts_for_no_digest_but_the_live_one():
    one, two = (state([{"hubRef": "notify", "params": {"channel": name}}]).roots["t"] for name in "ab")
    assert one.digest == two.digest
    assert one.live != two.live
    assert one.form != two.form


@pytest.mark.parametrize(
    ("hook", "expected"),
    [
        pytest.param({"hubRef": "other"}, [("PL-311", "/component/hooks/0/hubRef")], id="no-such-component"),
        pytest.param({"hubRef": "notify"}, [("PL-402", "/component/hooks/0")], id="an-input-without-a-value"),
        pytest.param(
            {"hubRef": "notify", "params": {"channel": "c", "rest": 1}},
            [("PL-401", "/component/hooks/0/params/rest")],
            id="an-unknown-param",
        ),
        pytest.param(
            {"hubRef": "notify", "params": {"channel": {"ref": "ops.a", "value": "outputs.b"}}},
            [("PL-304", "/component/hooks/0/params/channel/value")],
            id="no-dag-around",
        ),
        pytest.param(
            {"hubRef": "notify", "params": {"channel": "c"}, "conditions": "loss <"},
            [("PL-404", "/component/hooks/0/conditions")],
            id="a-broken-condition",
        ),
        pytest.param(
            {"hubRef": "notify", "params": {"channel": "c"}, "conditions": "nothing < 1"},
            [("PL-405", "/component/hooks/0/conditions")],
            id="a-condition-on-what-is-not-given",
        ),
        pytest.param(
            {"hubRef": "notify", "params": "{{ p }}"},
            [("PL-406", "/component/hooks/0/params")],
            id="params-as-a-template",
        ),
    ],
)
def test_what_is_wrong_with_a_hook(hook, expected):
    assert problems(hook) == expected


def test_a_hook_that_cannot_run_here_is_said_and_refuses_nothing():
    found = state([{"hubRef": "notify", "params": {"channel": "c"}, "connection": "slack"}])
    assert found.roots["t"].refused == ""
    assert found.roots["t"].hooks[0].operation.refused == "the local backend has no connections to give to a run"
    assert [(one.code, one.severity) for one in found.problems] == [("PL-701", "warning")]


def test_the_hooks_of_a_hook_do_not_run():
    looped = {**NOTIFY, "hooks": [{"hubRef": "notify"}]}
    found = state([{"hubRef": "notify", "params": {"channel": "c"}}], outside=looped)
    assert found.roots["t"].hooks[0].operation.hooks == ()
    assert [one.code for one in found.problems] == ["PL-704"]
