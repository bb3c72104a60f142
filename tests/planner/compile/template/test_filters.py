"""Every filter and test of the language on ordinary and odd data, and the page that lists them."""

import re
from pathlib import Path

import pytest

from planner.compile.template import Budget, TemplateError, compile_template, evaluate
from planner.compile.template.apply import FILTER_NAMES, TEST_NAMES
from planner.compile.template.budget import MAX_BITS, MAX_DATA_DEPTH, MAX_DEPTH, MAX_TEXT, MAX_TOKENS

pytestmark = pytest.mark.unit

SCOPE = {
    "xs": [3, 1, 2],
    "words": ["b", "A", "a"],
    "rows": [{"n": 2, "in": {"k": "y"}}, {"n": 1, "in": {"k": "x"}}],
    "gaps": [{"n": 1}, {}],
    "m": {"b": 1, "a": [2]},
    "text": "  Hello, World  ",
    "huge": 10**400,
}


def value(expression):
    return evaluate(compile_template("{{ " + expression + " }}"), SCOPE)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("3 | string", "3"),
        ("none | string", ""),
        ("m | string", '{"a":[2],"b":1}'),
        ("'<b>' | tojson", '"<b>"'),
        ("none | tojson", "null"),
        ("m | tojson", '{"a":[2],"b":1}'),
        ("'aB' | upper", "AB"),
        ("true | upper", "TRUE"),
        ("'aB' | lower", "ab"),
        ("'hELLO wORLD' | capitalize", "Hello world"),
        ("'hello wORLD-foo (bar' | title", "Hello World-Foo (Bar"),
        ("text | trim", "Hello, World"),
        ("'xxaxx' | trim('x')", "a"),
        ("'aaa' | replace('a', 'b')", "bbb"),
        ("'aaa' | replace('a', 'b', 2)", "bba"),
        ("'aaa' | replace('a', 'b', count=-1)", "bbb"),
        ("'a1' | replace('1', 2)", "a2"),
        ("'a,b,c' | split(',')", ["a", "b", "c"]),
        ("'a,b,c' | split(',', 1)", ["a", "b,c"]),
        ("' a  b ' | split", ["a", "b"]),
        ("3 | map_format('--v=%s')", "--v=3"),
        ("3 | map_format('%(x)03d%%', 'x')", "003%"),
        ("0.125 | map_format('%.2f')", "0.12"),
        ("[1] | map_format('%s')", "[1]"),
        ("'x' | map_format('%5s')", "    x"),
        ("'3.9' | int", 3),
        ("' -12 ' | int", -12),
        ("3.9 | int", 3),
        ("true | int", 1),
        ("'ff' | int(base=16)", 255),
        ("'x' | int(0)", 0),
        ("'1e999' | int(7)", 7),
        ("none | int(none)", None),
        ("'1e-3' | float", 0.001),
        ("2 | float", 2.0),
        ("'nan' | float(0)", 0),
        ("'inf' | float(0)", 0),
        ("'1_0' | int(0)", 0),
        ("huge | float(0)", 0),
        ("-3 | abs", 3),
        ("2.567 | round(2)", 2.57),
        ("2.5 | round", 2.0),
        ("2.1 | round(method='ceil')", 3.0),
        ("2.19 | round(1, 'floor')", 2.1),
        ("17 | round(-1)", 20),
        ("xs | length", 3),
        ("m | count", 2),
        ("'abc' | length", 3),
        ("xs | first", 3),
        ("xs | last", 2),
        ("'abc' | first", "a"),
        ("m | first", "a"),
        ("'ab' | list", ["a", "b"]),
        ("m | list", ["a", "b"]),
        ("m | items", [["a", [2]], ["b", 1]]),
        ("xs | join", "312"),
        ("[1, none, true, 'x', [2]] | join('-')", "1--true-x-[2]"),
        ("rows | join(',', attribute='in.k')", "y,x"),
        ("xs | reverse", [2, 1, 3]),
        ("'abc' | reverse", "cba"),
        ("xs | min", 1),
        ("xs | max", 3),
        ("words | min", "A"),
        ("words | max", "b"),
        ("rows | max(attribute='n')", {"n": 2, "in": {"k": "y"}}),
        ("xs | sum", 6),
        ("rows | sum('n')", 3),
        ("[] | sum(start=5)", 5),
        ("xs | sort", [1, 2, 3]),
        ("xs | sort(true)", [3, 2, 1]),
        ("words | sort", ["A", "a", "b"]),
        ("['b', 'a', 'B'] | sort(case_sensitive=true)", ["B", "a", "b"]),
        ("rows | sort(attribute='in.k') | map(attribute='n')", [1, 2]),
        ("[2, 1.5] | sort", [1.5, 2]),
        ("[] | sort", []),
        ("words | unique", ["b", "A"]),
        ("words | unique(true)", ["b", "A", "a"]),
        ("[1, 1.0, true, [1], [1]] | unique", [1, True, [1]]),
        ("words | map('upper')", ["B", "A", "A"]),
        ("words | map('replace', 'a', 'x') | list", ["b", "A", "x"]),
        ("xs | map('map_format', '--v=%s') | list", ["--v=3", "--v=1", "--v=2"]),
        ("rows | map(attribute='in.k')", ["y", "x"]),
        ("gaps | map(attribute='n', default=0)", [1, 0]),
        ("[[1, 2], [3, 4]] | map(attribute='1')", [2, 4]),
        ("[[1, 2], [3]] | map('map', 'string')", [["1", "2"], ["3"]]),
        ("[none, 1] | map('default', 5, true)", [5, 1]),
        ("xs | select('odd')", [3, 1]),
        ("xs | select('gt', 1)", [3, 2]),
        ("[0, 1, '', 'a'] | select", [1, "a"]),
        ("[0, 1] | reject", [0]),
        ("xs | reject('in', [1, 2])", [3]),
        ("rows | selectattr('n', '<', 2) | map(attribute='n')", [1]),
        ("gaps | selectattr('n')", [{"n": 1}]),
        ("gaps | rejectattr('n')", [{}]),
        ("gaps | selectattr('n', 'undefined')", [{}]),
        ("nope | default('x')", "x"),
    ],
    ids=str,
)
def test_filters(expression, expected):
    result = value(expression)

    assert (type(result), result) == (type(expected), expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("none is none", True),
        ("0 is none", False),
        ("true is boolean", True),
        ("1 is boolean", False),
        ("true is true", True),
        ("1 is true", False),
        ("false is false", True),
        ("1 is number", True),
        ("1.5 is number", True),
        ("true is number", False),
        ("1 is integer", True),
        ("1.0 is integer", False),
        ("1.0 is float", True),
        ("'a' is string", True),
        ("[1] is sequence", True),
        ("'a' is sequence", False),
        ("m is mapping", True),
        ("m is iterable", True),
        ("'a' is iterable", False),
        ("3 is odd", True),
        ("3 is even", False),
        ("9 is divisibleby 3", True),
        ("9 is divisibleby(2)", False),
        ("1 is in [1, 2]", True),
        ("1 is eq 1.0", True),
        ("1 is equalto 2", False),
        ("1 is ne 2", True),
        ("1 is lt 2", True),
        ("1 is lessthan 1", False),
        ("1 is le 1", True),
        ("2 is gt 1", True),
        ("1 is greaterthan 1", False),
        ("1 is ge 1", True),
        ("3 is not odd", False),
        ("xs is defined", True),
        ("nope is undefined", True),
    ],
    ids=str,
)
def test_tests(expression, expected):
    assert value(expression) is expected


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("[1] | upper", "needs a string, not a list"),
        ("'a' | replace('', 'b')", "needs a text to look for"),
        ("'a' | split('')", "needs a separator"),
        ("'a' | trim(1)", "'chars' must be a string"),
        ("3 | map_format('%x')", "is no pattern for this value"),
        ("3 | map_format('%s', 'x')", "is no pattern for this value"),
        ("3 | map_format('%(y)s', 'x')", "is no pattern for this value"),
        ("3 | map_format('100%')", "is no pattern for this value"),
        ("'a' | map_format('%d')", "'%d' needs a number"),
        ("huge | map_format('%e')", "the number is too large for its pattern"),
        ("'x' | int", "this string is no integer"),
        ("none | float", "this none is no number"),
        ("'1' | int(base=7)", "'base' is 2, 8, 10 or 16"),
        ("true | abs", "'abs' needs a number, not a boolean"),
        ("1.5 | round(99)", "'precision' is between"),
        ("1.5 | round(0, 'up')", "'method' is common, ceil or floor"),
        ("1.5 | round(0.5)", "'precision' must be an integer"),
        ("3 | length", "a number has no length"),
        ("3 | first", "needs a list or mapping"),
        ("xs | items", "'items' needs a mapping"),
        ("'abc' | join", "'join' needs a list or mapping, not a string"),
        ("[1, 'a'] | sort", "a list of number and string has no order"),
        ("[none] | min", "has no order"),
        ("[true, false] | max", "has no order"),
        ("['a'] | sum", "'sum' needs numbers"),
        ("[1] | sum(start='a')", "'sum' needs numbers"),
        ("xs | sort(attribute=1)", "'attribute' is a name in quotes"),
        ("1.5 is odd", "must be an integer"),
        ("'a' is even", "must be an integer"),
        ("3 is divisibleby 0", "division by zero"),
    ],
    ids=str,
)
def test_filters_refuse_what_they_cannot_do(expression, words):
    with pytest.raises(TemplateError) as caught:
        value(expression)

    assert caught.value.code == "PL-406"
    assert words in caught.value.message


@pytest.mark.parametrize(
    ("expression", "code", "words"),
    [
        ("gaps | map(attribute='n')", "PL-405", "'item.n' is undefined"),
        ("gaps | sum('n')", "PL-405", "an item of the list has no 'n'"),
        ("gaps | selectattr('n', 'odd')", "PL-405", "'item.n' is undefined"),
        ("xs | map", "PL-404", "needs its argument 'attribute'"),
        ("xs | map(filter)", "PL-404", "needs the name of a filter"),
        ("xs | map('nope')", "PL-406", "there is no filter 'nope'"),
        ("xs | map('attr', 'x')", "PL-406", "there is no filter 'attr'"),
        ("xs | select('nope')", "PL-406", "there is no test 'nope'"),
        ("xs | selectattr", "PL-404", "needs the name of a field"),
        ("[] | min", "PL-405", "there is no min item"),
        ("xs is defined(1)", "PL-404", "test 'defined' takes no arguments"),
        ("3 is divisibleby", "PL-404", "needs its argument 'num'"),
    ],
    ids=str,
)
def test_lists_say_what_they_lack(expression, code, words):
    with pytest.raises(TemplateError) as caught:
        value(expression)

    assert caught.value.code == code
    assert words in caught.value.message


PAGE = (Path(__file__).parents[4] / "docs" / "templates.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("section", "names"),
    [pytest.param("filters", FILTER_NAMES, id="filters"), pytest.param("tests", TEST_NAMES, id="tests")],
)
def test_the_page_lists_exactly_what_is_allowed(section, names):
    table = PAGE.split(f"<!-- {section} -->")[1].split(f"<!-- /{section} -->")[0]
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    listed = [re.match(r"[\w=!<>]+", word)[0] for cell in cells for word in re.findall(r"`([^`]+)`", cell)]

    assert sorted(set(listed)) == sorted(names)


@pytest.mark.parametrize(
    "limit",
    [MAX_TEXT, MAX_TOKENS, MAX_DEPTH, MAX_BITS, MAX_DATA_DEPTH, Budget().steps, Budget().size],
    ids=["text", "tokens", "depth", "bits", "data depth", "steps", "size"],
)
def test_the_page_states_the_limits(limit):
    assert f" {limit:,} " in PAGE.split("## Limits")[1]


def test_every_filter_and_test_has_a_row_above():
    source = Path(__file__).read_text("utf-8")

    assert [
        name for name in FILTER_NAMES if f"| {name}" not in source and f"'{name}'" not in source and name != "d"
    ] == []
    assert [
        name for name in TEST_NAMES if f"is {name}" not in source and f"'{name}'" not in source and name.isalpha()
    ] == []
