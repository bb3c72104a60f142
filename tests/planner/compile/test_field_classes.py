"""The table of fields holds: a change of one field alone moves what its class says, and nothing else.

One row a line of `planner.spec.fields.FIELDS`: a document, where the field is, and another value for it.
"""

import copy
import json

import pytest

from planner.changes import flat_fields
from planner.spec.fields import FIELDS, FieldClass
from planner.spec.places import snake
from tests.planner.compile.field_rows import io, operation, runs
from tests.planner.compile.trees import compiled

pytestmark = pytest.mark.unit

RUN = {"kind": "job", "container": {"image": "i", "command": ["c"]}}
INPUTS = [
    {"name": "x", "value": 1},
    {"name": "word", "value": "a"},
    {"name": "many", "value": [1]},
    {"name": "flag", "type": "bool", "value": True},
    {"name": "map", "value": {"k": 1}},
]
TOP = {"version": 1.1, "kind": "operation", "name": "t"}
LIBRARY = {"version": 1.1, "kind": "component", "run": RUN}
OTHER = {"kind": "job", "container": {"image": "i", "command": ["other"]}}


def document(run=RUN, **top):
    return {**TOP, **top, "component": {"inputs": INPUTS, "run": run}}


def at(base, where, value):
    """A copy of `base` with another value at a path of keys and indexes."""
    made = copy.deepcopy(base)
    *path, last = (int(part) if part.isdigit() else part for part in where.split("/"))
    holder = made
    for part in path:
        holder = holder[part]
    holder[last] = value
    return made


def node(name, **more):
    return {"name": name, "component": {"outputs": [{"name": "o"}], "run": RUN}, **more}


JOB = document()
INIT = document({**RUN, "init": [{"git": {"paths": ["src"]}}]})
ENV = document({**RUN, "container": {**RUN["container"], "env": [{"name": "A", "value": "b"}]}})
RESOURCES = document({**RUN, "container": {**RUN["container"], "resources": {}}})
SERVICE = document({**RUN, "kind": "service"})


def probed(probe):
    return document(
        {**RUN, "kind": "service", "ports": [80, 81], "container": {**RUN["container"], "readinessProbe": probe}}
    )


HTTP, TCP, EXEC = {"httpGet": {"port": 80}}, {"tcpSocket": {"port": 80}}, {"exec": {"command": ["x"]}}
READER = node("c", params={"p": {"ref": "ops.a", "value": "outputs.o"}})
READER["component"] = {"inputs": [{"name": "p"}], "run": RUN}
DAG = document({"kind": "dag", "operations": [node("a"), node("b"), READER]})
NAMED = {
    "kind": "dag",
    "operations": [{"name": "a", "dagRef": "k"}],
    "components": [{"name": "k", "run": RUN}, {"name": "l", "run": RUN}],
}
CRON = document(schedule={"kind": "cron", "cron": "0 0 * * *"})
INTERVAL = document(schedule={"kind": "interval", "frequency": 60})
DATETIME = document(schedule={"kind": "datetime", "startAt": "2030-01-01T00:00:00Z"})
TIMING = {
    "timezone": "Europe/Berlin",
    "missed": "all",
    "start_deadline": 60,
    "concurrency_policy": "forbid",
    "jitter": 5,
    "startAt": "2030-01-02T00:00:00Z",
}
ENDING = {"end_at": "2031-01-01T00:00:00Z", "max_runs": 3, "depends_on_past": True}
CHECKS = {
    "delay": (0, True),
    **{name: (0, value) for name, value in {"gt": 0, "ge": 1, "lt": 2, "le": 1, "multiple_of": 1}.items()},
    **{name: (0, value) for name, value in {"min_digits": 1, "max_digits": 2, "decimal_places": 1}.items()},
    "options": (0, [1, 2]),
    **{name: (1, value) for name, value in {"regex": "a", "min_length": 1, "max_length": 2}.items()},
    **{name: (1, value) for name, value in {"contains": "a", "excludes": "z"}.items()},
    **{name: (2, value) for name, value in {"min_items": 1, "max_items": 2}.items()},
    **{name: (4, value) for name, value in {"keys": ["k"], "contains_keys": ["k"], "excludes_keys": ["z"]}.items()},
}
CONSTANT = {
    "Operation.kind": (JOB, "kind", "component"),
    "Component.kind": (JOB, "component/kind", "operation"),
}
"""Fields with one value only: another one is a problem."""

ROWS = {
    "Operation.name": (DAG, "component/run/operations/1/name", "other"),
    "Operation.params": (JOB, "params", {"x": 2}),
    "Operation.dependencies": (DAG, "component/run/operations/1/dependencies", ["a"]),
    "Operation.component": (JOB, "component", {"run": OTHER}),
    "Operation.queue": (JOB, "queue", "q"),
    "Operation.termination": (JOB, "termination", {"maxRetries": 1}),
    "Operation.schedule": (JOB, "schedule", {"kind": "interval", "frequency": 60}),
    "Operation.version": (JOB, "version", "1.1"),
    "Operation.description": (JOB, "description", "d"),
    "Operation.tags": (JOB, "tags", ["a"]),
    "Operation.dag_ref": (document(NAMED), "component/run/operations/0/dagRef", "l"),
    "Operation.path_ref": ({**TOP, "pathRef": "c.json"}, "pathRef", "d.json"),
    "Component.inputs": (JOB, "component/inputs", INPUTS[:-1]),
    "Component.outputs": (JOB, "component/outputs", [{"name": "o"}]),
    "Component.run": (JOB, "component/run", OTHER),
    "Component.queue": (JOB, "component/queue", "q"),
    "Component.termination": (JOB, "component/termination", {"maxRetries": 1}),
    "Component.version": (JOB, "component/version", 1.1),
    "Component.name": (JOB, "component/name", "n"),
    "Component.description": (JOB, "component/description", "d"),
    "Component.tags": (JOB, "component/tags", ["a"]),
    "IO.name": (JOB, "component/inputs/0/name", "y"),
    "IO.type": (JOB, "component/inputs/0/type", "int"),
    "IO.is_list": (JOB, "component/inputs/2/isList", True),
    "IO.is_flag": (JOB, "component/inputs/3/isFlag", True),
    "IO.value": (JOB, "component/inputs/0/value", 2),
    "IO.arg_format": (JOB, "component/inputs/0/argFormat", "-x {{ x }}"),
    "IO.description": (JOB, "component/inputs/0/description", "d"),
    "IO.is_optional": (JOB, "component/inputs/0/isOptional", True),
    "IO.validation": (JOB, "component/inputs/0/validation", {"gt": 0}),
    "IO.delay_validation": (JOB, "component/inputs/0/delayValidation", True),
    "IO.options": (JOB, "component/inputs/0/options", [1, 2]),
    **{f"Validation.{name}": (JOB, f"component/inputs/{i}/validation", {name: v}) for name, (i, v) in CHECKS.items()},
    "Param.value": ({**JOB, "params": {"x": {"value": 3}}}, "params/x/value", 4),
    "Param.ref": (DAG, "component/run/operations/2/params/p/ref", "ops.b"),
    "Param.context_only": (JOB, "params", {"more": {"value": 1, "contextOnly": True}}),
    "Termination.max_retries": ({**JOB, "termination": {}}, "termination/maxRetries", 1),
    "Termination.timeout": ({**JOB, "termination": {}}, "termination/timeout", 60),
    "CronSchedule.kind": (CRON, "schedule", INTERVAL["schedule"]),
    "CronSchedule.max_catch_up": (at(CRON, "schedule/missed", "all"), "schedule/maxCatchUp", 3),
    "CronSchedule.cron": (CRON, "schedule/cron", "0 1 * * *"),
    **{f"CronSchedule.{snake(name)}": (CRON, f"schedule/{name}", v) for name, v in (TIMING | ENDING).items()},
    "IntervalSchedule.kind": (INTERVAL, "schedule", CRON["schedule"]),
    "IntervalSchedule.max_catch_up": (at(INTERVAL, "schedule/missed", "all"), "schedule/maxCatchUp", 3),
    "IntervalSchedule.frequency": (INTERVAL, "schedule/frequency", 61),
    **{f"IntervalSchedule.{snake(name)}": (INTERVAL, f"schedule/{name}", v) for name, v in (TIMING | ENDING).items()},
    "DatetimeSchedule.max_catch_up": (DATETIME, "schedule/maxCatchUp", 3),
    "DatetimeSchedule.kind": (DATETIME, "schedule", CRON["schedule"]),
    **{f"DatetimeSchedule.{snake(name)}": (DATETIME, f"schedule/{name}", v) for name, v in TIMING.items()},
    "Job.kind": (JOB, "component/run/kind", "service"),
    "Job.init": (JOB, "component/run/init", [{"git": {"paths": ["src"]}}]),
    "Job.container": (JOB, "component/run/container", OTHER["container"]),
    "Job.environment": (JOB, "component/run/environment", {"labels": {"a": "b"}}),
    "Service.kind": (SERVICE, "component/run/kind", "job"),
    "Service.init": (SERVICE, "component/run/init", [{"git": {"paths": ["src"]}}]),
    "Service.container": (SERVICE, "component/run/container", OTHER["container"]),
    "Service.environment": (SERVICE, "component/run/environment", {"annotations": {"a": "b"}}),
    "Service.ports": (SERVICE, "component/run/ports", [80]),
    "Service.replicas": (SERVICE, "component/run/replicas", 2),
    "Service.is_external": (SERVICE, "component/run/isExternal", True),
    "Service.rewrite_path": (SERVICE, "component/run/rewritePath", "{{ flag }}"),
    "Dag.kind": (DAG, "component/run", RUN),
    "Dag.operations": (DAG, "component/run/operations", [node("a")]),
    "Dag.environment": (DAG, "component/run/environment", {"annotations": {"a": "b"}}),
    "Dag.concurrency": (DAG, "component/run/concurrency", 2),
    "Dag.components": (DAG, "component/run/components", [{"name": "k", "run": RUN}]),
    "Environment.labels": (JOB, "component/run/environment", {"labels": {"a": "{{ word }}"}}),
    "Environment.annotations": (JOB, "component/run/environment", {"annotations": {"a": "{{ word }}"}}),
    "InitEntry.git": (INIT, "component/run/init/0/git", {"paths": ["lib"]}),
    "InitEntry.path": (INIT, "component/run/init/0/path", "there"),
    "GitInit.paths": (INIT, "component/run/init/0/git/paths", ["lib"]),
    "Container.image": (JOB, "component/run/container/image", "j"),
    "Container.command": (JOB, "component/run/container/command", ["d"]),
    "Container.args": (JOB, "component/run/container/args", ["a"]),
    "Container.env": (JOB, "component/run/container/env", {"A": "b"}),
    "Container.working_dir": (JOB, "component/run/container/workingDir", "src"),
    "Container.resources": (JOB, "component/run/container/resources", {"requests": {"cpu": 1}}),
    "Container.readiness_probe": (SERVICE, "component/run/container/readinessProbe", EXEC),
    "Container.name": (JOB, "component/run/container/name", "n"),
    "EnvVar.name": (ENV, "component/run/container/env/0/name", "B"),
    "EnvVar.value": (ENV, "component/run/container/env/0/value", "c"),
    "Resources.requests": (RESOURCES, "component/run/container/resources/requests", {"cpu": 1}),
    "Resources.limits": (RESOURCES, "component/run/container/resources/limits", {"cpu": 1}),
    "ReadinessProbe.http_get": (probed(EXEC), "component/run/container/readinessProbe", HTTP),
    "ReadinessProbe.tcp_socket": (probed(HTTP), "component/run/container/readinessProbe", TCP),
    "ReadinessProbe.exec": (probed(TCP), "component/run/container/readinessProbe", EXEC),
    **{
        f"ReadinessProbe.{name}": (probed(TCP), f"component/run/container/readinessProbe/{name}", 7)
        for name in ("period_seconds", "timeout_seconds", "failure_threshold", "initial_delay_seconds")
    },
    "HttpGetAction.path": (probed(HTTP), "component/run/container/readinessProbe/httpGet/path", "/x"),
    "HttpGetAction.port": (probed(HTTP), "component/run/container/readinessProbe/httpGet/port", 81),
    "TcpSocketAction.port": (probed(TCP), "component/run/container/readinessProbe/tcpSocket/port", 81),
    "ExecAction.command": (probed(EXEC), "component/run/container/readinessProbe/exec/command", ["y"]),
    **io.ROWS,
    **operation.ROWS,
    **runs.ROWS,
}  # fmt: skip
REFUSED = {
    "DatetimeSchedule.max_catch_up": "PL-209",  # one tick has nothing to catch up with
    "HookParam.context_only": "PL-209",  # of an input that its component declares
    "HookParam.ref": "PL-304",  # a hook stands in no DAG
}
"""Fields that are known and never taken, with what is said of them."""

LINES = {f"{section}.{name}": group for section, names in FIELDS.items() for name, group in names.items()}


def desired(value):
    preset = {**TOP, "name": "fast", "isPreset": True}
    library = {"c.json": json.dumps(LIBRARY), "d.json": json.dumps(LIBRARY), "fast.json": json.dumps(preset)}
    return compiled(
        {"a.json": json.dumps(value), "src/a.py": "a", "lib/b.py": "b", **library}, outside=operation.FROM_OUTSIDE
    )


def root(value):
    state = desired(value)
    assert not state.bad_files, state.problems
    return state.roots["t"]


def test_every_line_of_the_table_has_a_row():
    assert ROWS.keys() | CONSTANT.keys() == LINES.keys()


@pytest.mark.parametrize("line", ROWS)
def test_a_change_of_one_field_moves_what_its_class_says(line):
    base, where, value = ROWS[line]
    changed = at(base, where, value)
    assert changed != base
    if line in REFUSED:
        assert [problem.code for problem in desired(changed).problems] == [REFUSED[line]]
        return
    before, after = root(base), root(changed)

    assert (before.digest != after.digest) is (LINES[line] is FieldClass.IDENTITY)
    if LINES[line] is not FieldClass.IDENTITY:
        assert (before.live != after.live) is (LINES[line] is FieldClass.LIVE)
    if LINES[line] is not FieldClass.INERT:
        assert before.form != after.form
        assert before.fields != after.fields


@pytest.mark.parametrize(("base", "where", "value"), CONSTANT.values(), ids=CONSTANT)
def test_a_field_with_one_value_takes_no_other(base, where, value):
    assert desired(at(base, where, value)).bad_files == {"a.json"}


def test_a_limit_beside_a_request_is_live():
    base = at(RESOURCES, "component/run/container/resources", {"requests": {"cpu": 1}})
    one, two = (root(at(base, "component/run/container/resources/limits", {"cpu": cpu})) for cpu in (2, 3))

    assert one.digest == two.digest == root(base).digest
    assert len({root(base).live, one.live, two.live}) == 3
    assert flat_fields(one)["/limits/main/cpu"] == "2"
    assert one.body.gang.replicas[0].container.limits == {"cpu": "2"}
    assert one.body.gang.requests == {"cpu": 1}


@pytest.mark.parametrize("name", ["isExternal", "rewritePath"])
def test_a_service_says_how_it_is_reached(name):
    said = [root(at(SERVICE, f"component/run/{name}", value)) for value in (True, "{{ flag }}", False, "{{ x == 2 }}")]

    assert said[0].digest == said[1].digest
    assert said[2].digest == said[3].digest == root(SERVICE).digest
    wrong = desired(at(SERVICE, f"component/run/{name}", "{{ many }}"))
    assert [(problem.code, problem.pointer) for problem in wrong.problems] == [("PL-203", f"/component/run/{name}")]


def test_annotations_of_a_dag_reach_its_operations():
    made = root(at(DAG, "component/run/environment", {"annotations": {"a": "b"}, "labels": {"c": "d"}}))
    gangs = [one.operation.body.gang for one in made.body.nodes]

    assert [(gang.annotations, gang.labels) for gang in gangs] == [({"a": "b"}, {"c": "d"})] * 3


def test_an_annotation_with_a_bad_template_is_said_where_it_is_written():
    wrong = desired(at(JOB, "component/run/environment", {"annotations": {"a": "{{ nope }}"}}))

    assert [(p.code, p.pointer) for p in wrong.problems] == [("PL-405", "/component/run/environment/annotations/a")]


def test_a_limit_beside_a_request_is_an_amount():
    resources = {"requests": {"cpu": 1}, "limits": {"cpu": "{{ word }}"}}
    wrong = desired(at(JOB, "component/run/container/resources", resources))

    assert [(p.code, p.pointer) for p in wrong.problems] == [
        ("PL-204", "/component/run/container/resources/limits/cpu")
    ]
