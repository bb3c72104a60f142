"""What templates mean: values, text, lookups, operators, tags, and where an error points."""

import pytest

from planner.compile.template import (
    Symbol,
    TemplateError,
    compile_expression,
    compile_template,
    evaluate,
    is_template,
)

pytestmark = pytest.mark.unit

SCOPE = {
    "params": {"lr": {"value": 0.1}, "epochs": {"value": 3}, "tags": {"value": ["b", "a"]}},
    "globals": {"uuid": "0123456789", "name": "train"},
    "config": {"b": [1, None, True], "a": 'x"y'},
    "lr": 0.1,
    "big": 10**200,
    "large": 10**100,
    "on": True,
    "off": False,
    "nothing": None,
    "text": "hello",
    "pairs": [["a", 1], ["b", 2]],
    "pair": ("x", "y"),
    "__hidden": 1,
}


def render(text, scope=SCOPE):
    return evaluate(compile_template(text), scope)


def failure(text, scope=SCOPE):
    with pytest.raises(TemplateError) as caught:
        render(text, scope)
    return caught.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{{ lr }}", 0.1, id="float"),
        pytest.param("{{ params.epochs.value }}", 3, id="integer"),
        pytest.param("{{ on }}", True, id="boolean"),
        pytest.param("{{ nothing }}", None, id="none"),
        pytest.param("{{ params.tags.value }}", ["b", "a"], id="list"),
        pytest.param("{{ pair }}", ["x", "y"], id="tuple becomes a list"),
        pytest.param("{{ config }}", {"b": [1, None, True], "a": 'x"y'}, id="mapping"),
        pytest.param("{{ '3' }}", "3", id="a string that looks like a number"),
        pytest.param("{# why #}{{ lr }}", 0.1, id="a comment beside it is no text"),
        pytest.param(" {{- lr -}} \n", 0.1, id="white space taken away"),
        pytest.param(" {{ lr }}", " 0.1", id="a space makes it text"),
        pytest.param("{{ lr }}\n", "0.1\n", id="a final line break stays"),
        pytest.param("{{ on }}{{ off }}", "truefalse", id="two expressions are text"),
        pytest.param("{{ 1 }}{{ 2 }}", "12", id="digits side by side stay text"),
        pytest.param("{% if on %}{{ lr }}{% endif %}", "0.1", id="a tag makes it text"),
    ],
)
def test_a_whole_template_is_typed_and_any_other_is_text(text, expected):
    result = render(text)

    assert (type(result), result) == (type(expected), expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("<{{ nothing }}>", "<>", id="none is nothing"),
        pytest.param("<{{ on }}>", "<true>", id="boolean"),
        pytest.param("<{{ 1.0 }}>", "<1.0>", id="float keeps its point"),
        pytest.param("<{{ 1e-05 }}>", "<1e-05>", id="small float"),
        pytest.param("<{{ config }}>", '<{"a":"x\\"y","b":[1,null,true]}>', id="mapping is sorted JSON"),
        pytest.param("<{{ ['a', 'é'] }}>", '<["a","é"]>', id="list is JSON"),
        pytest.param("<{{ large - 1 }}>", "<" + "9" * 100 + ">", id="large integer"),
        pytest.param("", "", id="empty"),
        pytest.param("plain", "plain", id="no template"),
        pytest.param("{# c #}", "", id="comment only"),
        pytest.param("{% raw %}{{ a }}{% endraw %}", "{{ a }}", id="raw"),
        pytest.param("a\r\nb\rc {{ on }}", "a\nb\nc true", id="line ends"),
    ],
)
def test_text_of_values(text, expected):
    assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{{ params['lr'].value }}", 0.1, id="subscript"),
        pytest.param("{{ params['l' ~ 'r']['value'] }}", 0.1, id="computed key"),
        pytest.param("{{ pairs[1][0] }}", "b", id="index"),
        pytest.param("{{ pairs.1.0 }}", "b", id="dotted index"),
        pytest.param("{{ pairs[-1][1] }}", 2, id="index from the end"),
        pytest.param("{{ text[0] }}", "h", id="character"),
        pytest.param("{{ globals.uuid[:4] }}", "0123", id="slice of a string"),
        pytest.param("{{ pairs[1:] }}", [["b", 2]], id="slice of a list"),
        pytest.param("{{ text[2:99] }}", "llo", id="slice past the end"),
        pytest.param("{{ text[-2:] }}", "lo", id="slice from the end"),
    ],
)
def test_lookups(text, expected):
    assert render(text) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("1 + 2 * 3", 7, id="precedence"),
        pytest.param("7 // 2", 3, id="floor division"),
        pytest.param("7 / 2", 3.5, id="division"),
        pytest.param("7 % 4", 3, id="remainder"),
        pytest.param("-lr", -0.1, id="minus"),
        pytest.param("+lr", 0.1, id="plus"),
        pytest.param("'a' + 'b'", "ab", id="strings"),
        pytest.param("[1] + [2]", [1, 2], id="lists"),
        pytest.param("'ab' * 2", "abab", id="repeated string"),
        pytest.param("2 * [1]", [1, 1], id="repeated list"),
        pytest.param("'ab' * -9223372036854775809", "", id="repeated less often than an index goes"),
        pytest.param("[] * 9223372036854775808", [], id="nothing repeated more often than an index goes"),
        pytest.param("'a' * -1", "", id="repeated never"),
        pytest.param("'n=' ~ 3 ~ on ~ nothing", "n=3true", id="concatenation"),
        pytest.param("1 < 2 <= 2 != 3", True, id="chain"),
        pytest.param("1 < 2 < 2", False, id="chain that breaks"),
        pytest.param("1 == 1.0", True, id="integer and float"),
        pytest.param("true == 1", False, id="a boolean is no number"),
        pytest.param("[1, {'a': [2]}] == [1.0, {'a': [2]}]", True, id="deep equality"),
        pytest.param("'a' < 'b'", True, id="order of strings"),
        pytest.param("2 >= 3", False, id="at least"),
        pytest.param("3 > 2", True, id="greater"),
        pytest.param("'ell' in text", True, id="part of a string"),
        pytest.param("'a' in config", True, id="key of a mapping"),
        pytest.param("1 in config", False, id="a number is no key"),
        pytest.param("['a', 1] in pairs", True, id="item of a list"),
        pytest.param("3 not in [1, 2]", True, id="not in"),
        pytest.param("off or 'x'", "x", id="or gives an operand"),
        pytest.param("on and 0", 0, id="and gives an operand"),
        pytest.param("off and 1 / 0", False, id="and stops"),
        pytest.param("not off", True, id="not"),
        pytest.param("'a' if on else 'b'", "a", id="conditional"),
        pytest.param("'a' if off", None, id="conditional without else"),
        pytest.param("{'a': 1, 'b': [lr]}", {"a": 1, "b": [0.1]}, id="mapping literal"),
        pytest.param("(1, 2)", [1, 2], id="tuple literal"),
        pytest.param("1, 2", [1, 2], id="bare tuple"),
        pytest.param("0x10 + 0b11 + 1_000", 1019, id="number forms"),
        pytest.param(r"'\x41\u00e9\n'", "Aé\n", id="escapes"),
        pytest.param("'a' 'b'", "ab", id="adjacent strings"),
    ],
)
def test_operators_and_literals(expression, expected):
    result = render("{{ " + expression + " }}")

    assert (type(result), result) == (type(expected), expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{% if off %}a{% elif on %}b{% else %}c{% endif %}", "b", id="elif"),
        pytest.param("{% if off %}a{% else %}c{% endif %}", "c", id="else"),
        pytest.param("{% if off %}a{% endif %}", "", id="no branch"),
        pytest.param("{% for x in [1, 2] %}{{ x }};{% endfor %}", "1;2;", id="for"),
        pytest.param("{% for x in [] %}{{ x }}{% else %}none{% endfor %}", "none", id="for else"),
        pytest.param("{% for x in [1, 2, 3] if x is odd %}{{ loop.index }}={{ x }} {% endfor %}", "1=1 2=3 ", id="if"),
        pytest.param("{% for k, v in pairs %}{{ k }}{{ v }}{% endfor %}", "a1b2", id="unpacking"),
        pytest.param("{% for k in config %}{{ k }}{% endfor %}", "ab", id="keys in order"),
        pytest.param("{% for k, v in {'b': 1, 'a': 2} | items %}{{ k }}{{ v }}{% endfor %}", "a2b1", id="items"),
        pytest.param(
            "{% for x in 'abc' | list %}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }} {% endfor %}",
            "0truefalse3 1falsefalse3 2falsetrue3 ",
            id="loop",
        ),
        pytest.param("{% for lr in [1] %}{{ lr }}{% endfor %}{{ lr }}", "10.1", id="loop names end with the loop"),
        pytest.param(
            "{% for x in [1, 2] %}{% for y in [3, 4] %}{{ x }}{{ y }}{{ loop.index }} {% endfor %}{% endfor %}",
            "131 142 231 242 ",
            id="nested",
        ),
    ],
)
def test_tags(text, expected):
    assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{{ a.b.c | default(3) }}", 3, id="default at any step"),
        pytest.param("{{ params.nope.value | d }}", "", id="default without a value"),
        pytest.param("{{ nothing | default(1) }}", None, id="none is defined"),
        pytest.param("{{ nothing | default(1, true) }}", 1, id="default of what is false"),
        pytest.param("{{ lr | default(1 / 0) }}", 0.1, id="default not needed"),
        pytest.param("{{ pairs[9] | default('z') }}", "z", id="index past the end"),
        pytest.param("{{ text.upper | default('z') }}", "z", id="a string has no fields"),
        pytest.param("{{ [] | first | default('z') }}", "z", id="first of nothing"),
        pytest.param("{{ (a if on else lr) | default(2) }}", 2, id="inside a conditional"),
        pytest.param("{{ a is defined }}", False, id="not defined"),
        pytest.param("{{ a.b is undefined }}", True, id="undefined"),
        pytest.param("{{ params.lr is defined }}", True, id="defined"),
        pytest.param("{{ a is not defined }}", True, id="is not"),
        pytest.param("{{ a.b if a is defined else 0 }}", 0, id="guarded"),
    ],
)
def test_what_is_undefined_can_be_asked_about(text, expected):
    assert render(text) == expected


@pytest.mark.parametrize(
    ("text", "code", "place", "words"),
    [
        pytest.param("{{ parms.lr }}", "PL-405", (1, 4), "'parms' is undefined", id="name"),
        pytest.param("a\n b {{ params.lrr.value }}", "PL-405", (2, 7), "'params.lrr' is undefined", id="field"),
        pytest.param("{{ lr.x }}", "PL-405", (1, 4), "'lr.x' is undefined: 'lr' is a number", id="field of a number"),
        pytest.param("{{ pairs[9] }}", "PL-405", (1, 4), "'pairs[9]' is undefined: 'pairs' is a list", id="index"),
        pytest.param("{{ params[3] }}", "PL-405", (1, 4), "'params[3]' is undefined", id="number as key"),
        pytest.param("{{ [] | first }}", "PL-405", (1, 9), "there is no first item", id="first"),
        pytest.param("{{ loop.index }}", "PL-405", (1, 4), "'loop' is undefined", id="loop outside"),
        pytest.param("{{ 1 +\n 'a' }}", "PL-406", (1, 4), "'+' does not work on a number and a string", id="sum"),
        pytest.param("{{ true + 1 }}", "PL-406", (1, 4), "a boolean and a number", id="boolean sum"),
        pytest.param("{{ 'a' - 'b' }}", "PL-406", (1, 4), "'-' does not work", id="string difference"),
        pytest.param("{{ 1 / 0 }}", "PL-406", (1, 4), "division by zero", id="division by zero"),
        pytest.param("{{ 1 // 0.0 }}", "PL-406", (1, 4), "division by zero", id="floor division by zero"),
        pytest.param("{{ 1e308 * 10 }}", "PL-406", (1, 4), "not a finite number", id="infinity"),
        pytest.param("{{ big * big }}", "PL-407", (1, 4), "integers have at most 512 bits", id="large operand"),
        pytest.param("{{ big * 1.5e200 }}", "PL-407", (1, 4), "integers have at most 512 bits", id="large int, float"),
        pytest.param("{{ 1 < 'a' }}", "PL-406", (1, 4), "a number and a string have no order", id="order"),
        pytest.param("{{ 1 in 2 }}", "PL-406", (1, 4), "'in' does not work", id="in a number"),
        pytest.param("{{ 1 in 'a' }}", "PL-406", (1, 4), "'in' does not work", id="number in a string"),
        pytest.param("{{ -'a' }}", "PL-406", (1, 4), "needs a number", id="minus string"),
        pytest.param("{{ {1: 2} }}", "PL-406", (1, 5), "a key is a string", id="key"),
        pytest.param("{{ text[true] }}", "PL-406", (1, 4), "has no place for a boolean", id="boolean index"),
        pytest.param("{{ text['a':] }}", "PL-406", (1, 8), "a bound of a slice must be an integer", id="slice bound"),
        pytest.param("{{ config[1:] }}", "PL-406", (1, 10), "a mapping has no slices", id="slice of a mapping"),
        pytest.param("{{ text[::2] }}", "PL-406", (1, 8), "a slice has no step", id="slice step"),
        pytest.param("{% for x in 3 %}{% endfor %}", "PL-406", (1, 4), "'for' needs a list", id="loop over a number"),
        pytest.param("{% for x in 'abc' %}{% endfor %}", "PL-406", (1, 4), "not a string", id="loop over a string"),
        pytest.param("{% for a, b in [1] %}{% endfor %}", "PL-406", (1, 4), "not a list of 2", id="unpacking"),
        pytest.param("{% for loop in [1] %}{% endfor %}", "PL-404", (1, 8), "not 'loop'", id="loop as name"),
        pytest.param("{% for a, a in [1] %}{% endfor %}", "PL-404", None, "different ones", id="name twice"),
        pytest.param("{% for a.b in [1] %}{% endfor %}", "PL-404", None, "expected token 'in'", id="loop target"),
        pytest.param("{{ 1", "PL-404", (1, 4), "unexpected end of template", id="unclosed"),
        pytest.param("x\n{{ }}", "PL-404", (2, 4), "expected an expression", id="empty expression"),
        pytest.param("{{ a b }}", "PL-404", (1, 6), "got 'b'", id="two names"),
        pytest.param("a\n\n  {{ $ }}", "PL-404", (3, 6), "unexpected char '$'", id="strange character"),
        pytest.param("{{ 'a }}", "PL-404", (1, 4), "unexpected char", id="unclosed string"),
        pytest.param("{{ (1] }}", "PL-404", (1, 6), "unexpected ']', expected ')'", id="unbalanced"),
        pytest.param("{# c", "PL-404", (1, 3), "missing end of comment tag", id="unclosed comment"),
        pytest.param("{% raw %}x", "PL-404", (1, 10), "missing end of raw", id="unclosed raw"),
        pytest.param("{% if on %}x", "PL-404", (1, 12), "unexpected end of template", id="unclosed if"),
        pytest.param("{% endif %}", "PL-404", (1, 4), "unknown tag 'endif'", id="end without begin"),
        pytest.param("{% %}", "PL-404", (1, 4), "tag name expected", id="empty tag"),
        pytest.param(r"{{ '\d' }}", "PL-404", (1, 5), "unknown escape", id="escape"),
        pytest.param(r"{{ '\ud800' }}", "PL-404", (1, 5), "is not a character", id="half a character"),
        pytest.param(r"{{ '\U00110000' }}", "PL-404", (1, 5), "is not a character", id="past Unicode"),
        pytest.param("{{ 1e999 }}", "PL-407", (1, 4), "too large", id="infinite literal"),
        pytest.param("{{ lr | upper(1) }}", "PL-404", (1, 9), "takes no arguments", id="too many arguments"),
        pytest.param("{{ lr | trim('a', 'b') }}", "PL-404", (1, 9), "at most one argument", id="second argument"),
        pytest.param("{{ lr | replace('a') }}", "PL-404", (1, 9), "needs its argument 'new'", id="argument missing"),
        pytest.param("{{ lr | trim(cars='a') }}", "PL-404", (1, 9), "has no argument 'cars'", id="unknown argument"),
        pytest.param("{{ lr | trim('a', chars='a') }}", "PL-404", (1, 9), "twice", id="argument twice"),
        pytest.param("{{ lr | uper }}", "PL-406", (1, 9), "there is no filter 'uper'", id="unknown filter"),
        pytest.param("{{ lr is numbr }}", "PL-406", (1, 7), "there is no test 'numbr'", id="unknown test"),
    ],
)
def test_errors_say_what_and_where(text, code, place, words):
    error = failure(text)

    assert error.code == code
    assert words in error.message
    assert place is None or (error.line, error.column) == place
    assert error.message == error.message.rstrip(".")
    assert not error.message[0].isupper()


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        pytest.param("{{ parms.lr }}", "did you mean 'params'?", id="name"),
        pytest.param("{{ params.lrr }}", "did you mean 'params.lr'?", id="field"),
        pytest.param("{{ params.zzzzzz }}", "known here: epochs, lr, tags", id="nothing near"),
        pytest.param("{% for item in [1] %}{{ itm }}{% endfor %}", "did you mean 'item'?", id="loop name"),
        pytest.param("{{ lr | uper }}", "did you mean 'upper'?", id="filter"),
        pytest.param("{{ lr is numbr }}", "did you mean 'number'?", id="test"),
        pytest.param("{{ lr | trim(cars='a') }}", "did you mean 'chars'?", id="argument"),
        pytest.param("{{ 'a' + 1 }}", "write '~' to put texts together", id="sum of a string"),
        pytest.param("{{ params.items() }}", "write '| items'", id="method"),
    ],
)
def test_errors_say_what_to_do(text, hint):
    assert failure(text).hint == hint


def test_long_names_do_not_make_long_messages():
    error = failure("{{ " + "x" * 5000 + " }}")

    assert len(error.message) < 100
    assert error.hint == "known here: __hidden, big, config, globals, large, lr, nothing, off, …"


def test_messages_carry_no_values():
    error = failure("{{ token.x }}", {"token": "hunter2"})

    assert "hunter2" not in f"{error} {error.hint}"


def test_a_symbol_is_not_computed_with():
    scope = {"run": Symbol("globals.run")}

    for text in (
        "{{ run }}",
        "{{ run.x | default(1) }}",
        "{{ [run] }}",
        "{{ run == 1 }}",
        "{{ run and 1 }}",
        "a{{ run }}",
    ):
        assert (failure(text, scope).code, failure(text, scope).message) == ("PL-405", "'globals.run' is not known yet")


def test_a_value_that_is_not_json_is_our_fault():
    with pytest.raises(TypeError, match="object is not JSON data"):
        render("{{ x }}", {"x": object()})


def test_a_result_shares_nothing_with_the_scope():
    scope = {"xs": [[1], [2]]}

    result = render("{{ xs }}", scope)
    result[0].append(9)

    assert scope == {"xs": [[1], [2]]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("{{ a }}", True, id="expression"),
        pytest.param("{% if a %}", True, id="tag"),
        pytest.param("{# a #}", True, id="comment"),
        pytest.param("{ a } ${b}", False, id="other braces"),
        pytest.param("", False, id="empty"),
    ],
)
def test_is_template(text, expected):
    assert is_template(text) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("lr < 0.5 and on", True, id="comparison"),
        pytest.param("params.epochs.value", 3, id="lookup"),
    ],
)
def test_bare_expressions(text, expected):
    assert evaluate(compile_expression(text), SCOPE) == expected


@pytest.mark.parametrize(
    ("text", "column"),
    [
        pytest.param("lr }} x", 4, id="breaking out"),
        pytest.param("lr <", 4, id="unfinished"),
        pytest.param("", 1, id="empty"),
        pytest.param("lr lr", 4, id="two"),
        pytest.param("{{ lr }}", 7, id="braces are a mapping"),
    ],
)
def test_bad_bare_expressions(text, column):
    with pytest.raises(TemplateError) as caught:
        compile_expression(text)

    assert (caught.value.code, caught.value.line, caught.value.column) == ("PL-404", 1, column)


def test_equal_texts_are_compiled_once():
    assert compile_template("{{ once.only }}") is compile_template("{{ once.only }}")
    long = "{{ a }}" + " " * 5000
    assert compile_template(long) is not compile_template(long)
