"""What operations become: values, texts, merging, kinds, graphs, schedules."""

# Specs stand on one line where their columns are what is tested.
# ruff: noqa: E501

from datetime import UTC, datetime, timedelta

import pytest

from planner.compile import CompileConfig
from planner.model.desired import Dag, Reference
from planner.model.gang import Lifetime, Probe, Update
from planner.model.schedule import CronSchedule, DatetimeSchedule, IntervalSchedule
from tests.planner.compile.trees import compiled

pytestmark = pytest.mark.unit

OP = "version: 1.1\nkind: operation\nname: t\n"
JOB = "  run: {kind: job, container: {image: i, command: [c]}}\n"


def root(text, config=None, **files):
    desired = compiled({"a.yaml": text, **files}, config)
    assert [problem for problem in desired.problems if problem.severity == "error"] == []
    return desired.roots["t"]


def container(text, **rest):
    return root(text, **rest).body.gang.replicas[0].container


def with_args(args, inputs="", params="", command="[c]"):
    return (
        f"{OP}params: {{{params}}}\ncomponent:\n  inputs: [{inputs}]\n"
        f"  run: {{kind: job, container: {{command: {command}, args: {args}}}}}\n"
    )


LR = "{name: lr, type: float, value: 1}"
WORDS = {
    "a default": ('["--lr={{ lr }}"]', LR, "", ("--lr=1.0",)),
    "a param": ('["--lr={{ lr }}"]', LR, 'lr: "0.5"', ("--lr=0.5",)),
    "params.x.value is typed, as_str is text": (
        '["{{ params.lr.value + 1 }}", "{{ params.lr.as_str ~ 1 }}", "{{ params.lr.type }}"]',
        LR,
        "",
        ("2.0", "1.01", "float"),
    ),
    "a string is one word": ('"a b"', "", "", ("a b",)),
    "empty words are dropped": ('["", a, "{{ lr }}"]', "{name: lr, isOptional: true}", "", ("a",)),
    "zero and false are words": ('["{{ a }}", "{{ b }}"]', "{name: a, value: 0}, {name: b, value: false}", "", ("0", "false")),
    "a list that is all of it is several words": ('"{{ l }}"', "{name: l, value: [1, x]}", "", ("1", "x")),
    "a list beside others is JSON": ('[a, "{{ l }}"]', "{name: l, value: [1, x]}", "", ("a", '[1,"x"]')),
    "as_args": (
        '"{{ params.as_args }}"',
        ("{name: a, type: int}, {name: f, type: bool, isFlag: true, value: true}, {name: g, type: bool, isFlag: true, value: false}, "
        "{name: b, type: bool, value: true}, {name: n, isOptional: true}, {name: l, isList: true, type: int, value: [1, 2]}, "
        '{name: x, value: 3, argFormat: "-x {{ x + 1 }}"}'),
        "a: 7, c: {value: 1, contextOnly: true}",
        ("--a=7", "--f", "--b=true", "--l=[1,2]", "-x 4"),
    ),
    "as_args among others": ('[a, "{{ params.as_args }}"]', "{name: b, value: 1}", "", ("a", "--b=1")),
    "a flag by its name": ('["{{ f }}"]', "{name: f, type: bool, isFlag: true, value: true}", "", ("--f",)),
    "contextOnly": ('["{{ c }}"]', "", "c: {value: [1], contextOnly: true}", ("1",)),
    "a mapping as a value": ('["{{ d.a }}"]', "{name: d, type: dict}", "d: {a: 5}", ("5",)),
    "a param that needs another": ('["{{ b }}"]', '{name: a, value: 2}, {name: b, type: int, value: "{{ a * 3 }}"}', "", ("6",)),
    "what looks like a template is final": (
        '["{{ a }}"]',
        '{name: a, value: "{% raw %}{{ b }}{% endraw %}"}',
        "",
        ("{{ '{' }}{ b }}",),
    ),
    "the project": ('["{{ globals.project_name }}"]', "", "", ("demo",)),
    "what a run knows stays": ('["{{ globals.uuid }}"]', "", "", ("{{ globals.uuid }}",)),
    "an optional one is nothing": ('["-{{ a }}-"]', "{name: a, type: int, isOptional: true}", "", ("--",)),
    "an empty param is the default": ('["{{ a }}"]', "{name: a, value: 3}", "a: {}", ("3",)),
}  # fmt: skip


@pytest.mark.parametrize(("args", "inputs", "params", "expected"), WORDS.values(), ids=WORDS)
def test_words(args, inputs, params, expected):
    assert container(with_args(args, inputs, params)).args == expected


def test_the_other_texts_of_a_container():
    found = container(
        OP + "component:\n  inputs: [{name: x, type: int, value: 2}]\n  run:\n    kind: job\n    container:\n"
        '      image: "py:{{ x }}"\n      command: "run-{{ x }}"\n      workingDir: "w{{ x }}"\n'
        '      env: {A: "{{ x }}", B: 1, C: "{{ none }}", D: "{{ [x] }}"}\n'
        '      resources: {requests: {cpu: "{{ x }}", memory: 1Gi}, limits: {cpu: 9, nvidia.com/gpu: 1}}\n'
    )

    assert (found.image, found.command, found.working_dir) == ("py:2", ("run-2",), "w2")
    assert found.env == {"A": "2", "B": "1", "C": "", "D": "[2]"}
    assert found.resources == {"cpu": "2", "memory": "1Gi", "nvidia.com/gpu": "1"}


def test_a_value_for_an_output_is_a_param():
    text = (
        OP + "params: {o: '7'}\ncomponent:\n  outputs: [{name: o, type: int}, {name: l, type: float, isList: true}]\n"
        '  run: {kind: job, container: {command: ["{{ o + 1 }}"]}}\n'
    )

    assert container(text).command == ("8",)
    assert [(output.name, output.type) for output in root(text).body.outputs] == [("o", "int"), ("l", "List[float]")]


# Merging


def test_the_operation_wins_over_its_component():
    text = (
        OP + "description: mine\ntags: [b, c]\nqueue: q1\ntermination: {maxRetries: 3}\ncomponent:\n"
        "  description: theirs\n  tags: [a, b]\n  queue: q2\n  termination: {maxRetries: 1, timeout: 60}\n" + JOB
    )
    found = root(text)

    assert (found.description, found.tags, found.body.queue) == ("mine", ("a", "b", "c"), "q1")
    assert (found.body.termination.max_retries, found.body.termination.timeout) == (3, 60)


def test_the_component_holds_where_the_operation_says_nothing():
    text = OP + "component:\n  description: theirs\n  queue: q2\n  termination: {timeout: 60}\n" + JOB

    assert (root(text).description, root(text).body.queue, root(text).body.termination.timeout) == ("theirs", "q2", 60)


def test_a_dag_hands_down_between_operation_and_component():
    text = (
        OP + "queue: dag\ntermination: {maxRetries: 2, timeout: 9}\ncomponent:\n  run:\n    kind: dag\n"
        "    environment: {labels: {team: a, tier: '1'}}\n    operations:\n"
        "    - name: own\n      queue: own\n      termination: {maxRetries: 5}\n      component:\n"
        "        termination: {timeout: 3}\n        run: {kind: job, container: {command: [c]}}\n"
        "    - name: plain\n      component:\n        queue: theirs\n"
        "        run: {kind: job, environment: {labels: {team: b, x: y}}, container: {command: [c]}}\n"
    )
    own, plain = (node.operation.body for node in root(text).body.nodes)

    assert (own.queue, own.termination.max_retries, own.termination.timeout) == ("own", 5, 9)
    assert (plain.queue, plain.termination.max_retries, plain.termination.timeout) == ("dag", 2, 9)
    assert plain.gang.labels == {"team": "a", "x": "y", "tier": "1"}


# Kinds


def test_a_job_runs_once():
    gang = root(OP + "component:\n" + JOB).body.gang

    assert (gang.lifetime, gang.decider, gang.ports, gang.probe) == (Lifetime.ONCE, "main", (), None)
    assert [(group.role, group.count) for group in gang.replicas] == [("main", 1)]


SERVICE = OP + "component:\n  inputs: [{name: n, type: int, value: 2}]\n  run:\n    kind: service\n    REST\n"


def service(rest, config=None, **files):
    return root(SERVICE.replace("REST", rest), config, **files).body.gang


def test_a_service_stays_up_with_ports_replicas_and_a_probe():
    gang = service(
        'ports: [80, 81]\n    replicas: "{{ n }}"\n    container: {command: [c], '
        'readinessProbe: {httpGet: {path: "/{{ n }}", port: 81}, periodSeconds: 3}}'
    )

    assert (gang.lifetime, gang.ports, gang.replicas[0].count) == (Lifetime.ALWAYS, (80, 81), 2)
    assert gang.probe == Probe(http_path="/2", port=1, period=3.0)


def test_ports_may_be_a_template():
    assert service('ports: "{{ [n, n + 1] }}"\n    container: {command: [c]}').ports == (2, 3)


UPDATES = {
    "nothing held": ("container: {command: [c]}", "local", Update.ROLLING),
    "ports of this machine": ("ports: [80]\n    container: {command: [c]}", "local", Update.RECREATE),
    "ports elsewhere": ("ports: [80]\n    container: {command: [c]}", "kubernetes", Update.ROLLING),
    "a gpu": (
        "container: {command: [c], resources: {limits: {nvidia.com/gpu: 1}}}",
        "kubernetes",
        Update.RECREATE,
    ),
}


@pytest.mark.parametrize(("rest", "backend", "expected"), UPDATES.values(), ids=UPDATES)
def test_how_a_service_is_replaced(rest, backend, expected):
    assert service(rest, CompileConfig("p", backend=backend)).update is expected
    settings = {".plumbline.yaml": "defaults: {update: recreate}\npolicies: [{match: a.yaml, update: rolling}]\n"}
    assert service(rest, CompileConfig("p", backend=backend), **settings).update is Update.ROLLING


# Refused


def test_without_a_command_the_local_backend_refuses():
    found = root(OP + "component:\n  run: {kind: job, container: {image: python:3}}\n")

    assert found.refused == "the local backend needs a command; image python:3 cannot be run without one"
    assert (
        root(OP + "component:\n  run: {kind: job, container: {image: i}}\n", CompileConfig("p", backend="k")).refused
        == ""
    )


def test_one_refused_operation_refuses_its_dag():
    found = root(
        OP
        + "component: {run: {kind: dag, operations: [{name: a, component: {run: {kind: job, container: {command: [c]}}}}, "
        "{name: b, component: {run: {kind: job, container: {image: x}}}}]}}\n"
    )

    assert found.refused == found.body.nodes[1].operation.refused != ""


def test_another_backend_is_refused():
    files = {".plumbline.yaml": "defaults: {backend: gpus}\n"}

    assert root(OP + "component:\n" + JOB, **files).refused == "there is no backend 'gpus' here; there is 'local'"


# DAGs

GRAPH = OP + """\
params: {q: 5}
component:
  inputs: [{name: q, type: int}, {name: s, isOptional: true}]
  run:
    kind: dag
    concurrency: "{{ q }}"
    components:
    - {name: step, inputs: [{name: x, type: int, value: 1}, {name: y, isOptional: true}], outputs: [{name: o, type: int}], run: {kind: job, container: {command: ["{{ x }}"]}}}
    operations:
    - {name: last, dagRef: step, dependencies: [inner, first], params: {x: {ref: ops.second, value: outputs.o}}}
    - {name: second, dagRef: step, params: {x: {ref: ops.first, value: "{{ inputs.x }}"}, y: {ref: ops.first, value: outputs}}}
    - {name: first, dagRef: step, params: {x: {ref: dag, value: inputs.q}, y: {ref: dag, value: inputs.s}}}
    - name: inner
      params: {z: {ref: ops.second, value: outputs.o}}
      component:
        inputs: [{name: z, type: int}]
        run:
          kind: dag
          operations:
          - name: deep
            params: {w: {ref: dag, value: inputs.z}, u: {ref: ops.side, value: globals.uuid, contextOnly: true}}
            component: {inputs: [{name: w, type: int}], run: {kind: job, container: {command: [c]}}}
          - {name: side, component: {run: {kind: job, container: {command: [c]}}}}
"""  # fmt: skip


def test_a_graph_is_ordered_and_its_references_are_places_from_the_root():
    body = root(GRAPH).body
    nodes = {node.operation.name: node for node in body.nodes}

    assert [(node.operation.name, node.upstream) for node in body.nodes] == [
        ("first", ()),
        ("second", ("first",)),
        ("inner", ("second",)),
        ("last", ("inner", "first", "second")),
    ]
    assert body.concurrency == 5
    assert nodes["first"].operation.body.params == {"x": 5}
    assert nodes["second"].operation.body.params == {"x": 5}
    assert nodes["second"].operation.body.references == {"y": Reference(("first",), ("outputs",))}
    assert nodes["last"].operation.body.references == {"x": Reference(("second",), ("outputs", "o"))}
    inner = nodes["inner"].operation.body
    assert isinstance(inner, Dag)
    assert [node.operation.name for node in inner.nodes] == ["side", "deep"]
    assert inner.nodes[1].operation.body.references == {
        "w": Reference(("second",), ("outputs", "o")),
        "u": Reference(("inner", "side"), ("globals", "uuid")),
    }


def test_ties_go_by_place_in_the_file():
    operations = ", ".join(
        f"{{name: {name}, component: {{run: {{kind: job, container: {{command: [c]}}}}}}}}" for name in "zbay"
    )
    found = root(OP + f"component: {{run: {{kind: dag, operations: [{operations}]}}}}\n")

    assert [node.operation.name for node in found.body.nodes] == list("zbay")


def test_what_waits_for_another_node_stays_text():
    text = (
        OP + "component: {run: {kind: dag, operations: [{name: a, component: {outputs: [{name: o}], run: {kind: job, "
        'container: {command: [c]}}}}, {name: b, params: {p: {ref: ops.a, value: outputs.o}, m: "x{{ p }}"}, component: {inputs: [{name: p}, '
        '{name: m}], run: {kind: job, container: {command: ["{{ p }}", "{{ m }}", "{{ params.as_args }}"]}}}}]}}\n'
    )
    leaf = root(text).body.nodes[1].operation.body

    assert leaf.gang.replicas[0].container.command == ("{{ p }}", "{{ m }}", "{{ params.as_args }}")
    assert leaf.templates == {"m": "x{{ p }}"}


# Schedules

BERLIN = "timezone: Europe/Berlin"
SCHEDULES = {
    "cron": (
        f"kind: cron, cron: '0 2 * * *', {BERLIN}, startAt: 2026-01-01, maxRuns: 3, dependsOnPast: true, missed: all",
        CronSchedule(
            cron="0 2 * * *",
            timezone="Europe/Berlin",
            start_at=datetime(2025, 12, 31, 23, tzinfo=UTC),
            max_runs=3,
            depends_on_past=True,
            missed="all",
        ),
    ),
    "interval": (
        "kind: interval, frequency: PT1H, jitter: 60, startDeadline: 600, concurrencyPolicy: forbid, endAt: 2026-01-01T00:00:00Z",
        IntervalSchedule(
            frequency=timedelta(hours=1),
            jitter=timedelta(minutes=1),
            start_deadline=timedelta(minutes=10),
            concurrency_policy="forbid",
            end_at=datetime(2026, 1, 1, tzinfo=UTC),
        ),
    ),
    "a time that a zone skips is the end of the gap": (
        f"kind: datetime, startAt: 2026-03-29T02:30:00, {BERLIN}",
        DatetimeSchedule(start_at=datetime(2026, 3, 29, 1, tzinfo=UTC), timezone="Europe/Berlin"),
    ),
    "a time that occurs twice is its first": (
        f"kind: datetime, startAt: 2026-10-25T02:30:00, {BERLIN}",
        DatetimeSchedule(start_at=datetime(2026, 10, 25, 0, 30, tzinfo=UTC), timezone="Europe/Berlin"),
    ),
}


@pytest.mark.parametrize(("text", "expected"), SCHEDULES.values(), ids=SCHEDULES)
def test_schedules(text, expected):
    assert root(f"{OP}schedule: {{{text}}}\ncomponent:\n{JOB}").schedule == expected
