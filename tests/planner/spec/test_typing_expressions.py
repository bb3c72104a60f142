"""Types as they are written (reference, section 8.1)."""

import time

import pytest
from pydantic import ValidationError

from planner.spec.io import IO
from planner.spec.typing_expressions import COMPOSITE_TYPES, CONSTRAINED_TYPES, SIMPLE_TYPES, read_kind

pytestmark = pytest.mark.unit

READ = {
    "List[float]": "List[float]",
    "list[float]": "List[float]",
    "Dict[str, int]": "Dict[str,int]",
    "dict": "dict",
    "List": "list",
    "List[any]": "list",
    "List[Any]": "list",
    "Dict[str, List[int]]": "Dict[str,List[int]]",
    "Dict[str, Any]": "Dict[str,Any]",
    "Optional[int]": "Optional[int]",
    "int | None": "Optional[int]",
    "Union[int, str, None]": "Optional[Union[int,str]]",
    "Union[int, Union[str, int]]": "Union[int,str]",
    "Union[int]": "int",
    "Tuple[int, str]": "Tuple[int,str]",
    "Tuple[int, ...]": "Tuple[int,...]",
    "Set[int]": "Set[int]",
    "frozenset[int]": "Set[int]",
    "List[ git ]": "List[git]",
    "SecretStr": "str",
    "EmailStr": "email",
    "PastDate": "date",
    "UUID": "uuid",
}
REFUSED = {
    "": "it ends early",
    " ": "it ends early",
    "strng": "did you mean `str`?",
    "string": "did you mean `str`?",
    "object": "did you mean `dict`?",
    "List[flaot]": "did you mean `float`?",
    "PositivInt": "did you mean `PositiveInt`?",
    "Optinal[int]": "did you mean `Optional`?",
    "List[": "it ends early",
    "List[int": "a `]` is missing",
    "List[int]]": "`]` is not expected here",
    "[int]": "`[` is not a name",
    "int int": "`int` is not expected here",
    "Optional": "needs types in brackets",
    "Union": "needs types in brackets",
    "Dict[str]": "has 2 in brackets, not 1",
    "List[int, str]": "has 1 in brackets, not 2",
    "int[str]": "has nothing in brackets",
    "List[...]": "`...` is not a name",
    "List[int, ...]": "behind the one type of a `Tuple`",
    "Tuple[int, str, ...]": "behind the one type of a `Tuple`",
    "Literal['a']": "`options`",
    "int; import os": "`;` has no place in it",
    "\N{GREEK SMALL LETTER ALPHA}": "has no place in it",
    "__import__": "unknown type `__import__`",
    "List[" * 12 + "int" + "]" * 12: "more than 8 types",
    "|".join(["int"] * 17): "more than 16 types",
    "x" * 201: "use 200 at most",
}


@pytest.mark.parametrize(("written", "expected"), READ.items(), ids=READ)
def test_an_expression_has_one_spelling(written, expected):
    assert str(read_kind(written)) == expected
    assert read_kind(expected) == read_kind(written)
    assert IO(name="x", type=written).type == expected


@pytest.mark.parametrize("name", [*SIMPLE_TYPES, *COMPOSITE_TYPES, *CONSTRAINED_TYPES])
def test_a_name_stays_as_it_is(name):
    assert str(read_kind(name)) == name


@pytest.mark.parametrize(("written", "said"), REFUSED.items(), ids=lambda text: text[:30])
def test_what_is_no_type_is_said(written, said):
    with pytest.raises(ValidationError) as caught:
        IO(name="x", type=written)
    (error,) = caught.value.errors()

    assert error["type"] == "PL-204"
    assert said in error["ctx"]["message"] + error["ctx"]["hint"]


def test_what_no_type_is_ends_at_once():
    began = time.process_time()
    for text in ("[" * 100_000, "a|" * 100_000, "List[" * 40, " " * 200, "a" * 200, ("_" * 190) + "["):
        with pytest.raises(ValidationError):
            IO(name="x", type=text)
    assert time.process_time() - began < 1
