"""For all texts and all data: nothing but template errors, and always the same answer."""

import contextlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from planner.compile.template import Budget, Symbol, TemplateError, bind, compile_expression, compile_template, evaluate
from planner.compile.template.apply import FILTER_NAMES, TEST_NAMES

pytestmark = pytest.mark.unit

FEW = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])

DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
SCOPES = st.fixed_dictionaries({"a": DATA, "b": DATA, "params": st.dictionaries(st.sampled_from(["x", "y"]), DATA)})

CALLED = sorted(FILTER_NAMES)
ASKED = sorted(TEST_NAMES)
OPERATORS = ["+", "-", "*", "/", "//", "%", "~", "==", "<", "in", "and", "or"]
WORDS = st.one_of(
    st.sampled_from([*CALLED, *ASKED]),
    st.sampled_from(
        ["a", "b", "params", ".x", "['x']", "[0]", "[1:]", "loop", "'t'", '"', "'", "\\", "1", "2.5", "1e9"]
    ),
    st.sampled_from(["|", "is", "not", "if", "else", "for", "endfor", "endif", "elif", "raw", "endraw", "set"]),
    st.sampled_from([*OPERATORS, "**", ">=", "(", ")", "[", "]", "{", "}", ",", ":", "=", "."]),
    st.sampled_from(["{{", "}}", "{%", "%}", "{#", "#}", "-", "\n", "\r", "é", "\0", "$", "__class__", "none", "true"]),
)
SOUP = st.lists(WORDS, max_size=25).map(" ".join)
EXPRESSIONS = st.recursive(
    st.sampled_from(["a", "b", "params.x", "params.y.z", "a[0]", "b['k']", "1", "2.5", "'t'", "none", "true", "[]"]),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(OPERATORS), inner),
        st.builds("({} | {})".format, inner, st.sampled_from(CALLED)),
        st.builds("({} | {}({}))".format, inner, st.sampled_from(CALLED), inner),
        st.builds("({} | map('{}'))".format, inner, st.sampled_from(CALLED)),
        st.builds("({} is {})".format, inner, st.sampled_from(ASKED)),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{'k': {}}}".format, inner),
        st.builds("({})[{}:]".format, inner, inner),
    ),
    max_leaves=8,
)
TEMPLATES = EXPRESSIONS.map("{{{{ {} }}}}".format) | EXPRESSIONS.map(
    "<{{% for x in {} %}}{{{{ x }}}}{{% endfor %}}>".format
)


def outcome(text, scope):
    """The canonical answer: a value as JSON, or the error."""
    try:
        return json.dumps(evaluate(compile_template(text), scope, Budget(steps=5_000, size=20_000)), sort_keys=True)
    except TemplateError as caught:
        error = caught
    assert 1 <= error.line <= text.count("\n") + text.count("\r") + 1
    assert error.column >= 1
    assert len(error.message) <= 300
    return (error.code, error.message, error.line, error.column, error.hint)


@FEW
@given(text=st.text(), scope=SCOPES)
def test_any_text(text, scope):
    outcome(text, scope)
    outcome("{{" + text + "}}", scope)
    outcome("{%" + text + "%}", scope)


@FEW
@given(text=SOUP, scope=SCOPES)
def test_any_words_of_the_language(text, scope):
    assert outcome(text, scope) == outcome(text, scope)
    outcome("{{ " + text + " }}", scope)


@FEW
@given(text=SOUP)
def test_any_bare_expression(text):
    with contextlib.suppress(TemplateError):
        compile_expression(text)


@FEW
@given(text=TEMPLATES, scope=SCOPES)
def test_evaluation_is_deterministic_and_blind_to_the_order_of_keys(text, scope):
    def reversed_keys(value):
        match value:
            case dict():
                return {key: reversed_keys(value[key]) for key in reversed(value)}
            case list():
                return [reversed_keys(item) for item in value]
            case _:
                return value

    first = outcome(text, scope)

    assert outcome(text, scope) == first
    assert outcome(text, reversed_keys(scope)) == first


@FEW
@given(text=TEMPLATES, scope=SCOPES)
def test_what_waits_for_nothing_does_not_depend_on_symbols(text, scope):
    partial = {**scope, "b": Symbol("b")}

    bound = bind(text, partial)
    whole = bind(text, scope)

    if not bound.pending and not bound.flaws:
        assert bound == whole
    if bound.pending:
        assert bound.value == text
        assert bound.waiting_on == {"b"}


@FEW
@given(value=DATA)
def test_binding_leaves_data_without_templates_alone(value):
    text = json.dumps(value)
    if "{{" in text or "{%" in text or "{#" in text:
        return
    assert bind(value, {}).value == value
