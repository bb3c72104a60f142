"""Binding a compiled leaf to a run, and completing it before an attempt (docs/run-contract.md)."""

# Specs stand on one line.
# ruff: noqa: E501

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from planner import keys
from planner.compile.bind import BindError, BindRequest, bind, finish_run
from planner.model.events import OutsideEvent
from planner.model.run import BoundRun
from reconciler import codec
from tests.planner.compile.trees import COMMIT, compiled

pytestmark = pytest.mark.unit

SCHEMA = Path(__file__).parents[2] / "golden" / "run-contract" / "context-1.schema.json"
OP = "version: 1.1\nkind: operation\nname: t\n"
PATHS = {"artifacts_path": "/runs", "run_artifacts_path": "/runs/r", "run_outputs_path": "/runs/r/outputs"}
OPENED = datetime(2026, 11, 23, 7, 0, 0, tzinfo=timezone(timedelta(hours=1)))


def leaf(container, inputs="", params="", before="", settings=""):
    text = f"{OP}{before}params: {{{params}}}\ncomponent:\n  inputs: [{inputs}]\n  run: {{kind: job, container: {container}}}\n"
    desired = compiled({"a.yaml": text, ".plumbline.yaml": settings})
    assert desired.problems == ()
    return desired.roots["t"]


def node(inputs, container, param="{ref: ops.a, value: outputs.o}"):
    """The second of two operations: its input `p` waits for the first."""
    text = (
        f"{OP}component:\n  run:\n    kind: dag\n    operations:\n"
        "    - {name: a, component: {run: {kind: job, container: {command: [c]}}, outputs: [{name: o}]}}\n"
        f"    - {{name: b, params: {{p: {param}}}, component: {{inputs: [{inputs}], "
        f"run: {{kind: job, container: {container}}}}}}}\n"
    )
    desired = compiled({"a.yaml": text})
    assert desired.problems == ()
    return desired.roots["t"].body.nodes[1].operation


def bound(operation, key=None, values=None, **rest):
    given = {
        "upstream": {},
        "identity": ("default", "demo"),
        "commit": COMMIT,
        "opened_at": OPENED,
        "because": "a test",
    }
    return bind(
        BindRequest(operation=operation, key=key or keys.generation("t", 1), values=values or {}, **given | rest)
    )


def words(run):
    (group,) = run.gang.replicas
    return (*group.container.command, *group.container.args)


def finished(operation, known=PATHS, **rest):
    return words(finish_run(bound(operation, **rest), known))


# What a run knows

GLOBALS = {
    "name": "t",
    "uuid": keys.generation("t", 1).short_id("default", "demo"),
    "project_name": "demo",
    "created_at": "2026-11-23T06:00:00Z",
    "schedule_at": "",
    "commit": COMMIT,
    "is_independent": "true",
    "run_outputs_path": "/runs/r/outputs",
    "namespace": "default",
}


@pytest.mark.parametrize(("name", "expected"), GLOBALS.items(), ids=GLOBALS)
def test_globals_of_a_run(name, expected):
    assert finished(leaf(f'{{command: ["-{{{{ globals.{name} }}}}"]}}')) == (f"-{expected}",)


def test_the_scheduled_instant_of_a_tick():
    key = keys.tick("t", datetime(2026, 11, 23, 6, tzinfo=UTC))

    assert finished(leaf('{command: ["{{ globals.schedule_at }}"]}'), key=key) == ("2026-11-23T06:00:00Z",)


def test_the_event_that_started_a_run():
    at = datetime(2026, 11, 23, 6, tzinfo=UTC)
    event = OutsideEvent("abc", "alert_warning", "drift", at, {"severity": [1, "high"]}, by="grafana")
    told = {"id": "abc", "kind": "alert_warning", "ref": "drift", "at": "2026-11-23T06:00:00Z", "by": "grafana"}
    text = "{{ globals.event.ref }}: {{ globals.event.data.severity[1] }}, {{ globals.event.data.more | default('-') }}"
    operation = leaf(f'{{command: ["{text}"]}}')
    run = bound(operation, event=event)

    assert finished(operation, event=event) == ("drift: high, -",)
    assert run.context["globals"]["event"] == {**told, "data": {"severity": [1, "high"]}}
    assert set(
        json.loads(SCHEMA.read_text())["properties"]["globals"]["properties"]["event"]["oneOf"][1]["required"]
    ) == {
        *told,
        "data",
    }
    # Equal work has one digest, whatever started it.
    assert run.digest == bound(operation, event=replace(event, data={"severity": [2, "low"]})).digest


def test_a_run_that_no_event_started_has_none():
    assert finished(leaf('{command: ["{{ globals.event is none }}"]}')) == ("true",)
    with pytest.raises(BindError, match=r"globals\.event\.ref"):
        finished(leaf('{command: ["{{ globals.event.ref }}"]}'))


def test_ports_are_known_to_the_backend():
    text = f"{OP}component: {{run: {{kind: service, ports: [80], container: {{command: ['{{{{ globals.ports[0] }}}}']}}}}}}\n"
    service = compiled({"a.yaml": text}).roots["t"]

    assert words(bound(service)) == ("{{ globals.ports[0] }}",)
    assert finished(service, {"ports": [34871]}) == ("34871",)
    with pytest.raises(BindError, match=r"globals\.ports\[0\]"):
        finished(service, {"ports": []})


def test_what_the_backend_does_not_know_is_said():
    with pytest.raises(BindError, match=r"globals\.store_path cannot be known on this backend") as caught:
        finished(leaf('{command: ["{{ globals.store_path }}"]}'))
    assert caught.value.message == "globals.store_path cannot be known on this backend"


# What other nodes have

VALUES = {
    "text": ("{name: p, type: str}", "x", "x"),
    "read as its type": ("{name: p, type: int}", "7", "7"),
    "a float": ("{name: p, type: float}", 1, "1.0"),
    "a list": ("{name: p, type: int, isList: true}", "[1, 2]", "[1,2]"),
    "untyped": ("{name: p}", {"a": 1}, '{"a":1}'),
    "what looks like a template": ("{name: p}", "{{ globals.uuid }}", "{{ globals.uuid }}"),
    "braces of all kinds": ("{name: p}", "{% {# {{{ }}\r\n}", "{% {# {{{ }}\r\n}"),
    "null": ("{name: p, isOptional: true}", None, ""),
}


@pytest.mark.parametrize(("declared", "value", "expected"), VALUES.values(), ids=VALUES)
def test_a_value_of_another_node(declared, value, expected):
    operation = node(declared, '{command: [c, "={{ p }}", "{{ params.p.as_arg }}"]}')
    run = bound(operation, values={"p": value})
    found = words(finish_run(run, PATHS))

    assert found == ("c", f"={expected}", *([f"--p={expected}"] if value is not None else []))
    assert codec.decode(BoundRun, codec.encode(run)) == run


REFUSED = {
    "another type": ("{name: p, type: int}", {"p": "x"}, "input 'p': a whole number is wanted, not `x`"),
    "a failed check": ("{name: p, validation: {gt: 0}}", {"p": 0}, "input 'p' must be greater than 0"),
    "null": ("{name: p, type: int}", {"p": None}, "input 'p': a whole number is wanted, not empty"),
    "nothing": ("{name: p}", {}, "input 'p' waits for ops.a.outputs.o, which has no value"),
    "a failed number": ("{name: p, type: float}", {"p": "NaN"}, "input 'p': a finite number is wanted, not `NaN`"),
}


@pytest.mark.parametrize(("declared", "values", "message"), REFUSED.values(), ids=REFUSED)
def test_a_value_that_does_not_fit(declared, values, message):
    with pytest.raises(BindError) as caught:
        bound(node(declared, "{command: [c]}"), values=values)

    assert str(caught.value) == message


def test_a_template_that_fails_with_the_value():
    operation = node("{name: p}", '{command: ["{{ 1 / p }}"]}')

    with pytest.raises(BindError, match=r"^command/0: .*zero"):
        bound(operation, values={"p": 0})


def test_a_dag_is_no_run():
    text = f"{OP}component: {{run: {{kind: dag, operations: [{{name: a, component: {{run: {{kind: job, container: {{command: [c]}}}}}}}}]}}}}\n"

    with pytest.raises(BindError, match="t is a dag, which is no run of its own"):
        bound(compiled({"a.yaml": text}).roots["t"])


# Literals that are checked late


def test_a_delayed_check_comes_at_the_start():
    operation = leaf("{command: [c]}", "{name: x, type: int, delayValidation: true}", "x: abc")

    with pytest.raises(BindError, match="input 'x': a whole number is wanted"):
        bound(operation)


def test_a_delayed_input_may_be_missing_until_the_start():
    operation = leaf("{command: [c]}", "{name: x, type: int, validation: {delay: true}}")

    with pytest.raises(BindError, match="input 'x' has no value"):
        bound(operation)


# Params that are templates themselves

OUT = "{name: out, type: path}, {name: both, type: str}"
OUT_PARAMS = 'out: "{{ globals.run_outputs_path }}/m", both: "{{ out }}+{{ globals.uuid }}"'


def test_a_param_that_only_the_backend_can_complete():
    operation = leaf(
        '{command: "{{ params.as_args }}", env: {OUT: "{{ out }}", LIT: "{{ \'{\' ~ \'{ x }}\' }}"}}', OUT, OUT_PARAMS
    )
    run = bound(operation)
    done = finish_run(codec.decode(BoundRun, codec.encode(run)), PATHS)
    ident = GLOBALS["uuid"]

    assert words(done) == ("--out=/runs/r/outputs/m", f"--both=/runs/r/outputs/m+{ident}")
    assert done.gang.replicas[0].container.env == {"OUT": "/runs/r/outputs/m", "LIT": "{{ x }}"}
    assert done.context["params"] == {"out": "/runs/r/outputs/m", "both": f"/runs/r/outputs/m+{ident}"}
    assert set(done.context) == set(run.context) - {"unbound"}


def test_its_type_is_checked_when_it_is_known():
    operation = leaf("{command: [c]}", "{name: n, type: int}", 'n: "{{ globals.uuid }}"')

    with pytest.raises(BindError, match="input 'n': a whole number is wanted"):
        bound(operation)


# Inputs of an earlier version


def test_inputs_that_were_stored_without_later_fields_are_completed():
    run = bound(leaf("{command: ['{{ out }}', '{{ params.out.connection }}']}", OUT, OUT_PARAMS))
    stored = codec.decode(BoundRun, codec.encode(run))
    for item in stored.context["unbound"]["inputs"]:
        del item["connection"]

    assert finish_run(stored, PATHS).context["params"] == finish_run(run, PATHS).context["params"]
    assert words(finish_run(stored, PATHS)) == words(finish_run(run, PATHS)) == ("/runs/r/outputs/m",)


def test_a_connection_is_seen_when_the_backend_completes_a_run():
    operation = leaf(
        "{command: ['{{ out }}', '{{ params.out.connection }}']}",
        OUT.replace("path", "path, connection: c"),
        OUT_PARAMS,
    )

    assert finished(operation) == ("/runs/r/outputs/m", "c")


# Values that only a start gives


def test_a_value_that_a_sweep_gives_is_checked_when_a_run_starts():
    sweep = "matrix: {kind: grid, params: {n: {kind: choice, value: [1]}}}\n"
    operation = leaf("{command: ['{{ n + 1 }}']}", "{name: n, type: int}", before=sweep).body.trial

    assert finished(operation, values={"n": "7"}) == ("8",)
    with pytest.raises(BindError, match="input 'n': a whole number is wanted"):
        bound(operation, values={"n": "x"})
    with pytest.raises(BindError, match="input 'n' has no value"):
        bound(operation)


CHAINS = ["a: '{{ globals.ID }}', b: '{{ a }}-', c: '{{ b }}+'", "c: '{{ b }}+', b: '{{ a }}-', a: '{{ globals.ID }}'"]


@pytest.mark.parametrize("params", CHAINS)
@pytest.mark.parametrize(("known", "expected"), [("commit", COMMIT), ("run_outputs_path", "/runs/r/outputs")])
def test_params_that_need_each_other_may_stand_in_any_order(params, known, expected):
    names = [part.split(":")[0].strip() for part in params.split(",")]
    declared = ", ".join(f"{{name: {name}}}" for name in names)
    operation = leaf("{command: ['{{ c }}']}", declared, params.replace("ID", known))
    run = bound(operation)

    assert words(finish_run(run, PATHS)) == (f"{expected}-+",)
    assert words(finish_run(codec.decode(BoundRun, codec.encode(run)), PATHS)) == (f"{expected}-+",)


def test_bounds_count_as_values_of_their_type():
    operation = node("{name: p, type: datetime, validation: {gt: '2026-01-01T06:00:00+01:00'}}", "{command: [c]}")

    bound(operation, values={"p": "2026-01-01T05:00:00.000001Z"})
    with pytest.raises(BindError, match="input 'p' must be greater than"):
        bound(operation, values={"p": "2026-01-01T05:00:00Z"})


# Arguments (reference, section 9.3)

ARGUMENTS = [
    ("type: float", "0.1", ["--x=0.1"]),
    ("type: str", "a b", ["--x=a b"]),
    ("type: bool", "true", ["--x=true"]),
    ("type: bool", "false", ["--x=false"]),
    ("type: bool, isFlag: true", "true", ["--x"]),
    ("type: bool, isFlag: true", "false", []),
    ("type: dict", "{a: [1, true]}", ['--x={"a":[1,true]}']),
    ("type: 'List[int]'", "['1', 2]", ["--x=[1,2]"]),
    ("type: git", "{url: u}", ['--x={"url":"u"}']),
    ("type: timedelta", "PT1H", ["--x=3600"]),
    ("type: int, isOptional: true", "null", []),
    ("type: int, argFormat: '-x {{ x }}'", "3", ["-x 3"]),
    ("type: int, isOptional: true, argFormat: '-x {{ x }}'", "null", []),
    ("type: bool, isFlag: true, argFormat: '-x={{ x }}'", "true", ["-x=true"]),
    ("type: list, argFormat: '{{ x | join(\",\") }}'", "[1, 2]", ["1,2"]),
]


@pytest.mark.parametrize(("declared", "value", "expected"), ARGUMENTS, ids=repr)
def test_an_input_is_an_argument(declared, value, expected):
    operation = leaf('{command: [c], args: "{{ params.as_args }}"}', f"{{name: x, {declared}}}", f"x: {value}")

    assert list(finished(operation))[1:] == expected


# The leaf digest


def test_equal_work_has_one_digest_under_any_key():
    operation = leaf('{command: [c, "{{ globals.uuid }}", "{{ out }}"]}', OUT, OUT_PARAMS)
    one = bound(operation)
    two = bound(operation, key=keys.tick("t", OPENED), commit="d" * 40, opened_at=OPENED + timedelta(days=1))

    assert one.digest == two.digest
    assert words(one) != words(two)


def test_a_value_counts_the_same_wherever_it_comes_from():
    from_node = node("{name: p, type: int}", '{command: ["{{ p }}"]}')
    literal = node("{name: p, type: int}", '{command: ["{{ p }}"]}', "7")

    assert bound(from_node, values={"p": "7"}).digest == bound(literal).digest
    assert bound(from_node, values={"p": "8"}).digest != bound(literal).digest


def test_text_that_looks_like_a_template_is_not_the_template():
    literal = node("{name: p}", '{command: ["{{ p }}"]}')
    template = node("{name: p}", '{command: ["{{ globals.uuid }}"]}')

    assert bound(literal, values={"p": "{{ globals.uuid }}"}).digest != bound(template, values={"p": ""}).digest


def test_on_commit_the_commit_joins_the_leaf_digest():
    operation = leaf("{command: [c]}", settings="defaults: {runPolicy: on-commit}\n")

    assert bound(operation, commit="a" * 40).digest != bound(operation, commit="b" * 40).digest


# The context file


def test_the_context_is_what_the_run_contract_says():
    operation = leaf(
        "{command: [c]}",
        "{name: lr, type: float}, {name: none, isOptional: true}",
        "lr: 1, note: {value: hi, contextOnly: true}",
        before="termination: {timeout: 90}\n",
    )
    upstream = {"a": {"status": "succeeded", "outputs": {"o": 1}}}
    run = bound(operation, upstream=upstream)
    context = finish_run(run, {**PATHS, "ports": []}).context
    schema = json.loads(SCHEMA.read_text())["properties"]

    assert (run.timeout, run.because, run.commit, run.key) == (90, "a test", COMMIT, keys.generation("t", 1))
    assert context["run"] == {
        "key": "t@g1",
        "id": GLOBALS["uuid"],
        "project": "demo",
        "instance": "default",
        "commit": COMMIT,
        "root": "t",
        "kind": "job",
    }
    assert context["params"] == {"lr": 1.0, "note": "hi"}
    assert context["inputs"] == {"lr": 1.0}
    assert context["upstream"] == upstream
    assert set(context) <= set(schema)
    assert set(schema["globals"]["required"]) <= set(context["globals"])
    assert set(context["run"]) | {"attempt"} == set(schema["run"]["required"])
