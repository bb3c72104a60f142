"""The YAML reader: values, places, refusals and limits, with libyaml and without."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from planner.spec import yaml as reader

pytestmark = pytest.mark.unit

PARSERS = [pytest.param(reader._FAST, id="libyaml"), pytest.param(reader._PURE, id="pure")]


def values(text: str | bytes, parser=reader._FAST, path="f.yaml"):
    read = reader._read(path, text if isinstance(text, bytes) else text.encode(), parser)
    assert read.problems == ()
    return [document.value for document in read.documents]


def faults(text: str | bytes, parser=reader._FAST, path="f.yaml"):
    read = reader._read(path, text if isinstance(text, bytes) else text.encode(), parser)
    return [(problem.code, problem.place.line, problem.place.column) for problem in read.problems]


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("Null", None),
        ("nUll", "nUll"),
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("tRue", "tRue"),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("0", 0),
        ("-0", 0),
        ("+12", 12),
        ("0o17", 15),
        ("0xFf", 255),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("9223372036854775807", 2**63 - 1),
        ("1.", 1.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("1e-3", 0.001),
        ("-2.5E+1", -25.0),
        ("1.1.0", "1.1.0"),
        ("v1", "v1"),
        ("-", [None]),
        ("+", "+"),
        (".", "."),
        ("2026-11-23", "2026-11-23"),
        ("2001-99-99", "2001-99-99"),
        ("2026-11-23T06:00:00Z", "2026-11-23T06:00:00Z"),
        ("=", "="),
        ("'1'", "1"),
        ('"true"', "true"),
        ("! 'x'", "x"),
        ("! '5'", "5"),
        ("!!str 1", "1"),
        ("!!float 1", 1.0),
        ("!!int '1'", 1),
        ("!!null ''", None),
        ("!!bool 'true'", True),
        ("!!map {a: 1}", {"a": 1}),
        ("!!seq [1]", [1]),
        ("|\n  a\n  b", "a\nb"),
        (">-\n  a\n  b\n", "a b"),
        (r'"é\x41\U0001F600"', "éA😀"),
    ],
)
def test_words_of_the_core_schema(parser, word, value):
    (document,) = values(f"k: {word}" if not word.startswith("-\n") and word != "-" else f"k:\n- {word[1:]}", parser)
    assert document == {"k": value}
    assert type(document["k"]) is type(value)


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: 1\nb: 2\na: 3\n", [("PL-102", 3, 1)], id="duplicate-at-the-top"),
        pytest.param("a:\n  - {b: 1, b: 2}\n", [("PL-102", 2, 12)], id="duplicate-deep"),
        pytest.param("1: a\n'1': b\n", [("PL-102", 2, 1)], id="duplicate-in-another-spelling"),
        pytest.param("a: {<<: {b: 1}, <<: {c: 1}}\n", [("PL-102", 1, 17)], id="duplicate-merge-key"),
        pytest.param("é😀: {ü: 1, ü: 2}\n", [("PL-102", 1, 12)], id="columns-count-characters"),
        pytest.param("a: &x [*x]\n", [("PL-108", 1, 8)], id="recursive-alias"),
        pytest.param("a: &x {b: {c: *x}}\n", [("PL-108", 1, 15)], id="recursive-alias-deep"),
        pytest.param("a: *x\n", [("PL-101", 1, 4)], id="unknown-alias"),
        pytest.param("a: &x 1\n---\nb: *x\n", [("PL-101", 3, 4)], id="alias-of-another-document"),
        pytest.param("a: !!python/object/apply:os.system ['id']\n", [("PL-106", 1, 4)], id="python-tag"),
        pytest.param("a: !!binary aGk=\n", [("PL-106", 1, 4)], id="binary"),
        pytest.param("a: !!set {x}\n", [("PL-106", 1, 4)], id="set"),
        pytest.param("a: !!timestamp 2001-01-01\n", [("PL-106", 1, 4)], id="timestamp"),
        pytest.param("a: !mine x\n", [("PL-106", 1, 4)], id="own-tag"),
        pytest.param("a: !!int x\n", [("PL-106", 1, 4)], id="tag-that-does-not-fit"),
        pytest.param("a: !!str [x]\n", [("PL-106", 1, 4)], id="scalar-tag-on-a-list"),
        pytest.param("a: .nan\nb: -.inf\n", [("PL-106", 1, 4), ("PL-106", 2, 4)], id="not-finite"),
        pytest.param("a: 1e999\n", [("PL-106", 1, 4)], id="float-overflow"),
        pytest.param("a: 9223372036854775808\n", [("PL-106", 1, 4)], id="integer-over-64-bits"),
        pytest.param(f"a: {'9' * 10_000}\n", [("PL-106", 1, 4)], id="integer-of-10000-digits"),
        pytest.param("a: 010\n", [("PL-106", 1, 4)], id="octal-or-decimal"),
        pytest.param("? [a]\n: b\n", [("PL-106", 1, 3)], id="list-as-key"),
        pytest.param("a: {{ x }}\n", [("PL-106", 1, 5)], id="template-without-quotes"),
        pytest.param("a: &x b\n*x : c\n", [("PL-106", 2, 1)], id="alias-as-key"),
        pytest.param("~: a\n", [("PL-106", 1, 1)], id="null-as-key"),
        pytest.param("? \n: a\n", [("PL-106", 1, 2)], id="empty-key"),
        pytest.param("a: {<<: 3}\n", [("PL-106", 1, 9)], id="merge-of-a-number"),
        pytest.param("a: {<<: [{}, 3]}\n", [("PL-106", 1, 9)], id="merge-of-a-mixed-list"),
        pytest.param('a: "\\0"\n', [("PL-106", 1, 4)], id="escaped-nul"),
        pytest.param("a: b: c\n", [("PL-101", 1, 5)], id="value-in-a-value"),
        pytest.param("a:\n\t- b\n", [("PL-101", 2, 1)], id="tab"),
        pytest.param("a: @x\n", [("PL-101", 1, 4)], id="reserved-character"),
        pytest.param("a: 'x\n", [("PL-101", 2, 1)], id="open-quote"),
        pytest.param("a: [1, 2\n", [("PL-101", 2, 1)], id="open-list"),
        pytest.param("- a\nb: c\n", [("PL-101", 2, 1)], id="list-then-mapping"),
        pytest.param("a: b\n...\nc: d\n", [("PL-101", 3, 1)], id="text-after-the-end"),
        pytest.param("%YAML 2.0\n---\na: 1\n", [("PL-101", 1, 1)], id="yaml-2"),
        pytest.param("%YAML 1.9\n---\na: 1\n", [("PL-101", 1, 1)], id="yaml-1.9"),
        pytest.param("a: b\nc: \0\n", [("PL-101", 2, 4)], id="nul"),
        pytest.param("a: \x07\n", [("PL-101", 1, 4)], id="bell"),
        pytest.param("a: b\ufeff\n", [("PL-101", 1, 5)], id="byte-order-mark-inside"),
        pytest.param(b"a: 1\nb: \xff\n", [("PL-107", 2, 4)], id="not-utf-8"),
        pytest.param("a: 1".encode("utf-16"), [("PL-107", 1, 1)], id="utf-16"),
        pytest.param("[" * 65, [("PL-104", 1, 65)], id="depth-65"),
        pytest.param("[" * 5_000, [("PL-104", 1, 65)], id="depth-5000"),
        pytest.param("- &a 1\n" + "- *a\n" * 101, [("PL-105", 102, 3)], id="alias-101"),
    ],
)
def test_refuses(parser, text, expected):
    assert faults(text, parser) == expected


@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("\ufeffa: 1\n", [{"a": 1}], id="byte-order-mark"),
        pytest.param("a: 1\r\nb: |\r\n  x\r\n", [{"a": 1, "b": "x\n"}], id="crlf"),
        pytest.param("", [], id="empty"),
        pytest.param("# only a comment\n", [], id="comment"),
        pytest.param("---\na: 1\n---\n---\nb: 2\n", [{"a": 1}, None, {"b": 2}], id="several-documents"),
        pytest.param(
            "8080: a\ntrue: b\n1.50: c\non: d\n", [{"8080": "a", "true": "b", "1.50": "c", "on": "d"}], id="keys"
        ),
        pytest.param("'': a\n'~': b\n'<<': c\n", [{"": "a", "~": "b", "<<": "c"}], id="quoted-keys"),
        pytest.param("a: &x {k: 1}\nb: *x\n", [{"a": {"k": 1}, "b": {"k": 1}}], id="alias"),
        pytest.param("a: &x 1\nb: &x 2\nc: *x\n", [{"a": 1, "b": 2, "c": 2}], id="anchor-given-twice"),
        pytest.param(
            "x: &x {a: 1, b: 2}\ny: {b: 3, <<: *x}\nz: {<<: [{a: 0}, *x]}\n",
            [{"x": {"a": 1, "b": 2}, "y": {"b": 3, "a": 1}, "z": {"a": 0, "b": 2}}],
            id="merge-keys",
        ),
        pytest.param(
            '{"a": [1, true, null], "b": {"c": "\\u00e9\\/"}}', [{"a": [1, True, None], "b": {"c": "é/"}}], id="json"
        ),
        pytest.param("[" * 64 + "]" * 64, None, id="depth-64"),
        pytest.param("%YAML 1.2\n---\na: 1\n", [{"a": 1}], id="yaml-1.2"),
    ],
)
def test_reads(parser, text, expected):
    found = values(text, parser)
    assert expected is None or found == expected


@pytest.mark.parametrize("parser", PARSERS)
def test_json_files_may_use_tabs_and_surrogate_pairs(parser):
    text = '{\n\t"a":\t"\\ud83d\\ude00",\n\t"b": "\\\\ud83d"\n}'
    assert values(text, parser, "f.json") == [{"a": "😀", "b": "\\ud83d"}]


def test_half_a_character_is_refused_by_both_parsers():
    for parser in (reader._FAST, reader._PURE):
        assert [code for code, *_ in faults('a: "\\ud800"\n', parser)] in (["PL-101"], ["PL-106"])


@pytest.mark.parametrize("parser", PARSERS)
def test_places_of_keys_and_values(parser):
    text = "名: x\nrun:\n  args: [a, é, b]\n  env: &e {A/B: 1}\nother: *e\nmax_retries: 3\nm: {<<: *e}\n"
    places = reader._read("f.yaml", text.encode(), parser).documents[0].places
    table = {
        "": ((1, 1), (1, 1)),
        "/名": ((1, 1), (1, 4)),
        "/run": ((2, 1), (3, 3)),
        "/run/args/2": ((3, 16), (3, 16)),
        "/run/env/A~1B": ((4, 12), (4, 17)),
        "/other": ((5, 1), (5, 8)),
        "/other/A~1B": ((4, 12), (4, 17)),
        "/maxRetries": ((6, 1), (6, 14)),
        "/m/A~1B": ((4, 12), (4, 17)),
        "/run/args/9": ((3, 3), (3, 9)),
        "/run/missing/deeper": ((2, 1), (3, 3)),
    }
    found = {at: tuple((place.line, place.column) for place in (places.key(at), places.value(at))) for at in table}
    assert found == table
    assert places.has("/run/args/2")
    assert not places.has("/run/missing/deeper")


BOMBS = {
    "aliases": "a0: &a0 {x: 1}\n" + "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 11)),
    "merge-keys": "a0: &a0 {x: 1}\n"
    + "".join(f"a{i}: &a{i} {{<<: [{','.join([f'*a{i - 1}'] * 9)}], k{i}: 1}}\n" for i in range(1, 11)),
    "many-keys": "\n".join(f"k{i}: v" for i in range(80_000)),
    "many-items": "[" + "a," * 400_000,
    "many-documents": "---\n" * 200_000,
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_expansion_is_counted_before_it_is_paid(text):
    read = reader.read("f.yaml", text.encode())
    assert [problem.code for problem in read.problems] == ["PL-105"]


def test_depth_is_counted_through_aliases():
    chain = "a: &a0 " + "[" * 30 + "]" * 30 + "\nb: &a1 " + "[" * 30 + "*a0" + "]" * 30 + "\nc: [[[[*a1]]]]\n"
    assert faults(chain) == [("PL-104", 3, 8)]


def test_merged_entries_count_again_when_they_are_repeated():
    wide = "w: &w {" + ", ".join(f"k{i}: 1" for i in range(12_000)) + "}\n"
    assert faults(wide + "a: {<<: *w}\n") == [("PL-105", 2, 9)]


def test_a_file_over_the_limit_is_not_looked_at():
    assert faults(b"a" * 1_000_001) == [("PL-103", 0, 0)]


def test_problems_end_with_a_word_that_there_are_more():
    codes = [code for code, *_ in faults("a: 1\n" * 500)]
    assert codes == ["PL-102"] * 50 + ["PL-212"]


def test_a_syntax_error_keeps_the_documents_before_it():
    read = reader.read("f.yaml", b"a: 1\n---\nb: [\n")
    assert [document.value for document in read.documents] == [{"a": 1}]
    assert [problem.code for problem in read.problems] == ["PL-101"]


def test_an_open_template_is_explained():
    (problem,) = reader.read("f.yaml", b"a: {{ x }}\n").problems
    assert problem.hint == 'quote a template: "{{ … }}"'


@pytest.mark.parametrize("parser", PARSERS)
def test_a_key_that_is_nothing_costs_nothing_behind_it(parser):
    """libyaml takes the bracket behind it for its own: `[? ]` is a list of a mapping by YAML 1.2."""
    read = reader._read("f.yaml", b"a: [? ]\nb: [x, ? , y]\nc: &c 1\n", parser)
    assert [document.value for document in read.documents] == [{"a": [{}], "b": ["x", {}, "y"], "c": 1}]
    assert [(problem.code, problem.place.line) for problem in read.problems] == [("PL-106", 1), ("PL-106", 2)]


FRAGMENTS = st.lists(
    st.sampled_from(
        ["a", "b: ", "- ", "[", "]", "{", "}", ": ", ",", "\n", "\n  ", "'", '"', "&a ", "*a", "<<: ", "|\n", "#x",
         "---\n", "...\n", "!!str ", "!x ", "1", "0x1", ".5", "é", "😀", "? ", "@", "\\", "~", "\r\n", ">-\n",
         "\x85", "\u2028"]
    ),
    max_size=14,
).map("".join)  # fmt: skip


def _stops_at_a_question_mark(read, text):
    """Whether the pure parser takes no `?` inside of text between brackets, where YAML 1.2 and libyaml do."""
    if not read.problems or read.problems[-1].code != "PL-101":
        return False
    place = read.problems[-1].place
    line = re.split(r"\r\n|[\n\r\x85\u2028\u2029]", text)[place.line - 1]
    return line[place.column - 1 : place.column] == "?"


@settings(max_examples=300, deadline=2_000)
@given(FRAGMENTS)
@example("[b: ]")
@example("{b: }")
@example("{~? ")
@example("[? ]")
@example("[? , a]")
@example("[? , , a]")
@example("? \n: a")
@example("[a? ]")
def test_both_parsers_read_the_same(text):
    """Up to a syntax error: how far before it the parsers look ahead is their own affair."""
    data = (text + "\n").encode()
    fast, pure = reader._read("f.yaml", data, reader._FAST), reader._read("f.yaml", data, reader._PURE)
    documents = [[(document.value, document.places) for document in read.documents] for read in (fast, pure)]
    if _stops_at_a_question_mark(pure, data.decode()):
        assert documents[0][: len(documents[1])] == documents[1]
        return
    assert documents[0] == documents[1]
    codes = [[problem.code for problem in read.problems] for read in (fast, pure)]
    if ["PL-101"] == codes[0][-1:] == codes[1][-1:]:
        shorter, longer = sorted((found[:-1] for found in codes), key=len)
        assert longer[: len(shorter)] == shorter
    else:
        assert codes[0] == codes[1]
