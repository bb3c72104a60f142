"""Which change of a spec is a new generation, which is live, which is nothing (design: "Digests are a contract")."""

import json
from pathlib import Path

import pytest

from planner.changes import field_changes, flat_fields
from planner.compile import CompileConfig
from tests.planner.compile.trees import compiled, given

pytestmark = pytest.mark.unit

JOB = """\
version: 1.1
kind: operation
name: t
description: d
tags: [x]
queue: q
termination: {maxRetries: 1, timeout: 60}
params: {lr: 0.1}
schedule: {kind: cron, cron: '0 0 * * *'}
component:
  inputs: [{name: lr, type: float, validation: {gt: 0}}]
  outputs: [{name: loss, type: float}]
  run:
    kind: job
    environment: {labels: {team: a}}
    init: [{git: {paths: [src]}}]
    container:
      name: n
      image: i
      command: [c]
      args: ["{{ globals.uuid }}"]
      env: {A: b}
      resources: {limits: {cpu: 1}}
"""
SERVICE = """\
version: 1.1
kind: operation
name: t
component:
  run:
    kind: service
    ports: [80]
    replicas: 1
    container: {command: [c], readinessProbe: {httpGet: {port: 80}}}
"""
DAG = """\
version: 1.1
kind: operation
name: t
component:
  inputs: [{name: q, value: 1}]
  run:
    kind: dag
    concurrency: 2
    operations:
    - {name: a, component: {outputs: [{name: o}], run: {kind: job, container: {command: [c]}}}}
    - {name: b, component: {run: {kind: job, container: {command: [c]}}}}
    - {name: c, dependencies: [a], params: {x: {ref: ops.a, value: outputs.o}}, component: {inputs: [{name: x}], run: {kind: job, container: {command: ["{{ x }}"]}}}}
"""  # fmt: skip  # noqa: E501 - one operation, one line

IDENTITY, LIVE, INERT = "identity", "live", "inert"
CHANGES = {
    "image": (JOB, "image: i", "image: j", IDENTITY),
    "command": (JOB, "[c]", "[d]", IDENTITY),
    "args": (JOB, "globals.uuid", "globals.name", IDENTITY),
    "env": (JOB, "A: b", "A: c", IDENTITY),
    "resources": (JOB, "cpu: 1", "cpu: 2", IDENTITY),
    "a param": (JOB, "lr: 0.1", "lr: 0.2", IDENTITY),
    "a param in another spelling": (JOB, "lr: 0.1", "lr: '1e-1'", INERT),
    "the type of an input": (JOB, "lr, type: float", "lr, type: any", IDENTITY),
    "an output": (JOB, "name: loss", "name: los", IDENTITY),
    "code": (JOB, "[src]", "[src/a.py]", IDENTITY),
    "kind": (JOB, "kind: job", "kind: service", IDENTITY),
    "maxRetries": (JOB, "maxRetries: 1", "maxRetries: 2", LIVE),
    "timeout": (JOB, "timeout: 60", "timeout: 61", LIVE),
    "queue": (JOB, "queue: q", "queue: r", LIVE),
    "schedule": (JOB, "'0 0 * * *'", "'0 1 * * *'", LIVE),
    "labels": (JOB, "team: a", "team: b", LIVE),
    "description": (JOB, "description: d", "description: e", INERT),
    "tags": (JOB, "[x]", "[y]", INERT),
    "a comment": (JOB, "name: t", "name: t # c", INERT),
    "the order of keys": (JOB, "{maxRetries: 1, timeout: 60}", "{timeout: 60, maxRetries: 1}", INERT),
    "the name of the container": (JOB, "name: n", "name: m", INERT),
    "validation": (JOB, "gt: 0", "gt: 0.01", INERT),
    "the spelling of a field": (JOB, "maxRetries", "max_retries", INERT),
    "the name of the operation": (JOB, "name: t", "name: u", INERT),
    "ports": (SERVICE, "80", "81", IDENTITY),
    "replicas": (SERVICE, "replicas: 1", "replicas: 2", IDENTITY),
    "replicas as by default": (SERVICE, "    replicas: 1\n", "", INERT),
    "probe": (SERVICE, "{port: 80}", "{port: 80, path: /x}", IDENTITY),
    "a node's command": (DAG, "[c]}}}}\n    - {name: b", "[d]}}}}\n    - {name: b", IDENTITY),
    "a node's name": (DAG, "name: b", "name: bb", IDENTITY),
    "an edge": (DAG, "dependencies: [a]", "dependencies: [a, b]", IDENTITY),
    "an edge that a param makes already": (DAG, "dependencies: [a], ", "", INERT),
    "a value of the DAG": (DAG, "value: 1", "value: 2", IDENTITY),
    "concurrency": (DAG, "concurrency: 2", "concurrency: 3", LIVE),
}


def root(text, **rest):
    return next(iter(compiled({"a.yaml": text, "src/a.py": "a"}, **rest).roots.values()))


@pytest.mark.parametrize(("text", "old", "new", "means"), CHANGES.values(), ids=CHANGES)
def test_what_a_change_means(text, old, new, means):
    assert old in text
    before, after = root(text), root(text.replace(old, new))
    moved = {change.pointer for change in field_changes(before, after)}

    assert (before.digest != after.digest) is (means == IDENTITY)
    if means != IDENTITY:
        assert (before.live != after.live) is (means == LIVE)
    assert bool(moved) is (means != INERT)


def test_the_form_covers_what_nothing_else_does():
    before = root(JOB)

    assert before.form != root(JOB.replace("description: d", "description: e")).form
    assert before.form != root("# moves every place\n" + JOB).form
    assert before == root(JOB)


def test_the_order_of_independent_operations_is_no_identity():
    lines = DAG.splitlines(keepends=True)
    swapped = "".join([*lines[:-3], lines[-2], lines[-3], lines[-1]])

    assert root(DAG).digest == root(swapped).digest
    assert root(DAG).form != root(swapped).form


def test_on_commit_the_commit_joins_the_digest():
    files = {"a.yaml": SERVICE, ".plumbline.yaml": "defaults: {runPolicy: on-commit}\n"}
    one, two = (compiled(files, commit=letter * 40).roots["t"] for letter in "ab")

    assert one.digest != two.digest
    assert root(SERVICE, commit="a" * 40).digest == root(SERVICE, commit="b" * 40).digest


def test_policies_are_live():
    one = compiled({"a.yaml": SERVICE}).roots["t"]
    two = compiled({"a.yaml": SERVICE, ".plumbline.yaml": "defaults: {update: rolling, selfHeal: false}\n"}).roots["t"]

    assert one.digest == two.digest
    assert [change.pointer for change in field_changes(one, two)] == ["/policy/selfHeal", "/update"]


def test_fields_tell_by_pointer_what_a_spec_says():
    fields = flat_fields(root(JOB))

    assert fields["/params/lr"] == 0.1
    assert fields["/container/args/0"] == "{{ globals.uuid }}"
    assert fields["/code/src"] == given({"src/a.py": "a"}).entries["src"].id
    assert fields["/schedule/cron"] == "0 0 * * *"
    assert fields["/termination/maxRetries"] == 1
    assert not [pointer for pointer in fields if "description" in pointer or "tags" in pointer]


# The contract: these digests were given out, and stay what they are.

CORPUS = Path(__file__).parents[2] / "golden" / "digests"
CONTRACT = json.loads((CORPUS / "digests.json").read_text())


def corpus(name):
    files = {
        "spec.yaml": (CORPUS / f"{name}.yaml").read_text(),
        "src/a.py": "a\n",
        "src/b/c.txt": "c\n",
        "run.sh": "x\n",
    }
    return compiled(files, CompileConfig("golden"))


@pytest.mark.parametrize("name", sorted(path.stem for path in CORPUS.glob("*.yaml")))
def test_digests_are_a_contract(name):
    assert {root.name: root.digest for root in corpus(name).roots.values()} == CONTRACT[name]
