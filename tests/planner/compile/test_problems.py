"""Every rule that can be broken: one file or two that break it, and where the problem is said."""

# Specs stand on one line where their columns are what is tested.
# ruff: noqa: E501

import re
from pathlib import Path

import pytest

import planner
from planner import codes
from planner.compile import CompileConfig
from tests.planner.compile.trees import compiled

pytestmark = pytest.mark.unit

OP = "version: 1.1\nkind: operation\nname: t\n"
RUN = "  run: {kind: job, container: {image: i, command: [c]}}\n"
IN = "component:\n  inputs: [INPUTS]\n" + RUN


def op(rest, inputs=""):
    return OP + rest + IN.replace("INPUTS", inputs)


def run(text, before=""):
    return f"{OP}{before}component:\n  inputs: [{{name: x, value: 1}}]\n  run:\n{text}"


def dag(operations, inputs="", before=""):
    return f"{OP}{before}component:\n  inputs: [{inputs}]\n  run:\n    kind: dag\n    operations:\n{operations}"


A = "    - {name: a, component: {inputs: [{name: i, type: int, value: 1}], outputs: [{name: o, type: int}, {name: l, type: int, isList: true}], run: {kind: job, container: {command: [c]}}}}\n"
B = "    - {name: b, params: {PARAMS}, component: {inputs: [{name: p, type: int, isOptional: true}], run: {kind: job, container: {command: [c]}}}}\n"
N = "    - {name: n, component: {run: {kind: dag, operations: [{name: m, component: {run: {kind: job, container: {command: [c]}}}}]}}}\n"


def b(params):
    return B.replace("PARAMS", params)


CASES = {
    # references
    "pathRef to nothing": (OP + "pathRef: ./x.yaml\n", ["PL-302 a.yaml:4:10 /pathRef"]),
    "pathRef out of the repository": (OP + "pathRef: ../../x.yaml\n", ["PL-302 a.yaml:4:10 /pathRef"]),
    "dagRef outside of a DAG": (OP + "dagRef: x\n", ["PL-302 a.yaml:4:9 /dagRef"]),
    "dagRef to nothing": (
        dag(
            "    - {name: a, dagRef: trian}\n    components: [{name: train, run: {kind: job, container: {command: [c]}}}]\n"
        ),
        [
            "PL-302 a.yaml:9:25 /component/run/operations/0/dagRef",
            "PL-309 a.yaml:10:25 /component/run/components/0/name",
        ],
    ),
    # inputs
    "unknown param": (op("params: {lrr: 1}\n", "{name: lr, value: 1}"), ["PL-401 a.yaml:4:10 /params/lrr"]),
    "missing input": (op("params: {}\n", "{name: lr, type: int}"), ["PL-402 a.yaml:4:9 /params"]),
    "missing input without params": (op("", "{name: lr}"), ["PL-402 a.yaml:1:1 "]),
    "wrong type": (op("params: {lr: x}\n", "{name: lr, type: int}"), ["PL-403 a.yaml:4:14 /params/lr"]),
    "wrong type in full form": (
        op("params: {lr: {value: x}}\n", "{name: lr, type: int}"),
        ["PL-403 a.yaml:4:22 /params/lr/value"],
    ),
    "null for a required input": (
        op("params: {lr: null}\n", "{name: lr, type: int}"),
        ["PL-403 a.yaml:4:14 /params/lr"],
    ),
    "wrong default": (op("", "{name: lr, type: int, value: x}"), ["PL-403 a.yaml:5:41 /component/inputs/0/value"]),
    "failed check": (
        op("params: {lr: 0}\n", "{name: lr, validation: {gt: 0}}"),
        ["PL-409 a.yaml:4:14 /params/lr"],
    ),
    "a duration that no number holds": (
        op("params: {a: P999999999W}\n", "{name: a, type: timedelta}"),
        ["PL-403 a.yaml:4:13 /params/a"],
    ),
    "a quotient that no number holds": (
        op("params: {a: 1.0e+300}\n", "{name: a, type: float, validation: {multipleOf: 1.0e-300}}"),
        ["PL-409 a.yaml:4:13 /params/a"],
    ),
    "a number in JSON text that no number holds": (
        op("params: {a: '[1e999]'}\n", "{name: a, type: list}"),
        ["PL-403 a.yaml:4:13 /params/a"],
    ),
    "a pattern that would never end": (
        op(f"params: {{a: {'a' * 36}!}}\n", "{name: a, validation: {regex: '(a+)+$'}}"),
        ["PL-409 a.yaml:4:13 /params/a"],
    ),
    "a pattern that cannot be matched in bounded time": (
        op("params: {a: x}\n", "{name: a, validation: {regex: '(?=x)'}}"),
        ["PL-204 a.yaml:6:42 /component/inputs/0/validation/regex"],
    ),
    "contextOnly of a declared input": (
        op("params: {lr: {value: 1, contextOnly: true}}\n", "{name: lr}"),
        ["PL-209 a.yaml:4:38 /params/lr/contextOnly"],
    ),
    "params in a circle": (
        op('params: {a: "{{ b }}", b: "{{ a }}"}\n', "{name: a}, {name: b}"),
        ["PL-303 a.yaml:4:13 /params/a", "PL-303 a.yaml:4:27 /params/b"],
    ),
    "a reserved name": (
        op("params: {globals: {value: 1, contextOnly: true}}\n"),
        ["PL-208 a.yaml:4:10 /params/globals"],
    ),
    # templates
    "undefined in an argument": (
        run('    kind: job\n    container: {command: [c], args: [a, "--{{ xx }}"]}\n'),
        ["PL-405 a.yaml:8:41 /component/run/container/args/1"],
    ),
    "undefined in a variable of a list": (
        run('    kind: job\n    container: {command: [c], env: [{name: A, value: b}, {name: B, value: "{{ y }}"}]}\n'),
        ["PL-405 a.yaml:8:75 /component/run/container/env/1/value"],
    ),
    "undefined in a variable of a mapping": (
        run('    kind: job\n    container: {command: [c], env: {A: b, B: "{{ y }}"}}\n'),
        ["PL-405 a.yaml:8:46 /component/run/container/env/B"],
    ),
    "undefined in a param": (op('params: {lr: "{{ nope }}"}\n', "{name: lr}"), ["PL-405 a.yaml:4:14 /params/lr"]),
    "undefined in argFormat": (
        op("", '{name: lr, value: 1, argFormat: "{{ l }}"}'),
        ["PL-405 a.yaml:5:44 /component/inputs/0/argFormat"],
    ),
    "bad syntax": (
        run('    kind: job\n    container: {command: ["{{ x"]}\n'),
        ["PL-404 a.yaml:8:27 /component/run/container/command/0"],
    ),
    "not in the language": (
        run('    kind: job\n    container: {command: ["{{ x.y() }}"]}\n'),
        ["PL-406 a.yaml:8:27 /component/run/container/command/0"],
    ),
    "globals that only hooks have": (
        run('    kind: job\n    container: {command: ["{{ globals.duration }}"]}\n'),
        ["PL-405 a.yaml:8:27 /component/run/container/command/0"],
    ),
    "ports of a job": (
        run('    kind: job\n    container: {command: ["{{ globals.ports[0] }}"]}\n'),
        ["PL-405 a.yaml:8:27 /component/run/container/command/0"],
    ),
    "a number that only the start knows": (
        run("    kind: job\n    container: {command: [c]}\n", 'termination: {maxRetries: "{{ globals.uuid }}"}\n'),
        ["PL-406 a.yaml:4:27 /termination/maxRetries"],
    ),
    "a number that is none": (
        run("    kind: job\n    container: {command: [c]}\n", "termination: {timeout: \"{{ 'x' }}\"}\n"),
        ["PL-203 a.yaml:4:24 /termination/timeout"],
    ),
    "a number that is too small": (
        run("    kind: job\n    container: {command: [c]}\n", 'termination: {timeout: "{{ x - 1 }}"}\n'),
        ["PL-204 a.yaml:4:24 /termination/timeout"],
    ),
    # runs
    "no container": (run("    kind: job\n"), ["PL-202 a.yaml:7:5 /component/run"]),
    "an amount that only the start knows": (
        run('    kind: job\n    container: {command: [c], resources: {limits: {cpu: "{{ globals.uuid }}"}}}\n'),
        ["PL-406 a.yaml:8:57 /component/run/container/resources/limits/cpu"],
    ),
    "an amount that is none": (
        run("    kind: job\n    container: {command: [c], resources: {limits: {a/b: \"{{ 'x' }}\"}}}\n"),
        ["PL-204 a.yaml:8:57 /component/run/container/resources/limits/a~1b"],
    ),
    "ports that are none": (
        run('    kind: service\n    ports: "{{ [80, 80] }}"\n    container: {command: [c]}\n'),
        ["PL-203 a.yaml:8:12 /component/run/ports"],
    ),
    "a probe of a job": (
        run("    kind: job\n    container: {command: [c], readinessProbe: {exec: {command: [x]}}}\n"),
        ["PL-204 a.yaml:8:47 /component/run/container/readinessProbe"],
    ),
    "schedule that cannot be": (
        op("schedule: {kind: interval, frequency: 60, startDeadline: 0}\n"),
        ["PL-504 a.yaml:4:58 /schedule/startDeadline"],
    ),
    "an end that the change of clocks moves before the beginning": (
        op(
            "schedule: {kind: cron, cron: '@daily', timezone: Europe/Berlin, "
            'startAt: "2026-03-29T01:15:00Z", endAt: "2026-03-29T02:30"}\n'
        ),
        ["PL-503 a.yaml:4:105 /schedule/endAt"],
    ),
    # DAGs
    "dependencies of a root": (op("dependencies: [x]\n"), ["PL-304 a.yaml:4:15 /dependencies"]),
    "ref of a root": (
        op("params: {x: {ref: ops.a, value: outputs.o}}\n", "{name: x}"),
        ["PL-304 a.yaml:4:33 /params/x/value"],
    ),
    "no operations": (run("    kind: dag\n"), ["PL-202 a.yaml:7:5 /component/run"]),
    "no name in a DAG": (
        dag("    - {component: {run: {kind: job, container: {command: [c]}}}}\n"),
        ["PL-307 a.yaml:9:7 /component/run/operations/0"],
    ),
    "two equal names in a DAG": (dag(A + A), ["PL-301 a.yaml:10:14 /component/run/operations/1/name"]),
    "unknown dependency": (
        dag(A + "    - {name: b, dependencies: [aa], component: {run: {kind: job, container: {command: [c]}}}}\n"),
        ["PL-304 a.yaml:10:32 /component/run/operations/1/dependencies/0"],
    ),
    "unknown operation in a ref": (
        dag(A + b("p: {ref: ops.x, value: outputs.o}")),
        ["PL-304 a.yaml:10:35 /component/run/operations/1/params/p/ref"],
    ),
    "a cycle": (
        dag(
            b("p: {ref: ops.c, value: inputs.p}") + b("p: {ref: ops.b, value: inputs.p}").replace("name: b", "name: c")
        ),
        ["PL-303 a.yaml:9:25 /component/run/operations/0/params"],
    ),
    "a cycle of one": (
        dag("    - {name: a, dependencies: [a], component: {run: {kind: job, container: {command: [c]}}}}\n"),
        ["PL-303 a.yaml:9:31 /component/run/operations/0/dependencies"],
    ),
    "unknown output": (
        dag(A + b("p: {ref: ops.a, value: outputs.oo}")),
        ["PL-305 a.yaml:10:49 /component/run/operations/1/params/p/value"],
    ),
    "unknown input": (
        dag(A + b("p: {ref: ops.a, value: inputs.x}")),
        ["PL-305 a.yaml:10:49 /component/run/operations/1/params/p/value"],
    ),
    "a list for one value": (
        dag(A + b("p: {ref: ops.a, value: outputs.l}")),
        ["PL-306 a.yaml:10:49 /component/run/operations/1/params/p/value"],
    ),
    "other types": (
        dag(A.replace("name: o, type: int", "name: o, type: str") + b("p: {ref: ops.a, value: outputs.o}")),
        ["PL-306 a.yaml:10:49 /component/run/operations/1/params/p/value"],
    ),
    "outputs of a DAG": (
        dag(N + b("p: {ref: ops.n, value: outputs.o}")),
        ["PL-305 a.yaml:10:49 /component/run/operations/1/params/p/value"],
    ),
    "globals that nobody has": (
        dag(A + b("p: {ref: ops.a, value: globals.run_inf}")),
        ["PL-305 a.yaml:10:49 /component/run/operations/1/params/p/value"],
    ),
    "unknown input of the DAG": (
        dag(b("p: {ref: dag, value: inputs.q}"), "{name: qq, value: 1}"),
        ["PL-305 a.yaml:9:47 /component/run/operations/0/params/p/value"],
    ),
    "an input of the DAG that does not fit": (
        dag(b("p: {ref: dag, value: inputs.q}"), "{name: q, value: x}"),
        ["PL-403 a.yaml:9:47 /component/run/operations/0/params/p/value"],
    ),
    "an input of a DAG that waits for a run": (
        dag(b("p: {ref: dag, value: inputs.q}"), "{name: q}", 'params: {q: "{{ globals.uuid }}"}\n'),
        ["PL-406 a.yaml:4:13 /params/q"],
    ),
    "all at once": (
        dag(A + b("p: {ref: ops.a, value: outputs.x}, q: 1"), "{name: z, type: int}"),
        [
            "PL-402 a.yaml:1:1 ",
            "PL-305 a.yaml:10:49 /component/run/operations/1/params/p/value",
            "PL-401 a.yaml:10:61 /component/run/operations/1/params/q",
        ],
    ),
    # components by themselves
    "a component alone": (
        (
            "version: 1.1\nkind: component\ninputs: [{name: x}, {name: y, type: int, value: z}]\n"
            'run: {kind: job, container: {command: ["{{ x }}", "{{ z }}"]}}\n'
        ),
        ["PL-403 a.yaml:3:49 /inputs/1/value", "PL-405 a.yaml:4:51 /run/container/command/1"],
    ),
    "a component whose numbers nobody knows yet": (
        (
            'version: 1.1\nkind: component\ninputs: [{name: n, type: int}]\ntermination: {maxRetries: "{{ n }}"}\n'
            'run: {kind: service, ports: "{{ [n] }}", container: {command: [c], resources: {limits: {cpu: "{{ n }}"}}, '
            "readinessProbe: {httpGet: {port: 80}}}}\n"
        ),
        [],
    ),
    "a component of a DAG that nobody uses": (
        dag(A + '    components: [{name: x, run: {kind: job, container: {command: ["{{ q }}"]}}}]\n'),
        [
            "PL-309 a.yaml:10:25 /component/run/components/0/name",
            "PL-405 a.yaml:10:67 /component/run/components/0/run/container/command/0",
        ],
    ),
}


def said(desired):
    return [f"{problem.code} {problem.place} {problem.pointer}" for problem in desired.problems]


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_a_broken_rule_is_said_where_it_is_broken(text, expected):
    desired = compiled({"a.yaml": text})

    assert said(desired) == expected
    holding = [problem for problem in desired.problems if problem.severity == "error"]
    assert desired.bad_files == ({"a.yaml"} if holding else frozenset())
    assert ("t" in desired.roots) is (not holding and "kind: operation" in text)


def test_a_component_that_nobody_uses_is_a_warning_and_holds_nothing():
    text = dag(A + "    components: [{name: x, run: {kind: job, container: {command: [c]}}}]\n")
    desired = compiled({"a.yaml": text})

    assert [(problem.code, problem.severity) for problem in desired.problems] == [("PL-309", "warning")]
    assert "t" in desired.roots


COMPONENT = "version: 1.1\nkind: component\nrun: {kind: job, container: {image: i, command: [c]}}\n"
REFERRED = {
    "a broken component file": (COMPONENT + "nope: 1\n", ["PL-302 a.yaml", "PL-201 c.yaml"]),
    "an operation instead": (op("").replace("name: t", "name: c"), ["PL-302 a.yaml"]),
    "two components": (COMPONENT + "---\n" + COMPONENT, ["PL-302 a.yaml"]),
    "no spec at all": ("a: 1\n", ["PL-302 a.yaml", "PL-202 c.yaml", "PL-202 c.yaml"]),
    "a template that fails": (COMPONENT.replace("[c]", '["{{ x }}"]'), ["PL-405 c.yaml"]),
}


@pytest.mark.parametrize(("component", "expected"), REFERRED.values(), ids=REFERRED)
def test_a_broken_component_holds_the_operation_that_refers_to_it(component, expected):
    desired = compiled({"a.yaml": OP + "pathRef: c.yaml\n", "c.yaml": component})

    assert [f"{problem.code} {problem.place.path}" for problem in desired.problems] == expected
    assert "t" not in desired.roots
    assert "a.yaml" in desired.bad_files


def test_a_component_that_contains_itself_ends():
    text = (
        "version: 1.1\nkind: component\nrun: {kind: dag, operations: [{name: x, pathRef: c.yaml}, "
        "{name: y, component: {run: {kind: job, container: {command: [c]}}}}]}\n"
    )
    desired = compiled({"c.yaml": text, "a.yaml": OP + "pathRef: c.yaml\n"})

    assert [problem.code for problem in desired.problems] == ["PL-303"]
    assert desired.bad_files == {"a.yaml", "c.yaml"}


def test_components_that_multiply_end():
    files = {"a.yaml": OP + "pathRef: c0.yaml\n"}
    for level in range(6):
        operations = ", ".join(f"{{name: n{index}, pathRef: c{level + 1}.yaml}}" for index in range(10))
        files[f"c{level}.yaml"] = f"version: 1.1\nkind: component\nrun: {{kind: dag, operations: [{operations}]}}\n"
    files["c6.yaml"] = COMPONENT
    desired = compiled(files)

    assert {problem.code for problem in desired.problems} == {"PL-105"}
    assert desired.roots == {}


def test_a_schedule_is_checked_by_the_caller_who_can_read_cron():
    text = op("schedule: {kind: cron, cron: '0 0 31 2 *'}\n")
    desired = compiled({"a.yaml": text}, check=lambda schedule: ("PL-503", f"{schedule.cron} can never fire"))

    assert said(desired) == ["PL-503 a.yaml:4:30 /schedule/cron"]


def test_a_request_above_what_there_is_is_said_at_once():
    text = run("    kind: job\n    container: {command: [c], resources: {requests: {nvidia.com/gpu: 4}}}\n")
    desired = compiled({"a.yaml": text}, CompileConfig("p", slots={"nvidia.com/gpu": 2}))

    assert said(desired) == ["PL-702 a.yaml:8:70 /component/run/container/resources/requests/nvidia.com~1gpu"]


WITH_GPU = run("    kind: job\n    container: {command: [c], resources: {requests: {nvidia.com/gpu: 1, licence: 1}}}\n")
UNCOUNTED = {
    "others-are-counted": ({"licence": 2}, "local", [("PL-702", "error")]),
    "nothing-is-counted": ({}, "local", [("PL-701", "warning")]),
    "counted": ({"nvidia.com/gpu": 1}, "local", []),
    "nobody-knows": (None, "local", []),
    "where-others-count": ({"licence": 2}, "kubernetes", []),
}


@pytest.mark.parametrize(("slots", "backend", "problems"), UNCOUNTED.values(), ids=UNCOUNTED.keys())
def test_a_gpu_that_nobody_counts_is_said(slots, backend, problems):
    desired = compiled({"a.yaml": WITH_GPU}, CompileConfig("p", slots=slots, backend=backend))

    assert [(problem.code, problem.severity) for problem in desired.problems] == problems
    assert all("backends.local.slots" in problem.hint for problem in desired.problems)


def test_replicas_that_would_share_a_port_are_refused():
    def refused(count, ports):
        text = run(f"    kind: service\n    replicas: {count}\n    ports: {ports}\n    container: {{command: [c]}}\n")
        desired = compiled({"a.yaml": text}, CompileConfig("p", backend="local"))
        assert desired.problems == ()
        return desired.roots["t"].refused

    assert refused(2, [8080]) == (
        "all 2 replicas would listen on the same port on this backend; set run.replicas to 1, or declare no run.ports"
    )
    assert refused(1, [8080]) == refused(2, []) == ""


def test_an_image_without_an_environment_is_an_info():
    desired = compiled({"a.yaml": op("")}, CompileConfig("p", environments=frozenset({"j"})))

    assert [(problem.code, problem.severity) for problem in desired.problems] == [("PL-701", "info")]
    assert "t" in desired.roots


def test_every_code_is_raised_somewhere():
    sources = [path for path in Path(planner.__file__).parent.rglob("*.py") if path.name != "codes.py"]
    raised = set(re.findall(r"\bPL-\d{3}\b", "".join(path.read_text() for path in sources)))

    assert raised == codes.CODES.keys()
