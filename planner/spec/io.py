"""Inputs and outputs of a component (reference, section 6).

The section checks its own shape: names, types and fields that exclude each other. Whether a value fits its type is
compile's question, because params and templates decide the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, PlainValidator

from planner import keys
from planner.spec import patterns
from planner.spec.clashes import Clash, Said, beside
from planner.spec.shape import Bool, Name, Number, Section, Whole, fault
from planner.spec.words import kind_of, nearest, short

__all__ = ["IO", "RESERVED", "Ios", "SimpleType", "Validation"]

SimpleType = Literal[
    "str", "int", "float", "bool", "dict", "list", "any", "date", "datetime", "timedelta",
    "uuid", "email", "uri", "path", "metric", "metadata", "image", "gcs", "s3", "wasb",
]  # fmt: skip
"""Types of one value or a plain container (reference, section 8.1)."""

_COMPOSITE = frozenset({"git", "dockerfile", "artifacts", "event", "file", "tensorboard", "auth"})
_EXPRESSION = re.compile(r"[A-Z][A-Za-z]*(\[.*\])?", re.DOTALL)

_OTHER_WORDS = {"string": "str", "text": "str", "integer": "int", "number": "float", "double": "float", "map": "dict"}

RESERVED = frozenset({"globals", "params", "connections"})
"""Names that templates use for themselves."""


def _io_name(value: str) -> str:
    if value in RESERVED:
        raise fault("PL-208", f"`{value}` is a name that templates use", "choose another name")
    return value


def _type(value: object) -> str:
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}")
    if value in get_args(SimpleType):
        return value
    if value in _COMPOSITE:
        raise fault("PL-205", f"type `{value}` is not supported yet")
    if _EXPRESSION.fullmatch(value):
        raise fault("PL-205", f"type `{short(value)}` is not supported yet", "for a list, use `isList: true`")
    near = nearest(value, (*get_args(SimpleType), *_OTHER_WORDS))
    near = _OTHER_WORDS.get(near, near)
    raise fault("PL-204", f"unknown type `{short(value)}`", f"did you mean `{near}`?" if near else "")


def _pattern(value: str) -> str:
    if (said := patterns.fault_of(value)) is not None:
        raise fault("PL-204", *said)
    return value


def _bound(value: object) -> int | float | str:
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        return value
    raise fault("PL-203", f"{{field}} must be a number or a date, not {kind_of(value)}")


def _divisor(value: float) -> int | float:
    if value == 0:
        raise fault("PL-204", "nothing is a multiple of 0")
    return value


_Bound = Annotated[int | float | str, PlainValidator(_bound)]


class Validation(
    Section,
    inert="delay gt ge lt le multiple_of min_digits max_digits decimal_places regex min_length max_length contains "
    "excludes options min_items max_items keys contains_keys excludes_keys",
):
    """What a value must satisfy (reference, section 6.1)."""

    delay: Bool | None = None
    """Whether values are only checked when the run starts."""
    gt: _Bound | None = None
    ge: _Bound | None = None
    lt: _Bound | None = None
    le: _Bound | None = None
    multiple_of: Annotated[Number, AfterValidator(_divisor)] | None = None
    min_digits: Whole | None = None
    max_digits: Whole | None = None
    decimal_places: Whole | None = None
    regex: Annotated[str, AfterValidator(_pattern)] | None = None
    """Matched at the start of the value, in the syntax of Rust's regex."""
    min_length: Whole | None = None
    max_length: Whole | None = None
    contains: Any = None
    excludes: Any = None
    options: tuple[Any, ...] | None = None
    """The only values allowed."""
    min_items: Whole | None = None
    max_items: Whole | None = None
    keys: tuple[str, ...] | None = None
    contains_keys: tuple[str, ...] | None = None
    excludes_keys: tuple[str, ...] | None = None


class IO(
    Section,
    identity="name type is_list is_flag value arg_format",
    inert="description is_optional validation delay_validation options",
):
    """One input or output."""

    name: Annotated[Name, AfterValidator(_io_name)]
    description: str | None = None
    type: Annotated[str, PlainValidator(_type)] | None = None
    """One of `SimpleType`; None is not checked."""
    is_optional: Bool | None = None
    """As written; `optional` tells what holds."""
    is_list: Bool | None = None
    is_flag: Bool | None = None
    """A boolean that becomes `--name` or nothing on the command line."""
    value: Any = None
    """The default; `has_default` tells whether there is one, as null is a value."""
    arg_format: str | None = None
    """Template of `as_arg`."""
    validation: Validation | None = None
    delay_validation: Bool | None = None
    """Older spelling of `validation.delay`."""
    options: tuple[Any, ...] | None = None
    """Older spelling of `validation.options`."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """A default and `isOptional: false`; a flag that is no boolean."""
        if said["isOptional"] is False and said.has("value"):
            hint = "remove `isOptional`, or the value"
            yield (), fault("PL-209", "an input with a `value` is optional", hint, ("isOptional",))
        if said["isFlag"] is True and said["type"] != "bool":
            hint = "write `type: bool`"
            yield ("type",), fault("PL-209", "`isFlag` needs `type: bool`", hint, ("isFlag",), ("type",))

    @property
    def has_default(self) -> bool:
        """Whether the field `value` was written, be it null."""
        return "value" in self.model_fields_set

    @property
    def optional(self) -> bool:
        """Whether it may stay without a param."""
        return self.has_default or bool(self.is_optional)

    @property
    def delayed(self) -> bool | None:
        """Whether checks wait for the run to start, in either spelling; None when not said."""
        said = self.validation.delay if self.validation else None
        return self.delay_validation if said is None else said

    @property
    def choices(self) -> tuple[Any, ...] | None:
        """The only values allowed, in either spelling."""
        said = self.validation.options if self.validation else None
        return self.options if said is None else said


def _twins(entries: object) -> Iterator[Clash]:
    seen: set[str] = set()
    for index, entry in enumerate(entries if isinstance(entries, list | tuple) else ()):
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not keys.SEGMENT.fullmatch(name):
            continue
        if name in seen:
            yield (), fault("PL-211", f"`{short(name)}` is declared twice", "remove one of them", (index, "name"))
        seen.add(name)


Ios = Annotated[tuple[IO, ...], beside(_twins)]
"""Inputs or outputs, each name once."""
