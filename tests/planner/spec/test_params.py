"""Params and inputs as they are written (reference, sections 6 and 7)."""

import pytest
from pydantic import ValidationError

from planner.spec.io import IO, Validation
from planner.spec.params import Param, Reference, path_of

pytestmark = pytest.mark.unit

RUN = "64332180-bfce-46eb-a80a-65caf73c5396"
REFERENCES = [
    ({"ref": "ops.a", "value": "outputs.loss"}, Reference("ops", "a", ("outputs", "loss"))),
    ({"ref": "ops.a", "value": "{{ outputs.loss }}"}, Reference("ops", "a", ("outputs", "loss"))),
    ({"ref": "dag", "value": "inputs.q"}, Reference("dag", "", ("inputs", "q"))),
    ({"ref": f"runs.{RUN}", "value": "outputs"}, Reference("runs", RUN, ("outputs",))),
    ({"ref": f"runs.{RUN.replace('-', '').upper()}", "value": "outputs"}, Reference("runs", RUN, ("outputs",))),
    ({"ref": "ops.a", "value": "io"}, Reference("ops", "a", ("io",))),
    ({"ref": "ops.a", "value": "artifacts.base"}, Reference("ops", "a", ("artifacts", "base"))),
    ({"ref": "ops.a", "value": "artifacts.x.y"}, Reference("ops", "a", ("artifacts", "x", "y"))),
    ({"ref": "ops.a", "value": {"files": ["a"]}}, Reference("ops", "a", ("artifacts", '{"files":["a"]}'))),
    (
        {"ref": "ops.a", "value": {"dirs": ["d"], "files": [["a", "b"]]}},
        Reference("ops", "a", ("artifacts", '{"dirs":["d"],"files":[["a","b"]]}')),
    ),
]
REFUSED = [
    ({"ref": "runs.last", "value": "outputs.o"}, "PL-204"),
    ({"ref": f"runs.{RUN}.outputs", "value": "outputs.o"}, "PL-204"),
    ({"ref": "runs", "value": "outputs.o"}, "PL-204"),
    ({"ref": "ops.a.b", "value": "outputs.o"}, "PL-204"),
    ({"ref": "dag.a", "value": "inputs.o"}, "PL-204"),
    ({"ref": "dag", "value": "outputs.o"}, "PL-204"),
    ({"ref": "ops.a", "value": "artifacts.a.b.c"}, "PL-204"),
    ({"ref": "ops.a", "value": "io.x"}, "PL-204"),
    ({"ref": "ops.a", "value": "globals"}, "PL-204"),
    ({"ref": "ops.a", "value": ["outputs.o"]}, "PL-203"),
    ({"ref": "ops.a", "value": {"paths": ["a"]}}, "PL-204"),
    ({"ref": "ops.a", "value": {"files": "a"}}, "PL-203"),
    ({"ref": "ops.a", "value": {"files": [["a"]]}}, "PL-203"),
    ({"ref": "ops.a", "value": {}}, "PL-204"),
    ({"value": 1, "toEnv": "A B"}, "PL-208"),
    ({"value": 1, "toEnv": "{{ x }}"}, "PL-208"),
    ({"value": 1, "toEnv": "1A"}, "PL-208"),
    ({"value": 1, "connection": ""}, "PL-204"),
    ({"value": 1, "connection": 3}, "PL-203"),
    ({"value": 1, "toInit": "{{ x }}"}, "PL-203"),
]


@pytest.mark.parametrize(("written", "expected"), REFERENCES, ids=repr)
def test_what_a_ref_points_at(written, expected):
    assert Param.model_validate(written).reference == expected
    assert path_of(written["value"]) == expected.path


@pytest.mark.parametrize(("written", "code"), REFUSED, ids=repr)
def test_what_is_no_param(written, code):
    with pytest.raises(ValidationError) as caught:
        Param.model_validate(written)
    assert [error["type"] for error in caught.value.errors()] == [code]


SHORT = [1, "a", None, [1], {"a": 1}, {"files": ["a"]}]


@pytest.mark.parametrize("value", SHORT, ids=repr)
def test_the_short_form_is_the_value(value):
    param = Param.model_validate(value)

    assert (param.value, param.has_value, param.reference) == (value, True, None)


@pytest.mark.parametrize("key", ["toEnv", "to_env"])
def test_a_param_may_say_no_more_than_where_the_value_goes(key):
    param = Param.model_validate({key: "A"})

    assert (param.to_env, param.has_value) == ("A", False)


WRITTEN = [
    ({"name": "a.b"}, "PL-208"),
    ({"name": "globals"}, "PL-208"),
    ({"name": "params"}, "PL-208"),
    ({"name": "connections"}, "PL-208"),
    ({"isFlag": True, "type": "int"}, "PL-209"),
    ({"isFlag": True, "type": "List[bool]"}, "PL-209"),
    ({"isOptional": False, "value": None}, "PL-209"),
    ({"toEnv": "="}, "PL-208"),
    ({"validation": {"gt": "{{ x }}"}}, "PL-406"),
    ({"validation": {"gt": True}}, "PL-203"),
    ({"validation": {"multipleOf": 0}}, "PL-204"),
]


@pytest.mark.parametrize(("written", "code"), WRITTEN, ids=repr)
def test_what_is_no_input(written, code):
    with pytest.raises(ValidationError) as caught:
        IO.model_validate({"name": "x", **written})
    assert [error["type"] for error in caught.value.errors()] == [code]


def test_every_field_of_the_reference_is_taken():
    both = IO(name="x", type="git", connection="c", toInit=True, toEnv="X", delayValidation=True, options=[{}])

    assert (both.connection, both.to_init, both.to_env, both.delayed, both.choices) == ("c", True, "X", True, ({},))
    assert set(Validation.model_fields) == {
        *("delay", "gt", "ge", "lt", "le", "multiple_of", "min_digits", "max_digits", "decimal_places", "regex"),
        *("min_length", "max_length", "contains", "excludes", "options", "min_items", "max_items", "keys"),
        *("contains_keys", "excludes_keys"),
    }
