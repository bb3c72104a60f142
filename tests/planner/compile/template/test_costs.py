"""Templates that would cost too much: each ends by a counted limit, at once, and with its place."""

import time

import pytest

from planner.compile.template import Budget, TemplateError, bind, compile_template, evaluate

pytestmark = pytest.mark.unit

LIMIT = 2.0
"""Seconds of processor time that one of them may take on a slow machine."""

DOUBLING = "".join(f"{{% for a{i + 1} in [[a{i}, a{i}, a{i}, a{i}]] %}}" for i in range(12))
NAMES = ", ".join(f"n{i}" for i in range(2000))

SCOPE = {
    "a0": 1,
    "xs": list(range(1000)),
    "big": list(range(100_000)),
    "long": "x" * 1_000_000,
    "texts": ["x" * 10_000 + str(i) for i in range(2_000)],
    "same": ["X" * 1_000_000] * 1_000,
    "wide": {f"k{i}": i for i in range(50_000)},
}

BOMBS = {
    "repeated string": "{{ 'x' * 1000000000 }}",
    "repeated list": "{{ [1] * 1000000000 }}",
    "repeated twice": "{{ ('x' * 100000) * 100000 }}",
    "nested loops": "{% for i in xs %}{% for j in xs %}{% for k in xs %}x{% endfor %}{% endfor %}{% endfor %}",
    "quiet loops": "{% for i in xs %}{% for j in xs %}{% for k in xs %}{% endfor %}{% endfor %}{% endfor %}",
    "filtered loops": "{% for i in big if i > 100000 %}{% endfor %}{% for i in big if i > 100000 %}{% endfor %}" * 3,
    "shared parts rendered": DOUBLING + "{{ a12 }}" + "{% endfor %}" * 12,
    "shared parts compared": DOUBLING + "{{ a12 == [a11, a11, a11, a11, 1] }}" + "{% endfor %}" * 12,
    "shared parts unique": DOUBLING + "{{ [a12, a12] | unique | length }}" + "{% endfor %}" * 12,
    "shared parts in": DOUBLING + "{{ 1 in [a12, a12] }}" + "{% endfor %}" * 12,
    "large result": "{{ [big, big, big, big] }}",
    "large result of mappings": "{{ [wide, wide, wide, wide, wide] }}",
    "large text": "{{ long ~ long }}",
    "large text by output": "{{ long }}{{ long }}",
    "upper again and again": "{{ long" + " | upper" * 60 + " }}",
    "replace that grows": "{{ long | replace('x', 'yyyyyyyyyyyyyyyyyyyy') }}",
    "replace that grows twice": "{{ ('x' * 1000) | replace('x', 'y' * 500) | replace('y', 'z' * 1000) }}",
    "join with a long separator": "{{ xs | join('-' * 10000) }}",
    "split into letters": "{{ long | list | length }}{{ long | replace('x', 'x ') | split | length }}",
    "sort": "{{ big | sort | sort }}",
    "sort of long texts": "{{ texts | sort }}",
    "lower case of shared texts": "{{ same | sort }}",
    "lower case of shared texts, unique": "{{ same | unique }}",
    "trim of many characters": "{{ long | trim('y' * 100000 ~ 'x') }}",
    "search in long texts": "{% for i in xs %}{{ 'xy' in long }}{% endfor %}",
    "map of map": "{{ xs | map('map_format', '%99s' * 1000) | join }}",
    "map over maps": "{% for i in xs %}{{ xs | map('string') | map('upper') | map('lower') | length }}{% endfor %}",
    "slices": "{% for i in xs %}{{ long[1:] | length }}{% endfor %}",
    "lists of characters": "{% for i in xs %}{{ long | list | length }}{% endfor %}",
    "sums of lists": "{% for i in xs %}{{ (big + big) | length }}{% endfor %}",
    "products": "{{ " + " * ".join(["9" * 100] * 20) + " }}",
    "long integer": "{{ " + "9" * 10_000 + " }}",
    "long hexadecimal": "{{ 0x" + "f" * 90_000 + " }}",
    "long float": "{{ 0." + "1" * 90_000 + " }}",
    "width": "{{ 1 | map_format('%99d' * 20000) }}",
    "brackets": "{{ " + "(" * 5_000 + ")" * 5_000 + " }}",
    "lists in lists": "{{ " + "[" * 5_000 + "]" * 5_000 + " }}",
    "not not": "{{ " + "not " * 5_000 + "xs }}",
    "minus minus": "{{ " + "-" * 5_000 + "1 }}",
    "else if": "{{ " + "1 if xs else " * 2_000 + "1 }}",
    "long sum": "{{ " + "1 + " * 2_000 + "1 }}",
    "long chain of fields": "{{ xs" + ".a" * 3_000 + " }}",
    "long chain of filters": "{{ xs" + " | list" * 3_000 + " }}",
    "tags in tags": "{% if 1 %}" * 2_000 + "{% endif %}" * 2_000,
    "many expressions": "{{ 1 }}" * 14_000,
    "many names in a loop": "{% for " + NAMES + " in xs %}{% endfor %}",
    "long text": "{{ a0 }}" + "x" * 100_000,
    "open strings": "{{ " + "'a" * 40_000 + " }}",
    "open tags": "{%" * 40_000 + "{% if",
    "digits and underscores": "{{ " + "1_" * 40_000 + " }}",
    "spaces before raw": "{%" + " " * 90_000 + "ra %}",
}
MISTAKES = {"open strings", "open tags", "spaces before raw"}
"""Those that are no template either, and only have to end."""


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_end_at_once(name):
    begun = time.process_time()
    with pytest.raises(TemplateError) as caught:
        evaluate(compile_template(BOMBS[name]), SCOPE)
    taken = time.process_time() - begun

    assert caught.value.code in (("PL-404", "PL-406") if name in MISTAKES else ("PL-407",))
    assert taken < LIMIT


def test_what_is_ordinary_is_far_from_the_limits():
    budget = Budget()
    text = "{{ xs | map('map_format', '--layer=%s') | join(' ') }}" * 10

    evaluate(compile_template(text), SCOPE, budget)

    assert budget.steps > 100_000
    assert budget.size > 500_000


def test_one_budget_bounds_many_templates():
    spec = {f"f{i}": "{{ xs | length }} {{ xs | join }}" for i in range(1_000)}

    bound = bind(spec, SCOPE, Budget(steps=20_000))

    assert [flaw.error.code for flaw in bound.flaws] == ["PL-407"]
    assert bound.value["f0"].startswith("1000 012345")
    assert bound.value["f999"] == spec["f999"]


def test_mistakes_are_bounded_too():
    spec = ["{{ nme }}"] * 10_000

    begun = time.process_time()
    bound = bind(spec, {"name": 1, **{f"n{i}": 1 for i in range(100)}})

    assert 0 < len(bound.flaws) < 1_000
    assert bound.flaws[0].error.code == "PL-405"
    assert time.process_time() - begun < LIMIT


@pytest.mark.parametrize(
    ("spent", "place"),
    [
        pytest.param({"steps": 3}, (2, 4), id="steps"),
        pytest.param({"size": 3}, (2, 9), id="size"),
        pytest.param({"size": 2}, (1, 1), id="text"),
    ],
)
def test_the_end_of_a_budget_is_a_problem_with_a_place(spent, place):
    with pytest.raises(TemplateError) as caught:
        evaluate(compile_template("ab\n{{ xs | join }}{{ xs | join }}"), SCOPE, Budget(**spent))

    assert caught.value.code == "PL-407"
    assert (caught.value.line, caught.value.column) == place
