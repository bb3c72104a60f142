"""What the inputs of one operation are bound to (reference, sections 6, 7, 8 and 17.1)."""

# Specs stand on one line.
# ruff: noqa: E501

import time

import pytest

from planner.compile import variables
from planner.compile.bindings import EACH, Around, Bindings, Sibling
from planner.compile.inputs import Asked, bind_inputs
from planner.compile.origin import Origin, Report
from planner.compile.resolve import Found
from planner.compile.template import Symbol
from planner.model.desired import Reference
from planner.spec.load import load

pytestmark = pytest.mark.unit

RUN = "64332180-bfce-46eb-a80a-65caf73c5396"
OP = "version: 1.1\nkind: operation\nname: t\n"
JOB = "{kind: job, container: {image: i, command: [c]}}"
DAG = "{kind: dag, operations: [{name: m, component: {run: {kind: job, container: {image: i, command: [c]}}}}]}"


def read(rest, inputs="", outputs="", run=JOB):
    text = f"{OP}{rest}\ncomponent: {{inputs: [{inputs}], outputs: [{outputs}], run: {run}}}\n"
    loaded = load("a.yaml", text.encode())
    assert loaded.problems == ()
    (document,) = loaded.documents
    return document.spec, Origin(document.places)


def bound(rest, inputs="", outputs="", around=None, run=JOB):
    """Bindings of an operation, and what is wrong with it."""
    operation, origin = read(rest, inputs, outputs, run)
    report = Report()
    found = Found(operation.component, origin.at("component"))
    known = variables.symbols({}, operation.component.run.kind)
    bindings = bind_inputs(Asked(operation, origin, found, around, known), report)
    return bindings, [f"{problem.code} {problem.pointer}" for problem in report.problems]


def sound(*args, **kwargs):
    bindings, problems = bound(*args, **kwargs)
    assert problems == []
    return bindings


def inside():
    """A DAG with the operations `a`, a job, and `tune`, a sweep; its inputs are `known` and `swept`."""
    dag, origin = read(
        "matrix: {kind: grid, params: {swept: {kind: choice, value: [1]}}}",
        "{name: known, value: 1}, {name: swept}",
        run=DAG,
    )
    job, _ = read(
        "",
        "{name: i, type: int, value: 3}",
        "{name: o, type: int}, {name: f, type: 'List[float]'}, {name: p, type: path}",
    )
    sweep, _ = read(
        "matrix: {kind: grid, params: {lr: {kind: choice, value: [1]}}}",
        "{name: lr, type: int}",
        "{name: o, type: int}",
    )
    siblings = {}
    for name, operation in (("a", job), ("tune", sweep)):
        found = Found(operation.component, origin)
        siblings[name] = Sibling(found, bind_inputs(Asked(operation, origin, found, None, {}), Report()))
    found = Found(dag.component, origin)
    around = bind_inputs(Asked(dag, origin, found, None, {}), Report())
    return Around((), found, around, {}, siblings, ())


# Values and problems

VALUES = [
    ("params: {x: 1}", "{name: x, type: 'List[int]', isOptional: true}", None, ["PL-403 /params/x"]),
    ("params: {x: ['1']}", "{name: x, type: 'List[int]'}", [1], []),
    ("params: {x: ['1']}", "{name: x, type: int, isList: true}", [1], []),
    ("params: {x: {url: u}}", "{name: x, type: git}", {"url": "u"}, []),
    ('params: {x: \'{"url": "u"}\'}', "{name: x, type: git}", {"url": "u"}, []),
    ("params: {x: 'https://h/a.git'}", "{name: x, type: git}", None, ["PL-403 /params/x"]),
    ("params: {x: {files: [a]}}", "{name: x, type: artifacts}", {"files": ["a"]}, []),
    ("params: {x: {url: '{{ globals.nope }}'}}", "{name: x, type: git}", None, ["PL-405 /params/x/url"]),
    ("params: {x: '2026-01-02'}", "{name: x, type: date, validation: {gt: '2026-01-01'}}", "2026-01-02", []),
    ("params: {x: '2026-01-01'}", "{name: x, type: date, validation: {gt: '2026-01-01'}}", None, ["PL-409 /params/x"]),
    ("params: {x: PT1M}", "{name: x, type: timedelta, validation: {le: PT2M}}", 60, []),
    ("params: {x: PT3M}", "{name: x, type: timedelta, validation: {le: PT2M}}", None, ["PL-409 /params/x"]),
    (
        "params: {x: 1}",
        "{name: x, type: date, isOptional: true, delayValidation: true, validation: {gt: soon}}",
        1,
        ["PL-204 /component/inputs/0/validation/gt"],
    ),
    ("", "{name: x, type: int, value: a}", None, ["PL-403 /component/inputs/0/value"]),
    ("params: {x: 0}", "{name: x, validation: {gt: 0}}", None, ["PL-409 /params/x"]),
    ("params: {x: 1}", "{name: x, isList: true}", None, ["PL-403 /params/x"]),
    ("", "{name: x, type: int, value: a, delayValidation: true}", None, ["PL-403 /component/inputs/0/value"]),
    ("", "{name: x, type: int, value: '3', delayValidation: true}", "3", []),
    ("", "{name: x, type: 'Optional[int]', value: null}", None, []),
    ("params: {x: null}", "{name: x, type: 'Optional[int]'}", None, []),
    ("params: {x: null}", "{name: x, type: int}", None, ["PL-403 /params/x"]),
    ("params: {x: {}}", "{name: x, type: int, value: 3}", 3, []),
    ("params: {x: {toEnv: X}}", "{name: x, type: int, value: 3}", 3, []),
    ("params: {x: 1, y: 2}", "{name: x}", 1, ["PL-401 /params/y"]),
    ("params: {x: 1, y: {value: 2, contextOnly: true}}", "{name: x}", 1, []),
    ("", "{name: x}", None, ["PL-402 "]),
    ("", "{name: x, delayValidation: true}", None, []),
]


@pytest.mark.parametrize(("rest", "inputs", "value", "problems"), VALUES, ids=repr)
def test_a_value_is_taken_or_refused(rest, inputs, value, problems):
    bindings, found = bound(rest, inputs)

    assert found == problems
    if value is not None:
        assert bindings.values["x"] == value


@pytest.mark.parametrize("order", [["a", "b", "c"], ["c", "b", "a"]], ids="".join)
def test_params_that_need_each_other_are_evaluated_in_any_order(order):
    texts = {"a": "{{ 1 + 1 }}", "b": "{{ a + 1 }}", "c": "{{ params.b.value + 1 }}"}
    params = ", ".join(f"{name}: '{texts[name]}'" for name in order)
    bindings = sound(f"params: {{{params}}}", ", ".join(f"{{name: {name}, type: int}}" for name in order))

    assert (bindings.values, bindings.templates) == ({"a": 2, "b": 3, "c": 4}, {})


OUTPUTS = [
    ("", "{name: o, type: int}", []),
    ("", "{name: o, type: int, delayValidation: false}", ["PL-402 "]),
    ("params: {}", "{name: o, type: int, validation: {delay: false}}", ["PL-402 /params"]),
    ("params: {o: 1}", "{name: o, type: int, delayValidation: false}", []),
    ("params: {o: x}", "{name: o, type: int}", ["PL-403 /params/o"]),
    ("params: {o: x}", "{name: o, type: int, delayValidation: true}", []),
    ("", "{name: o, type: int, validation: {gt: a}}", ["PL-204 /component/outputs/0/validation/gt"]),
]


@pytest.mark.parametrize(("rest", "outputs", "problems"), OUTPUTS, ids=repr)
def test_an_output_is_only_wanted_where_it_is_not_delayed(rest, outputs, problems):
    assert bound(rest, "", outputs)[1] == problems


def test_one_name_may_be_an_input_and_an_output():
    bindings = sound("params: {m: 1}", "{name: m, type: int}", "{name: m, type: path, delayValidation: false}")

    assert [(item.name, item.role) for item in bindings.inputs] == [("m", "input")]
    assert bindings.values == {"m": 1}


# References

READ = [
    ("{ref: ops.a, value: inputs.i}", 3),
    ("{ref: ops.a, value: outputs.o}", Reference(("a",), ("outputs", "o"))),
    ("{ref: ops.a, value: globals.uuid}", Reference(("a",), ("globals", "uuid"))),
    ("{ref: ops.a, value: outputs, contextOnly: true}", Reference(("a",), ("outputs",))),
    ("{ref: ops.a, value: globals.condition}", Reference(("a",), ("globals", "condition"))),
    ("{ref: ops.a, value: io}", Reference(("a",), ("io",))),
    ("{ref: dag, value: inputs.known}", 1),
    ("{ref: dag, value: inputs.swept}", Reference((), ("inputs", "swept"))),
]


@pytest.mark.parametrize(("param", "expected"), READ, ids=repr)
def test_what_a_reference_stands_for(param, expected):
    bindings = sound(f"params: {{x: {param}}}", "" if "contextOnly" in param else "{name: x}", around=inside())

    assert {**bindings.values, **bindings.references} == {"x": expected}
    assert bindings.refused == ""


UNREAD = [
    (
        f"{{ref: runs.{RUN}, value: outputs.o}}",
        (f"runs.{RUN}",),
        ("outputs", "o"),
        "no run here has the id 64332180",
    ),
    ("{ref: dag, value: io}", (), ("io",), "a DAG has no `io` of its own: refer to its `inputs`, or"),
    ("{ref: dag, value: artifacts}", (), ("artifacts",), "a DAG has no `artifacts` of its own"),
    (
        "{ref: ops.a, value: globals.context_path}",
        ("a",),
        ("globals", "context_path"),
        "use `globals.run_artifacts_path`",
    ),
    ("{ref: ops.tune, value: inputs.lr}", ("tune",), ("inputs", "lr"), "comes from a sweep"),
    ("{ref: ops.tune, value: inputs}", ("tune",), ("inputs",), "`lr` of `tune` comes from a sweep"),
    ("{ref: ops.tune, value: io}", ("tune",), ("io",), "`lr` of `tune` comes from a sweep"),
]


@pytest.mark.parametrize(("param", "place", "path", "why"), UNREAD, ids=repr)
def test_what_cannot_be_read_yet_is_valid_and_refused(param, place, path, why):
    bindings = sound(f"params: {{x: {param}}}", "{name: x}", around=inside())

    assert bindings.references == {"x": Reference(place, path)}
    assert why in bindings.refused


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("artifacts", ("artifacts",)),
        ("artifacts.base", ("artifacts", "base")),
        ("artifacts.model.pt", ("artifacts", "model", "pt")),
        ("{files: [a]}", ("artifacts", '{"files":["a"]}')),
    ],
    ids=repr,
)
def test_artifacts_of_an_operation_wait_for_its_run(value, path):
    bindings = sound(f"params: {{x: {{ref: ops.a, value: {value}}}}}", "{name: x}", around=inside())

    assert bindings.references == {"x": Reference(("a",), path)}
    assert bindings.refused == ""


@pytest.mark.parametrize(
    "path", ["outputs.o", "outputs", "inputs.i", "inputs", "io", "artifacts", "artifacts.model", "globals.duration"]
)
def test_a_run_of_the_project_may_be_referred_to_outside_of_a_dag(path):
    bindings = sound(f"params: {{x: {{ref: runs.r-7f3k2m7q, value: {path}}}}}", "{name: x}")

    assert str(bindings.references["x"]) == f"ops.runs.r-7f3k2m7q.{path}"
    assert bindings.refused == ""


WRONG = [
    ("{ref: ops.a, value: outputs.o}", "type: float", "PL-306"),
    ("{ref: ops.a, value: outputs.f}", "type: float", "PL-306"),
    ("{ref: ops.a, value: outputs.f}", "type: int, isList: true", "PL-306"),
    ("{ref: ops.a, value: outputs.n}", "type: int", "PL-305"),
    ("{ref: ops.a, value: globals.nope}", "type: int", "PL-305"),
    ("{ref: ops.a, value: {files: [a]}}", "type: int", "PL-306"),
    ("{ref: dag, value: inputs.nope}", "type: int", "PL-305"),
]


@pytest.mark.parametrize(("param", "declared", "code"), WRONG, ids=repr)
def test_what_a_reference_cannot_be(param, declared, code):
    _, problems = bound(f"params: {{x: {param}}}", f"{{name: x, {declared}}}", around=inside())

    assert problems == [f"{code} /params/x/value"]


@pytest.mark.parametrize("declared", ["type: float, isList: true", "type: 'List[float]'", "type: list", "type: any"])
def test_a_list_feeds_a_list_in_either_spelling(declared):
    sound("params: {x: {ref: ops.a, value: outputs.f}}", f"{{name: x, {declared}}}", around=inside())


def test_a_context_takes_an_output_that_nobody_declared():
    sound("params: {x: {ref: ops.a, value: outputs.n, contextOnly: true}}", around=inside())


# Variables and entries of `init`

ENV = [
    ("params: {x: 1}", "{name: x, toEnv: X}", {"X": "1"}),
    ("params: {x: true}", "{name: x, type: bool, isFlag: true, toEnv: X}", {"X": "true"}),
    ("params: {x: [1, {a: b}]}", "{name: x, toEnv: X}", {"X": '[1,{"a":"b"}]'}),
    ("params: {x: \"{{ '{' }}{ a }}\"}", "{name: x, toEnv: X}", {"X": "{{ '{' }}{ a }}"}),
    ("params: {x: {value: 1, toEnv: Y}}", "{name: x, toEnv: X}", {"Y": "1"}),
    ("params: {c-d: {value: 1, toEnv: Y, contextOnly: true}}", "", {"Y": "1"}),
    (
        "params: {c-d: {value: '{{ globals.uuid }}', toEnv: Y, contextOnly: true}}",
        "",
        {"Y": "{{ params['c-d'].as_str }}"},
    ),
    ("params: {x: '{{ globals.uuid }}'}", "{name: x, toEnv: X}", {"X": "{{ params['x'].as_str }}"}),
    ("", "{name: x, toEnv: X, isOptional: true}", {}),
    ("params: {x: null}", "{name: x, toEnv: X, isOptional: true}", {}),
    ("", "{name: x, toEnv: X, value: 2}", {"X": "2"}),
    (
        "matrix: {kind: grid, params: {x: {kind: choice, value: [1]}}}",
        "{name: x, toEnv: X}",
        {"X": "{{ params['x'].as_str }}"},
    ),
]


@pytest.mark.parametrize(("rest", "inputs", "env"), ENV, ids=repr)
def test_a_value_becomes_a_variable(rest, inputs, env):
    assert sound(rest, inputs).env == env


def test_an_output_with_a_param_becomes_a_variable():
    assert sound("params: {o: x}", "", "{name: o, toEnv: O}").env == {"O": "x"}


INIT = [
    ("params: {x: {url: u}}", "{name: x, type: git, toInit: true}", [{"git": {"url": "u"}}]),
    (
        "params: {x: {url: u}}",
        "{name: x, type: git, toInit: true, connection: c}",
        [{"git": {"url": "u"}, "connection": "c"}],
    ),
    (
        "params: {x: {value: {url: u}, connection: d}}",
        "{name: x, type: git, toInit: true, connection: c}",
        [{"git": {"url": "u"}, "connection": "d"}],
    ),
    ("params: {x: {image: i}}", "{name: x, type: dockerfile, toInit: true}", [{"dockerfile": {"image": "i"}}]),
    (
        "params: {x: {files: [a, [b, c]]}}",
        "{name: x, type: artifacts, toInit: true}",
        [{"artifacts": {"files": ["a", ["b", "c"]]}}],
    ),
    ("params: {x: a}", "{name: x, type: path, toInit: true, connection: c}", [{"paths": ["a"], "connection": "c"}]),
    (
        "params: {x: [a, b]}",
        "{name: x, type: path, isList: true, toInit: true, connection: c}",
        [{"paths": ["a", "b"], "connection": "c"}],
    ),
    ("params: {x: a}", "{name: x, type: str, toInit: true, connection: c}", [{"connection": "c"}]),
    ("params: {x: {content: a}}", "{name: x, type: file, toInit: true, connection: c}", [{"connection": "c"}]),
    ("", "{name: x, type: git, toInit: true, isOptional: true}", []),
    ("", "{name: x, type: git, toInit: true, isOptional: true, connection: c}", [{"connection": "c"}]),
    ("params: {x: {value: {url: u}, toInit: false}}", "{name: x, type: git, toInit: true}", []),
    ("params: {x: {value: {url: u}, toInit: true}}", "{name: x, type: git}", [{"git": {"url": "u"}}]),
    (
        "params: {x: {url: '{{ globals.uuid }}'}}",
        "{name: x, type: git, toInit: true}",
        [{"git": {"url": "{{ globals.uuid }}"}}],
    ),
    (
        "params: {x: '{{ globals.uuid }}'}",
        "{name: x, type: path, toInit: true, connection: c}",
        [{"paths": ["{{ globals.uuid }}"], "connection": "c"}],
    ),
    (
        "matrix: {kind: mapping, values: [{x: {url: u}}]}",
        "{name: x, type: git, toInit: true}",
        [{"git": "{{ params['x'].value }}"}],
    ),
    (
        "params: {y: {url: b}, x: {url: a}}",
        "{name: x, type: git, toInit: true}, {name: y, type: git, toInit: true}",
        [{"git": {"url": "a"}}, {"git": {"url": "b"}}],
    ),
]


@pytest.mark.parametrize(("rest", "inputs", "init"), INIT, ids=repr)
def test_a_value_becomes_an_entry_of_init(rest, inputs, init):
    assert list(sound(rest, inputs).init) == init


def test_what_looks_like_a_template_in_a_value_is_text():
    bindings = sound("params: {x: {url: \"{{ '{' }}{ a }}\"}}", "{name: x, type: git, toInit: true}")

    assert bindings.values == {"x": {"url": "{{ a }}"}}
    assert bindings.init == ({"git": {"url": "{{ '{' }}{ a }}"}},)


NO_INIT = [
    ("params: {x: a}", "{name: x, toInit: true, connection: c}", "/component/inputs/0/toInit"),
    ("params: {x: a}", "{name: x, type: path, toInit: true}", "/component/inputs/0/toInit"),
    ("params: {x: {content: a}}", "{name: x, type: file, toInit: true}", "/component/inputs/0/toInit"),
    ("params: {x: [{url: a}]}", "{name: x, type: git, isList: true, toInit: true}", "/component/inputs/0/toInit"),
    ("params: {x: {value: a, toInit: true}}", "{name: x, type: str}", "/params/x/toInit"),
    ("params: {x: {value: a, toInit: true, contextOnly: true}}", "", "/params/x/toInit"),
]


@pytest.mark.parametrize(("rest", "inputs", "where"), NO_INIT, ids=repr)
def test_what_cannot_be_put_in_place_is_said(rest, inputs, where):
    assert bound(rest, inputs)[1] == [f"PL-209 {where}"]


def test_templates_see_the_connection_of_a_param():
    bindings = sound("params: {x: {value: 1, connection: d}}", "{name: x, connection: c}, {name: y, value: 1}")
    params = bindings.scope({})["params"]

    assert (params["x"]["connection"], params["y"]["connection"]) == ("d", None)


# Sweeps

GRID = "matrix: {kind: grid, params: {x: {kind: KIND, value: VALUE}}}"
SWEEPS = [
    (GRID.replace("KIND", "choice").replace("VALUE", "[1, 2]"), "{name: x, type: int}", {"x": "matrix"}, []),
    (
        GRID.replace("KIND", "choice").replace("VALUE", "[1, a]"),
        "{name: x, type: int}",
        {"x": "matrix"},
        ["PL-403 /matrix/params/x/value/1"],
    ),
    (
        GRID.replace("KIND", "choice").replace("VALUE", "[1, 0]"),
        "{name: x, type: int, validation: {gt: 0}}",
        {"x": "matrix"},
        ["PL-409 /matrix/params/x/value/1"],
    ),
    (
        GRID.replace("KIND", "choice").replace("VALUE", "['{{ y }}']"),
        "{name: x, type: int}, {name: y, value: 1}",
        {"x": "matrix"},
        [],
    ),
    (GRID.replace("KIND", "range").replace("VALUE", "'1:3:1'"), "{name: x, type: int}", {"x": "matrix"}, []),
    (GRID.replace("KIND", "range").replace("VALUE", "'1:3:1'"), "{name: x, type: PositiveInt}", {"x": "matrix"}, []),
    (
        GRID.replace("KIND", "range").replace("VALUE", "'1:3:1'"),
        "{name: x, type: str}",
        {"x": "matrix"},
        ["PL-306 /matrix/params/x/kind"],
    ),
    (
        GRID.replace("KIND", "linspace").replace("VALUE", "'1:3:2'"),
        "{name: x, type: float, isList: true}",
        {"x": "matrix"},
        ["PL-306 /matrix/params/x/kind"],
    ),
    (GRID.replace("KIND", "linspace").replace("VALUE", "'1:3:2'"), "{name: x}", {"x": "matrix"}, []),
    (
        GRID.replace("KIND", "daterange").replace("VALUE", "['2026-01-01', '2026-02-01', 1]"),
        "{name: x, type: date}",
        {"x": "matrix"},
        [],
    ),
    (
        GRID.replace("KIND", "daterange").replace("VALUE", "['2026-01-01', '2026-02-01', 1]"),
        "{name: x, type: str}",
        {"x": "matrix"},
        ["PL-306 /matrix/params/x/kind"],
    ),
    (
        GRID.replace("KIND", "daterange").replace("VALUE", "['2026-01-01', '2026-02-01', 1]"),
        "{name: x, type: datetime}",
        {"x": "matrix"},
        ["PL-306 /matrix/params/x/kind"],
    ),
    (GRID.replace("KIND", "choice").replace("VALUE", "[1]"), "", {"x": "matrix"}, []),
    (GRID.replace("KIND", "choice").replace("VALUE", "[1]"), "{name: x}, {name: z}", {"x": "matrix"}, ["PL-402 "]),
    (GRID.replace("KIND", "choice").replace("VALUE", "[1]") + "\nparams: {x: 3}", "{name: x}", {"x": "matrix"}, []),
    (
        "matrix: {kind: mapping, values: [{x: 1, y: 2}, {x: 2, y: 3}]}",
        "{name: x, type: int}",
        {"x": "matrix", "y": "matrix"},
        [],
    ),
    (
        "matrix: {kind: mapping, values: [{x: 1}, {y: 2}]}",
        "{name: x, value: 0}, {name: y, value: 0}",
        {"x": "matrix"},
        [],
    ),
    ("matrix: {kind: mapping, values: [{x: 1}, {x: 2, y: 2}]}", "{name: x}, {name: y}", {"x": "matrix"}, ["PL-402 "]),
    ("matrix: {kind: mapping, values: [{x: 1}, {}]}", "{name: x}", {"x": "matrix"}, ["PL-402 /matrix/values/1"]),
    (
        "matrix: {kind: mapping, values: [{x: a}]}",
        "{name: x, type: int}",
        {"x": "matrix"},
        ["PL-403 /matrix/values/0/x"],
    ),
    ("matrix: {kind: mapping, values: '{{ y }}'}", "{name: x, type: int}, {name: y, value: 1}", {"x": "matrix"}, []),
    ("matrix: {kind: mapping, values: [{params: 1}]}", "", {}, ["PL-208 /matrix"]),
    (
        "matrix: {kind: random, numRuns: 2, params: {x: {kind: pchoice, value: [[1, 0.5], [a, 0.4]]}}}",
        "{name: x, type: int}",
        {"x": "matrix"},
        ["PL-403 /matrix/params/x/value/1/0"],
    ),
    (
        "matrix: {kind: hyperband, maxIterations: 9, eta: 3, resource: {name: n, type: int}, metric: {name: l, optimization: minimize}, params: {x: {kind: uniform, value: '0:1'}}}",
        "{name: x, type: float}, {name: n, type: int}",
        {"x": "matrix", "n": "matrix"},
        [],
    ),
    ("matrix: {kind: iterative, maxIterations: 3}", "{name: x, type: float}, {name: y, value: 1}", {"x": "matrix"}, []),
]


@pytest.mark.parametrize(("rest", "inputs", "provided", "problems"), SWEEPS, ids=repr)
def test_a_sweep_gives_values(rest, inputs, provided, problems):
    bindings, found = bound(rest, inputs)

    assert found == problems
    assert bindings.provided == provided
    assert provided.keys().isdisjoint(bindings.values)


def test_values_of_a_sweep_are_checked_within_bounds():
    values = ", ".join(f"{index:06}{'a' * 150}" for index in range(500))
    sweep = f"matrix: {{kind: grid, params: {{x: {{kind: choice, value: [{values}]}}}}}}"
    began = time.process_time()
    _, problems = bound(sweep, "{name: x, type: str, validation: {regex: '[0-9]+(?:a?){500}'}}")

    assert time.process_time() - began < 3
    assert set(problems[:1]) == {"PL-409 /matrix/params/x/value/" + problems[0].rpartition("/")[2]}


def test_what_a_sweep_gives_is_known_later():
    bindings = sound(
        GRID.replace("KIND", "choice").replace("VALUE", "[1]") + "\nparams: {y: '-{{ x }}'}", "{name: x}, {name: y}"
    )

    assert (bindings.scope({})["x"], bindings.scope({})["y"]) == (Symbol(f"{EACH}x"), Symbol(f"{EACH}y"))
    assert bindings.templates == {"y": "-{{ x }}"}
    assert [item.role for item in sound("matrix: {kind: mapping, values: [{z: 1}]}").inputs] == ["context"]


def test_a_dag_whose_inputs_wait_for_a_sweep_is_refused_and_not_wrong():
    bindings = sound(
        GRID.replace("KIND", "choice").replace("VALUE", "[1]") + "\nparams: {y: '{{ x }}'}",
        "{name: x}, {name: y}",
        run=DAG,
    )

    assert "are not handed to operations of a DAG" in bindings.refused


# Joins

JOIN = "joins: [{query: 'status: succeeded', params: {x: PARAM}}]"
JOINS = [
    ("{value: outputs.o}", "{name: x, type: int, isList: true}", {"x": "joins"}, []),
    ("{value: outputs.o}", "{name: x, type: 'List[int]'}", {"x": "joins"}, []),
    ("{value: outputs.o}", "{name: x, isList: true}", {"x": "joins"}, []),
    ("{value: outputs.o}", "{name: x, type: list}", {"x": "joins"}, []),
    ("{value: outputs.o}", "{name: x, type: int}", {"x": "joins"}, ["PL-306 /joins/0/params/x"]),
    ("{value: outputs.o}", "{name: x}", {"x": "joins"}, ["PL-306 /joins/0/params/x"]),
    ("{value: {files: [a]}}", "{name: x, type: artifacts}", {"x": "joins"}, []),
    ("{value: {files: [a]}}", "{name: x, type: int, isList: true}", {"x": "joins"}, ["PL-306 /joins/0/params/x/value"]),
    ("{value: outputs.o}", "", {"x": "joins"}, ["PL-401 /joins/0/params/x"]),
    ("{value: outputs.o, contextOnly: true}", "", {"x": "joins"}, []),
]


@pytest.mark.parametrize(("param", "inputs", "provided", "problems"), JOINS, ids=repr)
def test_a_join_gives_lists(param, inputs, provided, problems):
    bindings, found = bound(JOIN.replace("PARAM", param), inputs)

    assert found == problems
    if not problems:
        assert bindings.provided == provided


def test_a_param_holds_before_a_join():
    bindings = sound(
        JOIN.replace("PARAM", "{value: outputs.o}") + "\nparams: {x: [1]}", "{name: x, type: int, isList: true}"
    )

    assert (bindings.values, bindings.provided) == ({"x": [1]}, {})


def test_joins_that_are_a_template_may_give_anything():
    bindings = sound("joins: '{{ y }}'", "{name: x, type: int}, {name: y, value: 1}")

    assert bindings.provided == {"x": "joins"}


def test_an_output_may_come_from_a_join():
    assert sound(JOIN.replace("PARAM", "{value: outputs.o}"), "", "{name: x, isList: true}").provided == {"x": "joins"}


def test_nothing_is_bound_to_nothing():
    assert sound("") == Bindings()
