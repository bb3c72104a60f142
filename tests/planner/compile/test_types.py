"""Conversions of reference section 8.1, compatibility of section 8.3, checks of section 6.1."""

import itertools
import json
import time

import pytest
from pydantic import ValidationError

from planner import canon
from planner.compile.checks import Checker, bound_faults, checks_of, violations
from planner.compile.types import compatible, convert
from planner.spec.io import IO, Validation
from planner.spec.typing_expressions import COMPOSITE_TYPES, CONSTRAINED_TYPES, SIMPLE_TYPES

pytestmark = pytest.mark.unit

TAKEN = [
    ("str", "x", "x"),
    ("str", 3, 3),
    ("str", ["a"], ["a"]),
    ("int", 3, 3),
    ("int", "3", 3),
    ("int", " -3 ", -3),
    ("int", 3.0, 3),
    ("int", True, 1),
    ("float", 3, 3.0),
    ("float", "1e-3", 0.001),
    ("float", ".5", 0.5),
    ("metric", "0.5", 0.5),
    ("bool", "on", True),
    ("bool", "FALSE", False),
    ("bool", 0, False),
    ("bool", "1", True),
    ("dict", '{"a": 1}', {"a": 1}),
    ("dict", {"a": 1}, {"a": 1}),
    ("metadata", {}, {}),
    ("list", "[1, 2]", [1, 2]),
    ("any", None, None),
    ("", {"a": None}, {"a": None}),
    ("date", "2026-11-23", "2026-11-23"),
    ("date", "2026-11-23T00:00:00Z", "2026-11-23"),
    ("uri", "mailto:me@example.org", "mailto:me@example.org"),
    ("datetime", "2026-11-23T06:00:00+01:00", "2026-11-23T05:00:00Z"),
    ("datetime", "2026-11-23T06:00:00", "2026-11-23T06:00:00"),
    ("timedelta", 90, 90),
    ("timedelta", "PT1H30M", 5400),
    ("timedelta", "P36525D", 3_155_760_000),
    ("timedelta", -90, -90),
    ("uuid", "9B1DEB4D3B7D4BAD9BDD2B0D7B3DCB6D", "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"),
    ("email", "a.b@example.org", "a.b@example.org"),
    ("uri", "https://user:pass@host:80/x", "https://user:pass@host:80/x"),
    ("path", "a/b c", "a/b c"),
    ("image", "registry:5000/team/train:1", "registry:5000/team/train:1"),
    ("image", "python", "python"),
    ("gcs", "gs://b/p", "gs://b/p"),
    ("s3", "s3://b", "s3://b"),
    ("wasb", "wasbs://c@u.blob.core.windows.net/p", "wasbs://c@u.blob.core.windows.net/p"),
    ("timedelta", "1 day, 01:00:00", 90000),
    ("timedelta", "2 days", 172800),
    ("timedelta", "00:01:30", 90),
    ("timedelta", "-P1D", -86400),
    ("uuid", "{9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d}", "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"),
    ("auth", "me:pass:word", "me:pass:word"),
    ("auth", {"user": "me", "password": "pass"}, "me:pass"),
    ("auth", '{"user": "me", "password": "pass"}', "me:pass"),
    ("git", {"url": "https://h/a.git", "flags": ["--depth=1"]}, {"url": "https://h/a.git", "flags": ["--depth=1"]}),
    ("git", '{"url": "u", "revision": "main"}', {"url": "u", "revision": "main"}),
    ("git", {}, {}),
    ("artifacts", {"files": ["a", ["b", "c"]], "dirs": ["d"]}, {"files": ["a", ["b", "c"]], "dirs": ["d"]}),
    ("dockerfile", {"image": "python", "lang_env": "C"}, {"image": "python", "langEnv": "C"}),
    ("event", {"name": "a", "kind": "image"}, {"name": "a", "kind": "image"}),
    ("file", {"content": "x"}, {"content": "x"}),
    ("tensorboard", {"port": 6006, "plugins": "a, b"}, {"port": 6006, "plugins": ["a", "b"]}),
    ("PositiveInt", "3", 3),
    ("NonNegativeInt", 0, 0),
    ("NegativeFloat", -1, -1.0),
    ("FiniteFloat", 1, 1.0),
    ("StrictInt", "3", 3),
    ("StrictFloat", 3, 3.0),
    ("StrictBool", "true", True),
    ("StrictStr", "3", "3"),
    ("Json", "[1]", [1]),
    ("ByteSize", "1.5 kB", 1500),
    ("ByteSize", "1KiB", 1024),
    ("List[float]", ["1", 2], [1.0, 2.0]),
    ("List[float]", "[1]", [1.0]),
    ("List[List[int]]", [["1"]], [[1]]),
    ("List[git]", [{"url": "a"}], [{"url": "a"}]),
    ("Dict[str,int]", '{"a": "1"}', {"a": 1}),
    ("Dict[int,str]", {"1": "a"}, {"1": "a"}),
    ("Optional[int]", None, None),
    ("Optional[int]", "3", 3),
    ("Union[int,str]", "3", 3),
    ("Union[int,str]", "a", "a"),
    ("Union[bool,int]", 1, 1),
    ("Union[int,float]", 1.5, 1.5),
    ("Tuple[int,str]", ["1", "a"], [1, "a"]),
    ("Tuple[int,...]", ["1", 2], [1, 2]),
    ("Set[int]", [1, "1", 2], [1, 2]),
]
REFUSED = [
    ("str", None),
    ("int", 3.5),
    ("int", "x"),
    ("int", "3.0"),
    ("int", None),
    ("float", "nan"),
    ("float", "1e999"),
    ("float", True),
    ("float", []),
    ("bool", 2),
    ("bool", "maybe"),
    ("dict", []),
    ("dict", "[1]"),
    ("list", {"a": 1}),
    ("list", '["NaN", NaN]'),
    ("date", "23.11.2026"),
    ("date", 20261123),
    ("date", "2026-11-23T06:00:00"),
    ("date", "2026-11-23T00:00:00+01:00"),
    ("uri", "example.org"),
    ("datetime", "noon"),
    ("timedelta", "1h"),
    ("timedelta", True),
    ("timedelta", "P999999999W"),
    ("timedelta", "PT999999999H"),
    ("timedelta", "P36525DT1S"),
    ("timedelta", 1e300),
    ("timedelta", -(2**63)),
    ("list", "[1e999]"),
    ("list", f"[{'9' * 200}]"),
    ("list", "[" * 70 + "]" * 70),
    ("list", "[" * 5_000),
    ("list", '["\\ud800"]'),
    ("dict", '{"\\u0000": 1}'),
    ("uuid", "9b1d"),
    ("email", "nobody"),
    ("uri", {"host": "x"}),
    ("path", 3),
    ("image", "im tag:x"),
    ("image", "a:b:c"),
    ("gcs", "s3://b/p"),
    ("wasb", "wasb://c/p"),
    ("git", "https://h/a.git"),
    ("git", ["https://h/a.git"]),
    ("artifacts", ["a"]),
    ("timedelta", "1 day01:00:00"),
    ("timedelta", ""),
    ("PositiveInt", 0),
    ("NonPositiveFloat", 0.5),
    ("StrictInt", 3.0),
    ("StrictInt", True),
    ("StrictBool", 1),
    ("StrictStr", 3),
    ("ByteSize", "much"),
    ("ByteSize", -1),
    ("List[int]", ["a"]),
    ("List[int]", {"a": 1}),
    ("Dict[str,int]", {"a": "b"}),
    ("Dict[int,str]", {"a": "b"}),
    ("Optional[int]", "a"),
    ("Union[int,bool]", "a"),
    ("Tuple[int,str]", [1]),
    ("list", "[" + "1," * 50_000 + "1]"),
]


def test_a_float_is_a_whole_number_as_far_as_templates_can_hold_it():
    assert convert(1e149, "int") == int(1e149)
    with pytest.raises(ValueError, match="a whole number is wanted"):
        convert(1e308, "int")


HOSTILE = [
    *(0.0, -0.0, 1e300, 1e-300, 5e-324, 1.7e308, 2**63, -(2**63), 10**149, 10**4_000, 123456789012345678901234567890),
    *("9" * 150, "9" * 151, "1e999", "1e-999", "P1D", "P٣W", "-P1D", "3.", "1_000", "\uff11", "inf", "nan", "\0", ""),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-12-31", "2026-W53-7", "20260101", "24:00"),
    *("[NaN]", "[" * 500 + "]" * 500, '{"a":' * 500 + "1" + "}" * 500, f"[{'9' * 5_000}]", "a" * 100_000),
    *(None, True, [], {}, [1, "a", None, [1e300]], {"a": [None]}, "null"),
]
EXPRESSIONS = (
    "List[int]",
    "Dict[str,float]",
    "Dict[int,any]",
    "Set[any]",
    "Tuple[int,str]",
    "Optional[uuid]",
    "int|List[int]",
)
KINDS = (*SIMPLE_TYPES, *COMPOSITE_TYPES, *CONSTRAINED_TYPES, *EXPRESSIONS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_type_takes_a_hostile_value_or_says_why_not(kind):
    for value, is_list in itertools.product(HOSTILE, (False, True)):
        try:
            found = convert(value, kind, is_list=is_list)
        except ValueError as error:
            assert "wanted" in str(error)  # noqa: PT017 - most values are refused, which is fine
        else:
            assert canon.digest(found)


NAMES = [field.alias for name, field in Validation.model_fields.items() if name != "delay"]
BOUNDS = [0, 1, -1, 1e300, 1e-300, 5e-324, -0.5, 2**63 - 1, "x", "2026-01-01", "(a+)+$", ["a"], [1, [{"a": 1e300}]]]


@pytest.mark.parametrize("name", NAMES)
def test_a_check_of_a_hostile_value_is_passed_or_failed(name):
    checked = 0
    for bound in BOUNDS:
        try:
            declared = checks_of(IO(name="x", validation={name: bound}))
        except ValidationError:
            continue
        for value in (*HOSTILE, HOSTILE[:20], dict.fromkeys("ab", 1e300)):
            assert len(list(violations(value, declared))) <= 1
            checked += 1
    assert checked


@pytest.mark.parametrize(("kind", "given", "expected"), TAKEN, ids=json.dumps)
def test_a_type_takes(kind, given, expected):
    found = convert(given, kind)

    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(("kind", "given"), REFUSED, ids=lambda item: json.dumps(item)[:60])
def test_a_type_refuses(kind, given):
    with pytest.raises(ValueError, match="is wanted, not"):
        convert(given, kind)


INSIDE = [
    ("git", {"revisoin": "a"}, "a value of type git is wanted: unknown field `revisoin`; did you mean `revision`?"),
    ("dockerfile", {}, "a value of type dockerfile is wanted: required field `image` is missing"),
    ("file", {"chmod": 1}, "a value of type file is wanted: required field `content` is missing"),
    ("auth", "secret", "`user:password` is wanted"),
    ("auth", {"user": "a:b", "password": "secret"}, "`user:password` is wanted"),
]


@pytest.mark.parametrize(("kind", "given", "said"), INSIDE, ids=json.dumps)
def test_what_is_wrong_inside_a_value_is_said(kind, given, said):
    with pytest.raises(ValueError, match="is wanted") as caught:
        convert(given, kind)
    assert str(caught.value) == said


def test_a_large_value_of_many_types_ends_in_time():
    wide = "Union[bool,int,float,date,datetime,timedelta,uuid,email,uri,List[int],Dict[str,int]]"
    began = time.process_time()
    for value in (["x"] * 50_000, "[" + ",".join(['"x"'] * 49_000) + "]", "a" * 1_000_000):
        with pytest.raises(ValueError, match="is wanted"):
            convert(value, f"List[{wide}]")
    assert time.process_time() - began < 3


def test_a_list_is_a_list_of_its_type():
    assert convert(["1", 2.0], "int", is_list=True) == [1, 2]
    assert convert("[1, 2]", "float", is_list=True) == [1.0, 2.0]
    with pytest.raises(ValueError, match="a list is wanted, not 3"):
        convert(3, "int", is_list=True)


@pytest.mark.parametrize(
    ("source", "target", "fits"),
    [
        ("int", "int", True),
        ("path", "str", True),
        ("s3", "wasb", True),
        ("float", "metric", True),
        ("", "int", True),
        ("int", "any", True),
        ("int", "float", False),
        ("str", "int", False),
        ("path", "uri", False),
        ("List[int]", "List[int]", True),
        ("List[path]", "List[str]", True),
        ("List[int]", "List[float]", False),
        ("List[int]", "list", True),
        ("list", "List[int]", True),
        ("List[int]", "int", False),
        ("Dict[str,int]", "Dict[str,int]", True),
        ("Dict[str,int]", "Dict[str,str]", False),
        ("Dict[str,int]", "dict", True),
        ("int", "Optional[int]", True),
        ("Optional[int]", "int", False),
        ("int", "Union[str,int]", True),
        ("PositiveInt", "int", True),
        ("int", "PositiveInt", False),
        ("git", "git", True),
        ("git", "dict", False),
    ],
)
def test_which_output_may_feed_which_input(source, target, fits):
    assert compatible(source, target) is fits


LISTS = [
    (("int", "int"), (True, True), True),
    (("int", "int"), (True, False), False),
    (("int", "List[int]"), (True, False), True),
    (("List[int]", "int"), (False, True), True),
    (("List[int]", "int"), (True, True), False),
    (("", "int"), (False, True), True),
    (("", "int"), (True, False), False),
    (("list", "int"), (False, True), True),
]


@pytest.mark.parametrize(("kinds", "lists", "fits"), LISTS, ids=repr)
def test_a_list_of_a_type_is_its_expression(kinds, lists, fits):
    assert compatible(*kinds, lists=lists) is fits


CHECKS = [
    ({"gt": 1}, 2, 1),
    ({"ge": 1}, 1, 0.5),
    ({"lt": 1}, 0, 1),
    ({"le": 1}, 1, 2),
    ({"gt": "2026-01-01"}, "2026-01-02", "2026-01-01"),
    ({"gt": 1}, 2, "2"),
    ({"multipleOf": 3}, 9, 10),
    ({"multipleOf": 0.1}, 0.3, 0.35),
    ({"multipleOf": 1e-300}, 3e-300, 1e300),
    ({"multipleOf": 0.5}, 1.5, 10**400),
    ({"gt": 0.5}, 10**400, -(10**400)),
    ({"gt": 1}, 2, [[1]]),
    ({"maxDigits": 5}, 1, 10**5000),
    ({"minDigits": 3}, 123, 12),
    ({"maxDigits": 3}, 12.3, 12.34),
    ({"decimalPlaces": 1}, 3, 0.25),
    ({"regex": "a+$"}, "aa", "b"),
    ({"regex": "a|b"}, "bx", "xb"),
    ({"regex": "a+$"}, "aa", "aa\n"),
    ({"regex": "a"}, "a", 1),
    ({"regex": "(a+)+$"}, "a" * 10_000, "a" * 10_000 + "!"),
    ({"minLength": 2}, "ab", "a"),
    ({"maxLength": 2}, "ab", "abc"),
    ({"contains": "b"}, "abc", "ac"),
    ({"excludes": "b"}, "ac", "abc"),
    ({"options": [1, "x"]}, 1.0, 2),
    ({"options": [1]}, 1, True),
    ({"gt": 0}, [1, 2], [1, 0]),
    ({"gt": 0}, {"a": 1}, {"a": 0}),
    ({"minItems": 2}, [1, 2], [1]),
    ({"maxItems": 1}, {"a": 1}, {"a": 1, "b": 2}),
    ({"keys": ["a"]}, {"a": 1}, {"a": 1, "b": 2}),
    ({"containsKeys": ["a"]}, {"a": 1, "b": 2}, {"b": 2}),
    ({"excludesKeys": ["a"]}, {"b": 2}, {"a": 1}),
]


def said(value):
    return repr(value)[:40] if not isinstance(value, int) or abs(value) < 10**40 else "huge"


@pytest.mark.parametrize(("checks", "good", "bad"), CHECKS, ids=said)
def test_a_check_tells_good_from_bad(checks, good, bad):
    declared = checks_of(IO(name="x", validation=checks))

    assert list(violations(good, declared)) == []
    assert len(list(violations(bad, declared))) == 1
    assert list(violations(None, declared)) == []


TYPED = [
    ("date", {"gt": "2026-01-01"}, "2026-01-02", "2026-01-01"),
    ("date", {"le": "20260101"}, "2026-01-01", "2026-01-02"),
    ("datetime", {"ge": "2026-01-01T06:00:00Z"}, "2026-01-01T06:00:00.5Z", "2026-01-01T05:59:59.999999Z"),
    ("datetime", {"lt": "2026-01-01T06:00:00+01:00"}, "2026-01-01T04:59:59Z", "2026-01-01T05:00:00Z"),
    ("datetime", {"gt": "2026-01-01"}, "2026-01-01T00:00:01", "2026-01-01T00:00:00"),
    ("timedelta", {"gt": "PT1M"}, 61, 60),
    ("timedelta", {"le": 60}, 60, 61),
    ("timedelta", {"options": ["PT1M", 120]}, 60, 61),
    ("List[date]", {"gt": "2026-01-01"}, ["2026-01-02"], ["2026-01-02", "2025-01-01"]),
    ("Dict[str,timedelta]", {"gt": "PT1M"}, {"a": 61}, {"a": 60}),
    ("Optional[date]", {"gt": "2026-01-01"}, "2026-01-02", "2026-01-01"),
    ("int", {"options": ["1"]}, 1, 2),
    ("bool", {"gt": 0}, True, False),
    ("Dict[str,list]", {"keys": ["a"]}, {"a": [1]}, {"b": [1]}),
    ("str", {"gt": "b"}, "c", "a"),
    ("git", {"containsKeys": ["url"]}, {"url": "a"}, {"revision": "b"}),
    ("List[list]", {"contains": 1}, [[1, 2]], [[2]]),
    ("uuid", {"options": ["9B1DEB4D3B7D4BAD9BDD2B0D7B3DCB6D"]}, "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d", "x"),
]


@pytest.mark.parametrize(("kind", "checks", "good", "bad"), TYPED, ids=said)
def test_a_bound_is_a_value_of_the_type_that_it_bounds(kind, checks, good, bad):
    declared = checks_of(IO(name="x", validation=checks))

    assert list(violations(good, declared, kind)) == []
    assert len(list(violations(bad, declared, kind))) == 1


BOUNDS_AT_FAULT = [
    ("date", {"gt": "soon"}, ["gt"]),
    ("date", {"gt": 1, "lt": "2026-01-01"}, ["gt"]),
    ("datetime", {"ge": "23.11.2026"}, ["ge"]),
    ("timedelta", {"le": "1h"}, ["le"]),
    ("int", {"gt": "1"}, ["gt"]),
    ("List[float]", {"gt": "a", "lt": 2}, ["gt"]),
    ("PositiveInt", {"lt": "a"}, ["lt"]),
    ("str", {"gt": 1}, []),
    ("int", {"regex": "a", "minLength": 1}, []),
    (None, {"gt": "a"}, []),
]


@pytest.mark.parametrize(("kind", "checks", "names"), BOUNDS_AT_FAULT, ids=repr)
def test_a_bound_of_another_type_is_at_fault(kind, checks, names):
    assert [name for name, _ in bound_faults(IO(name="x", type=kind, validation=checks))] == names


@pytest.mark.parametrize("value", [[1], "a", 1], ids=repr)
@pytest.mark.parametrize("name", ["keys", "containsKeys", "excludesKeys"])
def test_keys_are_a_matter_of_mappings(name, value):
    assert list(violations(value, checks_of(IO(name="x", validation={name: ["a"]})))) == []


def test_a_text_that_is_too_long_for_its_pattern_is_refused_and_not_matched():
    declared = checks_of(IO(name="x", validation={"regex": "(?:a?){700}!"}))

    assert list(violations("a" * 200, declared)) == ['must match "(?:a?){700}!"']
    assert list(violations(["a" * 200] * 2, declared)) == [
        'is too long to be matched against "(?:a?){700}!"',
    ]


def test_patterns_are_paid_for():
    checker = Checker.of(checks_of(IO(name="x", validation={"regex": "a+"})), "str")
    paid = []

    assert list(checker.violations("aaa", lambda cost: not paid.append(cost))) == []
    assert paid == [3 * len("a+")]
    assert list(checker.violations("aaa", lambda cost: False)) == [
        'is not matched against "a+": the patterns of this file cost too much together'
    ]


def test_many_values_against_many_options_are_not_compared_one_by_one():
    declared = checks_of(IO(name="x", options=list(range(20_000))))

    assert list(violations(list(range(20_000)), declared)) == []


def test_options_have_an_older_spelling():
    assert checks_of(IO(name="x", options=[1, 2])) == {"options": [1, 2]}
    assert checks_of(IO(name="x", validation={"delay": True})) == {}
