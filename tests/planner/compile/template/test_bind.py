"""Binding in two steps, what is waited for, and what a template reads."""

import pytest

from planner.canon import digest
from planner.compile.template import (
    Symbol,
    TemplateError,
    bind,
    compile_template,
    finish,
    names,
    undefined,
    waiting,
)

pytestmark = pytest.mark.unit

SCOPE = {
    "params": {
        "lr": {"value": 0.1},
        "layers": {"value": [1, 2]},
        "data": {"value": Symbol("ops.prepare.outputs.path")},
    },
    "globals": {"name": "train", "uuid": Symbol("globals.uuid"), "run": Symbol("globals.run")},
    "lr": 0.1,
    "code": "{{ lr }}",
}

START = {
    "params": {"lr": {"value": 0.1}, "layers": {"value": [1, 2]}, "data": {"value": "/store/{{ lr }}"}},
    "globals": {"name": "train", "uuid": "u1", "run": {"key": "train@g1"}},
    "lr": 0.1,
    "code": "{{ lr }}",
}


def test_what_is_known_is_evaluated_and_the_rest_is_left():
    spec = {
        "image": "python:3.11",
        "args": ["--lr={{ params.lr.value }}", "{{ params.layers.value }}", "--out={{ globals.uuid }}/{{ lr }}"],
        "env": {"data": "{{ params.data.value }}", "{{ lr }}": "{{ globals.name }}"},
        "count": 3,
        "off": None,
    }

    bound = bind(spec, SCOPE)

    assert bound.value == {
        "image": "python:3.11",
        "args": ["--lr=0.1", [1, 2], "--out={{ globals.uuid }}/{{ lr }}"],
        "env": {"data": "{{ params.data.value }}", "{{ lr }}": "train"},
        "count": 3,
        "off": None,
    }
    assert bound.pending == {
        "/args/2": frozenset({"globals.uuid"}),
        "/env/data": frozenset({"ops.prepare.outputs.path"}),
    }
    assert bound.waiting_on == {"globals.uuid", "ops.prepare.outputs.path"}
    assert bound.flaws == ()


def test_the_second_step_evaluates_only_what_waited():
    bound = bind({"a": "{{ code }}", "b": "{{ params.data.value }}", "c": "{{ globals.uuid }}"}, SCOPE)

    done = finish(bound, START)

    assert done.value == {"a": "{{ lr }}", "b": "/store/{{ lr }}", "c": "u1"}
    assert done.pending == {}
    assert finish(done, START) == done


def test_the_second_step_may_leave_something_too():
    bound = bind(["{{ globals.uuid }}", "{{ globals.run.key }}"], SCOPE)

    later = finish(bound, {"globals": {"uuid": "u1", "run": Symbol("globals.run")}})

    assert later.value == ["u1", "{{ globals.run.key }}"]
    assert dict(later.pending) == {"/1": frozenset({"globals.run"})}


def test_a_rendered_text_and_a_pending_template_are_different_values():
    pending = bind(["{{ globals.uuid }}"], SCOPE)
    literal = bind(["{{ text }}"], {"text": "{{ globals.uuid }}"})

    assert pending.value == literal.value
    assert digest(pending.identity) != digest(literal.identity)


@pytest.mark.parametrize(
    "value",
    ["007", "1e-3", "[1, 2]", "True", "1,2", "", 7, 0.5, True, None, ["a"], {"a": {}}],
    ids=repr,
)
def test_literals_keep_their_type(value):
    bound = bind(value, SCOPE)

    assert (type(bound.value), bound.value) == (type(value), value)
    assert (bound.pending, bound.flaws) == ({}, ())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{{ globals.uuid }}", {"globals.uuid"}, id="symbol"),
        pytest.param("{{ globals.run.deep.er }}", {"globals.run"}, id="below a symbol"),
        pytest.param("{{ globals }}", {"globals.uuid", "globals.run"}, id="a mapping with symbols"),
        pytest.param("{{ params[lr ~ ''].value }}", {"ops.prepare.outputs.path"}, id="computed key reads all"),
        pytest.param("{{ params | items | length }}", {"ops.prepare.outputs.path"}, id="all of a mapping"),
        pytest.param("{{ globals['uuid'][:3] }}", {"globals.uuid"}, id="slice"),
        pytest.param("{{ lr if lr else globals.uuid }}", {"globals.uuid"}, id="a branch not taken"),
        pytest.param("{{ globals.uuid is defined }}", {"globals.uuid"}, id="asked about"),
        pytest.param("{{ globals.uuid | default(1) }}", {"globals.uuid"}, id="with a default"),
        pytest.param("{{ globals.nope | default(globals.uuid) }}", {"globals.uuid"}, id="in a default"),
        pytest.param("{% for x in globals.run %}{{ x }}{% endfor %}", {"globals.run"}, id="in a loop"),
        pytest.param("{{ lr }}", set(), id="nothing"),
        pytest.param("{% for globals in [1] %}{{ globals }}{% endfor %}", set(), id="hidden by a loop"),
        pytest.param("{{ globals.name }}", set(), id="a sibling"),
    ],
)
def test_waiting(text, expected):
    assert waiting(compile_template(text), SCOPE) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{{ a.b['c'].d }}", {("a", "b", "c", "d")}, id="path"),
        pytest.param("{{ a[b].c }}", {("a",), ("b",)}, id="computed key"),
        pytest.param("{{ a[0].c }}", {("a",)}, id="index"),
        pytest.param("{{ a.b[1:c] }}", {("a", "b"), ("c",)}, id="slice"),
        pytest.param("{{ a + b * c ~ -d }}", {("a",), ("b",), ("c",), ("d",)}, id="operators"),
        pytest.param("{{ a < b in c and not d or e }}", {("a",), ("b",), ("c",), ("d",), ("e",)}, id="logic"),
        pytest.param("{{ a if b else c }}", {("a",), ("b",), ("c",)}, id="conditional"),
        pytest.param("{{ [a, {b: c}] }}", {("a",), ("b",), ("c",)}, id="literals"),
        pytest.param("{{ a | replace(b, new=c) }}", {("a",), ("b",), ("c",)}, id="filter"),
        pytest.param("{{ a is divisibleby b }}", {("a",), ("b",)}, id="test"),
        pytest.param("{{ a | default(b, c) }}", {("a",), ("b",), ("c",)}, id="default"),
        pytest.param("{{ a.b is defined }}", {("a", "b")}, id="defined"),
        pytest.param("{{ a | map('replace', b, c) }}", {("a",), ("b",), ("c",)}, id="map"),
        pytest.param("{{ a | selectattr('x', 'in', b) }}", {("a",), ("b",)}, id="selectattr"),
        pytest.param(
            "{% if a %}{{ b }}{% elif c %}{{ d }}{% else %}{{ e }}{% endif %}", {(x,) for x in "abcde"}, id="if"
        ),
        pytest.param(
            "{% for x, y in a if x.k and b %}{{ x.z }}{{ loop.index }}{{ c }}{% else %}{{ x }}{% endfor %}",
            {("a",), ("b",), ("c",), ("x",)},
            id="for",
        ),
        pytest.param("{% for x in x %}{{ x }}{% endfor %}", {("x",)}, id="a loop over its own name"),
        pytest.param("{{ (a.b)[c].d }}", {("a", "b"), ("c",)}, id="brackets"),
        pytest.param("{{ (a | first).b }}", {("a",)}, id="field of a result"),
        pytest.param("plain {# {{ a }} #}{% raw %}{{ b }}{% endraw %}", set(), id="text"),
    ],
)
def test_names(text, expected):
    assert names(compile_template(text)) == expected


@pytest.mark.parametrize(
    ("text", "places"),
    [
        pytest.param("{{ nope }}\n{{ params.nah.value }}", [(1, 4), (2, 4)], id="all at once"),
        pytest.param("{{ 1 if true else nope }}", [(1, 19)], id="a branch not taken"),
        pytest.param("{{ globals.uuid }}{{ nope }}", [(1, 22)], id="beside a symbol"),
        pytest.param("{{ lr.x }}", [(1, 4)], id="field of a number"),
        pytest.param("{{ nope | default(1) }}", [], id="default"),
        pytest.param("{{ nope | default(nah) }}", [(1, 19)], id="in a default"),
        pytest.param("{{ nope is defined }}", [], id="asked about"),
        pytest.param("{% if nope is defined %}{{ nope.a.b }}{% endif %}", [], id="asked about elsewhere"),
        pytest.param("{{ params.nah is defined and params.nah.value or params.nuh }}", [(1, 50)], id="asked about one"),
        pytest.param("{{ globals.run.any.thing }}", [], id="below a symbol"),
        pytest.param(
            "{% for x in params.layers.value %}{{ x.y }}{% endfor %}", [], id="items of loops are not checked"
        ),
        pytest.param("{{ x }}{% for x in [1] %}{{ x }}{% endfor %}", [(1, 4)], id="outside its loop"),
    ],
)
def test_undefined_variables_are_found_without_evaluating(text, places):
    found = undefined(compile_template(text), SCOPE)

    assert [(error.line, error.column) for error in found] == places
    assert {error.code for error in found} <= {"PL-405"}


def test_every_mistake_is_reported_with_its_pointer():
    spec = {
        "a/b": ["{{ parms.lr }}", "{{ 1"],
        "~": "{{ cycler() }}",
        "x": "{{ params.lr.value + 'a' }}",
        "fine": "{{ lr }}",
    }

    bound = bind(spec, SCOPE)

    assert [(flaw.pointer, flaw.error.code) for flaw in bound.flaws] == [
        ("/a~1b/0", "PL-405"),
        ("/a~1b/1", "PL-404"),
        ("/~0", "PL-406"),
        ("/x", "PL-406"),
    ]
    assert bound.flaws[0].error.hint == "did you mean 'params'?"
    assert bound.value == {**spec, "fine": 0.1}
    assert bound.pending == {}


def test_a_whole_string_may_be_bound():
    assert bind("{{ lr }}", SCOPE).value == 0.1
    assert dict(bind("{{ globals.uuid }}", SCOPE).pending) == {"": frozenset({"globals.uuid"})}


def test_an_error_reads_as_place_code_and_sentence():
    with pytest.raises(TemplateError, match=r"^2:4: PL-404: expected an expression"):
        compile_template("a\n{{ }}")
