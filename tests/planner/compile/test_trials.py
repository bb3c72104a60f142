"""What each run of a sweep is given, where a value must be known before a run starts: it waits for that run."""

import pytest

from planner.model.desired import Sweep
from tests.planner.compile.trees import compiled

pytestmark = pytest.mark.unit

OP = "version: 1.1\nkind: operation\nname: t\n"
MATRIX = "matrix: {kind: mapping, values: [{n: 1}, {n: 2}]}\n"
JOINS = "joins: [{query: 'status: succeeded', params: {n: {value: outputs.x}}}]\n"
BOTH = [
    pytest.param(MATRIX, "int", "", id="matrix"),
    pytest.param(JOINS, "List[int]", "`termination` cannot wait for what joins find", id="joins"),
]
JOB = "run: {kind: job, container: {command: [c]}}"
TFJOB = "{kind: tfjob, worker: {replicas: '{{ n }}', container: {command: [c]}}}"


DERIVED = "{name: m, value: '{{ n * 2 }}'}, {name: k, value: '{{ m + 1 }}'}"


def written(component, before=MATRIX, kind="int"):
    return f"{OP}{before}component:\n  inputs: [{{name: n, type: '{kind}'}}, {DERIVED}]\n  {component}\n"


def said(text):
    return [f"{one.code} {one.pointer}" for one in compiled({"a.yaml": text}).problems if one.severity == "error"]


def root(text):
    desired = compiled({"a.yaml": text})
    assert [one for one in desired.problems if one.severity == "error"] == []
    return desired.roots["t"]


def run(found):
    """What it runs; of a sweep, what each of its trials does."""
    return found.body.trial.body if isinstance(found.body, Sweep) else found.body


@pytest.mark.parametrize(("before", "kind", "refused"), BOTH)
def test_a_time_limit_and_retries_wait_for_their_run(before, kind, refused):
    termination = "termination: {timeout: '{{ n }}', maxRetries: '{{ n | length }}', ttl: 4}"
    found = root(written(f"{termination}\n  {JOB}", before, kind))

    assert found.sections["termination"] == {"timeout": "{{ n }}", "maxRetries": "{{ n | length }}", "ttl": 4}
    assert (run(found).termination.timeout, run(found).termination.max_retries) == (None, 0)
    assert found.refused.startswith(refused)


def test_what_is_known_is_not_left():
    found = root(written(f"termination: {{timeout: '{{{{ n }}}}', maxRetries: '{{{{ 1 + 1 }}}}'}}\n  {JOB}"))

    assert found.sections["termination"] == {"timeout": "{{ n }}"}
    assert run(found).termination.max_retries == 2


def test_values_that_are_built_on_it_wait_as_well():
    found = root(written(f"termination: {{timeout: '{{{{ k }}}}'}}\n  {JOB}"))

    assert found.sections["termination"] == {"timeout": "{{ k }}"}


def test_other_templates_count_for_the_digest_of_live_fields():
    one, other = (root(written(f"termination: {{timeout: '{{{{ {name} }}}}'}}\n  {JOB}")) for name in "nm")

    assert one.digest == other.digest
    assert one.live != other.live


WAITING = {
    "cache": ("cache: '{{ n }}'\n  " + JOB, lambda found: found.sections["cache"], "{{ n }}"),
    "termination": ("termination: '{{ n }}'\n  " + JOB, lambda found: found.sections["termination"], "{{ n }}"),
    "queue": ("queue: '{{ n }}'\n  " + JOB, lambda found: found.sections["component"], {"queue": "{{ n }}"}),
    "an amount": (
        "run: {kind: job, container: {command: [c], resources: {requests: {cpu: '{{ n }}'}}}}",
        lambda found: run(found).gang.replicas[0].container.resources,
        {"cpu": "{{ n }}"},
    ),
    "replicas of a group": (
        f"run: {TFJOB}",
        lambda found: run(found).gang.replicas[0].pod,
        {"replicas": "{{ n }}"},
    ),
    "a service": (
        (
            "run: {kind: service, ports: '{{ [n] }}', replicas: '{{ n }}', isExternal: '{{ n }}', "
            "rewritePath: '{{ n }}', container: {command: [c]}}"
        ),
        lambda found: run(found).gang.options,
        {"ports": "{{ [n] }}", "replicas": "{{ n }}", "isExternal": "{{ n }}", "rewritePath": "{{ n }}"},
    ),
    "a probe": (
        (
            "run: {kind: service, ports: [80], container: {command: [c], readinessProbe: {httpGet: {port: 80}, "
            "periodSeconds: '{{ n }}'}}}"
        ),
        lambda found: run(found).gang.options,
        {"container": {"readinessProbe": {"httpGet": {"port": 80}, "periodSeconds": "{{ n }}"}}},
    ),
    "a port of a probe": (
        (
            "run: {kind: service, container: {command: [c], ports: [{containerPort: '{{ n }}'}], readinessProbe: "
            "{httpGet: {port: '{{ n }}'}}}}"
        ),
        lambda found: run(found).gang.options,
        {"container": {"readinessProbe": {"httpGet": {"port": "{{ n }}"}}}},
    ),
}


@pytest.mark.parametrize(("component", "place", "expected"), WAITING.values(), ids=WAITING)
def test_what_must_be_known_before_a_run_waits_for_the_runs_of_a_sweep(component, place, expected):
    assert place(root(written(component))) == expected


def test_a_queue_that_waits_is_kept_beside_the_one_of_the_settings():
    files = {".plumbline.yaml": "defaults: {queue: fast}\n", "a.yaml": written(f"queue: '{{{{ n }}}}'\n  {JOB}")}
    found = compiled(files).roots["t"]

    assert (run(found).queue, found.sections["component"]) == ("fast", {"queue": "{{ n }}"})


@pytest.mark.parametrize("component", [one for one, _, _ in WAITING.values()], ids=WAITING)
def test_it_is_looked_at_as_a_template(component):
    (found,) = {one.partition(" ")[0] for one in said(written(component.replace("{{ n", "{{ nope")))}

    assert found == "PL-405"


@pytest.mark.parametrize("text", ["{{ n }}-{{ globals.uuid }}", "{{ globals.uuid }}"])
def test_what_only_a_run_knows_is_a_problem_in_a_sweep_too(text):
    found = compiled({"a.yaml": written(f"termination: {{timeout: '{text}'}}\n  {JOB}")}).problems

    assert [(one.code, one.message) for one in found] == [
        ("PL-406", "this must be known before the run starts; it needs globals.uuid")
    ]


def test_a_schedule_is_around_its_sweep():
    schedule = "schedule: {kind: interval, frequency: '{{ n }}'}\n"
    found = compiled({"a.yaml": written(JOB, MATRIX + schedule)}).problems

    assert [(one.code, one.pointer, one.message) for one in found] == [
        ("PL-406", "/schedule/frequency", "this must be known before the run starts; it needs params.n")
    ]


# A sweep over a DAG

CHILD = "{name: a, component: {%srun: {kind: job, container: {command: [c]}}}}"


def dag(fields="", before="", child=CHILD % ""):
    return written(f"{before}run: {{kind: dag, {fields}operations: [{child}]}}")


def only(found):
    return run(found).nodes[0].operation


def test_a_dag_hands_down_what_it_knows_and_keeps_the_rest():
    found = root(dag(before="termination: {timeout: '{{ n }}', maxRetries: 3}\n  queue: '{{ n }}'\n  "))

    assert (only(found).body.termination.timeout, only(found).body.termination.max_retries) == (None, 3)
    assert found.sections["termination"] == {"timeout": "{{ n }}"}
    assert found.sections["component"] == {"queue": "{{ n }}"}


def test_an_environment_that_waits_is_not_read_with_the_inputs_of_the_operations():
    found = root(dag("environment: {labels: {a: '{{ n }}'}, nodeSelector: {x: y}}, "))

    assert only(found).body.gang.labels == {}
    assert only(found).body.gang.replicas[0].pod == {"environment": {"nodeSelector": {"x": "y"}}}
    left = found.sections["component"]["run"]["environment"]
    assert left == {"labels": {"a": "{{ n }}"}, "nodeSelector": {"x": "y"}}


def test_concurrency_and_early_stopping_wait():
    rule = "{kind: metric_early_stopping, metric: loss, value: '{{ n }}', optimization: minimize}"
    found = root(dag(f"concurrency: '{{{{ n }}}}', earlyStopping: [{rule}], "))

    assert run(found).concurrency is None
    assert found.sections["component"] == {"run": {"kind": "dag", "concurrency": "{{ n }}"}}
    assert run(found).early_stopping[0]["value"] == "{{ n }}"


def test_an_operation_of_the_dag_may_be_given_it():
    component = "inputs: [{name: i, type: int}], termination: {timeout: '{{ i }}'}, "
    child = (CHILD % component).replace("component", "params: {i: {ref: dag, value: inputs.n}}, component", 1)
    found = root(dag(child=child))

    assert only(found).sections["termination"] == {"timeout": "{{ i }}"}
    assert found.refused.startswith("values of a sweep or a join are not handed to operations of a DAG")


def test_limits_inside_a_dag_are_those_of_all_trials():
    component = "inputs: [{name: i, type: int}], termination: {timeout: '{{ i }}'}, "
    child = (CHILD % component).replace("component", "params: {i: {ref: dag, value: inputs.n}}, component", 1)
    found = root(dag(child=child).replace(f", {DERIVED}", ""))

    assert found.refused == "the limits of a are the same in all trials of a sweep over a DAG"


@pytest.mark.parametrize(
    ("component", "reason"),
    [
        ("termination: '{{ n }}'\n  " + JOB, "what differs from trial to trial must be written field by field"),
        ("cache: '{{ n }}'\n  " + JOB, "what the cache compares must be known when it is read"),
        ("run: {kind: service, container: {command: [c]}}", "a service never ends, so no sweep would"),
    ],
)
def test_what_no_trial_can_have_its_own_of_refuses_the_sweep(component, reason):
    assert root(written(component)).refused.startswith(reason)
