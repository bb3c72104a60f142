"""Inputs and outputs of a component (reference, section 6).

The section checks its own shape: names, types and fields that exclude each other. Whether a value fits its type is
compile's question, because params and templates decide the value.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, PlainValidator, ValidationInfo, WithJsonSchema

from planner import keys
from planner.spec import patterns
from planner.spec.clashes import Clash, Said, beside
from planner.spec.delivery import ConnectionName, EnvName
from planner.spec.shape import Bool, Name, Number, Section, Whole, fault, is_template, truth
from planner.spec.typing_expressions import COMPOSITE_TYPES, CONSTRAINED_TYPES, SIMPLE_TYPES, read_kind
from planner.spec.words import kind_of, short

__all__ = ["IO", "RESERVED", "Ios", "Validation"]

RESERVED = frozenset({"globals", "params", "connections"})
"""Names that templates use for themselves."""


def _io_name(value: str) -> str:
    if value in RESERVED:
        raise fault("PL-208", f"`{value}` is a name that templates use", "choose another name")
    return value


_NAME = {
    "type": "string",
    "pattern": f"^(?!(?:{'|'.join(sorted(RESERVED))})$){keys.SEGMENT.pattern}$",
    "maxLength": 128,
}


def _type(value: object) -> str:
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}")
    return str(read_kind(value))


_TYPE = {"anyOf": [{"enum": [*SIMPLE_TYPES, *COMPOSITE_TYPES, *CONSTRAINED_TYPES]}, {"type": "string"}]}


def _pattern(value: str, info: ValidationInfo) -> str:
    spent = info.context if isinstance(info.context, dict) else {}  # what the patterns of a file have cost so far
    if spent.get("patterns", 0) > patterns.MAX_WEIGHT:
        raise fault("PL-105", "the patterns of this file are too many or too large together", "split the file")
    spent["patterns"] = spent.get("patterns", 0) + patterns.weight(value)
    if (said := patterns.fault_of(value)) is not None:
        raise fault("PL-204", *said)
    return value


def _bound(value: object) -> int | float | str:
    if is_template(value):
        raise fault("PL-406", "{field} cannot be a template: it is never rendered", "write the bound out")
    if isinstance(value, int | float | str) and not isinstance(value, bool):
        return value
    raise fault("PL-203", f"{{field}} must be a number or a date, not {kind_of(value)}")


def _divisor(value: float) -> int | float:
    if value == 0:
        raise fault("PL-204", "nothing is a multiple of 0")
    return value


_Bound = Annotated[int | float | str, PlainValidator(_bound), WithJsonSchema({"type": ["number", "string"]})]


class Validation(
    Section,
    inert="delay gt ge lt le multiple_of min_digits max_digits decimal_places regex min_length max_length contains "
    "excludes options min_items max_items keys contains_keys excludes_keys",
):
    """What a value must satisfy (reference, section 6.1)."""

    delay: Bool | None = None
    """Whether the value may come, and is only checked, when the run starts. Of outputs true by default."""
    gt: _Bound | None = None
    """The value is above this: a number, or an ISO 8601 date, instant or duration by the type."""
    ge: _Bound | None = None
    """The value is this or above."""
    lt: _Bound | None = None
    """The value is below this."""
    le: _Bound | None = None
    """The value is this or below."""
    multiple_of: Annotated[Number, AfterValidator(_divisor)] | None = None
    """The value divides by this without a rest."""
    min_digits: Whole | None = None
    """Characters of the value as text, without the point: at least so many."""
    max_digits: Whole | None = None
    """Characters of the value as text, without the point: at most so many."""
    decimal_places: Whole | None = None
    """Digits behind the point, at most."""
    regex: Annotated[str, AfterValidator(_pattern)] | None = None
    """Matched at the start of the value, in the syntax of Rust's regex."""
    min_length: Whole | None = None
    """Characters of a text, at least."""
    max_length: Whole | None = None
    """Characters of a text, at most."""
    contains: Any = None
    """What the value has in it: a part of a text, an item of a list, a key of a mapping."""
    excludes: Any = None
    """What the value must not have in it."""
    options: tuple[Any, ...] | None = None
    """The only values allowed."""
    min_items: Whole | None = None
    """Items of a list or mapping, at least."""
    max_items: Whole | None = None
    """Items of a list or mapping, at most."""
    keys: tuple[str, ...] | None = None
    """Keys of a mapping: exactly these."""
    contains_keys: tuple[str, ...] | None = None
    """Keys that a mapping has, among others."""
    excludes_keys: tuple[str, ...] | None = None
    """Keys that a mapping must not have."""


class IO(
    Section,
    identity="name type is_list is_flag value arg_format connection to_init to_env",
    inert="description is_optional validation delay_validation options",
):
    """One input or output."""

    name: Annotated[Name, AfterValidator(_io_name), WithJsonSchema(_NAME)]
    """What params and templates call it."""
    description: str | None = None
    """For people."""
    type: Annotated[str, PlainValidator(_type), WithJsonSchema(_TYPE)] | None = None
    """A type such as `int`, or an expression such as `Dict[str, int]`; without one, any value is taken."""
    is_optional: Bool | None = None
    """As written; `optional` tells what holds. False by default, true beside a `value`."""
    is_list: Bool | None = None
    """Whether it is a list of such values: `List[TYPE]`."""
    is_flag: Bool | None = None
    """A boolean that becomes `--name` or nothing on the command line."""
    value: Any = None
    """The default; `has_default` tells whether there is one, as null is a value."""
    arg_format: str | None = None
    """Template of `as_arg`; it sees the value under its name. `--name=value` by default."""
    connection: ConnectionName | None = None
    """A connection that goes with the value: templates see it, and `toInit` puts the value in place with it."""
    to_init: Bool | None = None
    """Whether the value is put in place before the run starts, as an entry before those of `init`."""
    to_env: EnvName | None = None
    """A variable that has the value, in the main container and the sidecars of the user."""
    validation: Validation | None = None
    """What a value must satisfy beyond its type."""
    delay_validation: Bool | None = None
    """Older spelling of `validation.delay`."""
    options: tuple[Any, ...] | None = None
    """Older spelling of `validation.options`."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """A default and `isOptional: false`; a flag that is no boolean."""
        if truth(said["isOptional"]) is False and said.has("value"):
            hint = "remove `isOptional`, or the value"
            yield (), fault("PL-209", "an input with a `value` is optional", hint, ("isOptional",))
        if truth(said["isFlag"]) and said["type"] != "bool":
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
