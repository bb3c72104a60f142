"""All problems at once: what spans several fields is said beside what is wrong with one of them, each once."""

from __future__ import annotations

import pytest

from planner.spec.load import load
from planner.spec.repository import load_repository

pytestmark = pytest.mark.unit

HEAD = "version: 1.1\nkind: operation\n"
RUN = "component: {run: {kind: job}}\n"


def inputs(text: str) -> str:
    return f"version: 1.1\nkind: component\nrun: {{kind: job}}\ninputs: [{text}]\n"


def schedule(text: str) -> str:
    return f"{HEAD}pathRef: a.yaml\nschedule: {{{text}}}\n"


def container(text: str) -> str:
    return f"version: 1.1\nkind: component\nrun: {{kind: service, container: {{{text}}}}}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            inputs("{name: a, type: int, isFlag: true, foo: 1}, {name: b}, {name: b}"),
            ["4:39 PL-209 /inputs/0/isFlag", "4:45 PL-201 /inputs/0/foo", "4:72 PL-211 /inputs/2/name"],
            id="a-flag-and-a-name-beside-an-unknown-field",
        ),
        pytest.param(
            inputs("{name: a b, isOptional: false, value: 1, type: 3}, {name: b, isList: x}, {name: b}, {name: b}"),
            [
                "4:17 PL-208 /inputs/0/name",
                "4:34 PL-209 /inputs/0/isOptional",
                "4:57 PL-203 /inputs/0/type",
                "4:79 PL-203 /inputs/1/isList",
                "4:90 PL-211 /inputs/2/name",
                "4:101 PL-211 /inputs/3/name",
            ],
            id="names-beside-bad-items",
        ),
        pytest.param(
            inputs("{name: a, type: boool, isFlag: true}, {name: b, typ: bool, isFlag: true}"),
            ["4:26 PL-204 /inputs/0/type", "4:58 PL-201 /inputs/1/typ"],
            id="what-only-follows-is-not-said",
        ),
        pytest.param(
            inputs("{name: a b}, {name: a b}"),
            ["4:17 PL-208 /inputs/0/name", "4:30 PL-208 /inputs/1/name"],
            id="twins-without-a-usable-name",
        ),
        pytest.param(
            inputs("{name: a, validation: {multipleOf: 0, regex: '(', min: 1}}"),
            [
                "4:45 PL-204 /inputs/0/validation/multipleOf",
                "4:55 PL-204 /inputs/0/validation/regex",
                "4:60 PL-201 /inputs/0/validation/min",
            ],
            id="checks",
        ),
        pytest.param(
            schedule(
                "kind: cron, cron: '* *', maxCatchUp: 3, startAt: 2026-02-01, endAt: 2026-01-01, startDeadline: 0, x: 1"
            ),
            [
                "4:30 PL-501 /schedule/cron",
                "4:49 PL-209 /schedule/maxCatchUp",
                "4:80 PL-503 /schedule/endAt",
                "4:107 PL-504 /schedule/startDeadline",
                "4:110 PL-201 /schedule/x",
            ],
            id="schedule",
        ),
        pytest.param(
            schedule("kind: cron, cron: '@daily', startAt: soon, endAt: 2026-01-01, missed: al, maxCatchUp: 3"),
            ["4:49 PL-504 /schedule/startAt", "4:82 PL-204 /schedule/missed"],
            id="what-rests-on-a-bad-field-is-not-said",
        ),
        pytest.param(
            schedule("kind: datetime, startAt: 2026-02-01, missed: all, maxCatchUp: 3"),
            ["4:74 PL-209 /schedule/maxCatchUp"],
            id="a-datetime-has-nothing-to-catch-up",
        ),
        pytest.param(
            schedule("kind: datetime, startAt: soon, max_catch_up: 3"),
            ["4:37 PL-504 /schedule/startAt", "4:57 PL-209 /schedule/max_catch_up"],
            id="a-datetime-in-the-other-spelling",
        ),
        pytest.param(
            HEAD + "params: {a: {ref: dag, value: 3, foo: 1}, b: {ref: x, value: 3}, c: {ref: dag, valu: x}}\n" + RUN,
            [
                "3:31 PL-203 /params/a/value",
                "3:34 PL-201 /params/a/foo",
                "3:52 PL-204 /params/b/ref",
                "3:80 PL-201 /params/c/valu",
            ],
            id="params",
        ),
        pytest.param(
            container("readinessProbe: {tcpSocket: {port: 0}, exec: {command: [c]}, httpGet: {port: 1}, foo: 1}"),
            [
                "3:69 PL-204 /run/container/readinessProbe/tcpSocket/port",
                "3:79 PL-209 /run/container/readinessProbe/exec",
                "3:104 PL-209 /run/container/readinessProbe/httpGet",
                "3:115 PL-201 /run/container/readinessProbe/foo",
            ],
            id="ways-to-probe",
        ),
        pytest.param(
            container("readinessProbe: {periodSeconds: x}"),
            [
                "3:50 PL-202 /run/container/readinessProbe/httpGet",
                "3:66 PL-203 /run/container/readinessProbe/periodSeconds",
            ],
            id="no-way-to-probe",
        ),
        pytest.param(
            container("readinessProbe: {grpc: {port: 1}}"),
            [],
            id="a-way-to-probe-that-only-kubernetes-has",
        ),
        pytest.param(
            container("env: {1A: x, B: [], C: ok, 2D: y}, args: [a, {}, b, []]"),
            [
                "3:44 PL-208 /run/container/env/1A",
                "3:50 PL-203 /run/container/env/B",
                "3:65 PL-208 /run/container/env/2D",
                "3:79 PL-203 /run/container/args/1",
                "3:86 PL-203 /run/container/args/3",
            ],
            id="variables-and-words",
        ),
        pytest.param(
            "version: 1.1\nkind: component\nrun: {kind: service, ports: [0, a, 80, 80, 80], replicas: x}\n",
            [
                "3:30 PL-204 /run/ports/0",
                "3:33 PL-203 /run/ports/1",
                "3:40 PL-211 /run/ports/3",
                "3:44 PL-211 /run/ports/4",
                "3:59 PL-203 /run/replicas",
            ],
            id="ports",
        ),
        pytest.param(
            HEAD + "pathRef: /abs\ndagRef: x\nfoo: 1\n",
            ["3:10 PL-204 /pathRef", "4:9 PL-209 /dagRef", "5:1 PL-201 /foo"],
            id="two-references-one-of-them-bad",
        ),
        pytest.param(
            HEAD + "pathRef: a.yaml\ncomponent: {run: {kind: jub}}\n",
            ["4:12 PL-209 /component", "4:25 PL-206 /component/run/kind"],
            id="two-references-and-a-bad-component",
        ),
        pytest.param(HEAD + "name: 3\n", ["1:1 PL-202 /component", "3:7 PL-203 /name"], id="no-reference"),
        pytest.param(
            HEAD + "pathRef: a.yaml\npath_ref: b.yaml\n", ["4:1 PL-209 /path_ref"], id="one-reference-in-two-spellings"
        ),
    ],
)
def test_every_problem_is_said_once_where_it_is(text, expected):
    loaded = load("f.yaml", text.encode())
    found = [
        f"{problem.place.line}:{problem.place.column} {problem.code} {problem.pointer}" for problem in loaded.problems
    ]
    assert found == expected, "\n".join(map(str, loaded.problems))


def test_moves_are_judged_beside_other_problems():
    text = "projct: x\nmoved: {a: a, b: c, d: c, e.f: c, g: h/i, j: j}\nbudgets: {starts: -1}\n"
    loaded = load_repository(".plumbline.yaml", text.encode())
    assert [(problem.place.line, problem.place.column, problem.pointer) for problem in loaded.problems] == [
        (1, 1, "/projct"),
        (2, 12, "/moved/a"),
        (2, 24, "/moved/d"),
        (2, 32, "/moved/e.f"),
        (2, 38, "/moved/g"),
        (2, 46, "/moved/j"),
        (3, 19, "/budgets/starts"),
    ]


def test_many_problems_in_a_deep_document_are_not_paid_for_at_every_level():
    deep = "{pathRef: x, foo: 1, component: {run: {kind: dag, operations: [" * 14
    text = f"version: 1.1\nkind: operation\npathRef: x\ncomponent: {{run: {{kind: dag, operations: [{deep}"
    text += "{" + ", ".join(f"f{i}: 1" for i in range(10_000)) + "}" + "]}}}" * 14 + "]}}\n"
    assert len(load("f.yaml", text.encode()).problems) == 51
