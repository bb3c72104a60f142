"""The types of fields that all sections share, beside the section itself.

Every field type here says in one plain sentence what it wants; `fault` carries that sentence, its code and its hint
through pydantic to `planner.spec.faults`. This module must never know a particular section.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import (
    BeforeValidator,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainValidator,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from planner import keys
from planner.spec.clashes import fault, refuse
from planner.spec.section import FieldClass, Section
from planner.spec.times import Duration, Instant
from planner.spec.words import kind_of, short

__all__ = [
    "SCALAR",
    "TEMPLATE",
    "TRUE",
    "Arguments",
    "Bool",
    "BoolOrTemplate",
    "Count",
    "CountOrTemplate",
    "Duration",
    "FieldClass",
    "Instant",
    "Name",
    "Names",
    "Number",
    "OrTemplate",
    "Printed",
    "Section",
    "Whole",
    "WholeOrTemplate",
    "fault",
    "is_template",
    "printed",
    "truth",
    "yes_no",
]

_LARGEST = 2**31 - 1
_LONGEST_NAME = 128


def is_template(value: object) -> bool:
    """Whether a value is text with a template in it: `{{`, something, `}}` (reference, notation).

    The outermost braces decide, as they hold every pair within; so the cost is linear.
    """
    return isinstance(value, str) and -1 < value.find("{{") < value.rfind("}}") - 2


TEMPLATE: JsonSchemaValue = {"type": "string", "pattern": r"\{\{[\s\S]+\}\}"}
"""The JSON Schema of text with a template in it."""


@dataclass(frozen=True)
class OrTemplate:
    """Marks a field that also takes text with a template in place of what it holds (reference: "`ref` in a type").

    `Annotated[Cache | str, OrTemplate(Cache)]`: anything but such text is read as a `Cache`, with its own faults.
    """

    kind: Any

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        del source
        kind = handler.generate_schema(self.kind)
        either = core_schema.simple_ser_schema("any")
        return core_schema.no_info_wrap_validator_function(_or_template, kind, serialization=either)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [handler(schema), TEMPLATE]}


def _or_template(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    return value if is_template(value) else handler(value)


# Scalars

_WORDS_OF_TRUTH: Mapping[str, bool] = MappingProxyType(
    dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True)
    | dict.fromkeys(("false", "f", "no", "n", "off", "0"), False)
)


def truth(value: object) -> bool | None:
    """What a value means where true or false is wanted; None where it means neither.

    `yes` and `on` are truth values of YAML 1.1, which specifications were written for; here YAML reads them as text.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return bool(value) if value in {0, 1} else None
    return _WORDS_OF_TRUTH.get(value.lower()) if isinstance(value, str) else None


def _truth(value: object) -> bool:
    found = truth(value)
    if found is None:
        raise fault("PL-203", f"{{field}} must be true or false, not {kind_of(value)}")
    return found


_YES = "[tT](?:[rR][uU][eE])?|[yY](?:[eE][sS])?|[oO][nN]|1"
_NO = "[fF](?:[aA][lL][sS][eE])?|[nN][oO]?|[oO][fF][fF]|0"
_WORDY: JsonSchemaValue = {"type": "string", "pattern": f"^(?:{_YES}|{_NO})$"}
TRUE: JsonSchemaValue = {"anyOf": [{"enum": [True, 1]}, {"type": "string", "pattern": f"^(?:{_YES})$"}]}
"""The JSON Schema of what means true."""
_TRUTH: JsonSchemaValue = {"anyOf": [{"type": "boolean"}, {"enum": [0, 1]}, _WORDY]}
Bool = Annotated[bool, PlainValidator(_truth), WithJsonSchema(_TRUTH)]
"""true or false, in any of the words that the reference takes."""


def _number(value: object) -> int | float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    raise fault("PL-203", f"{{field}} must be a number, not {kind_of(value)}")


Number = Annotated[int | float, PlainValidator(_number), WithJsonSchema({"type": "number"})]
"""An integer or a float, kept as written."""


def printed(value: object, at: tuple[str | int, ...] = ()) -> str:
    """The text of a scalar where a program will read it: numbers and booleans as in JSON, nothing as "".

    Raises:
        PydanticCustomError: for a mapping or a list.
    """
    match value:
        case None:
            return ""
        case str():
            return value
        case bool() | int() | float():
            return json.dumps(value)
        case _:
            raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}", at=at)


SCALAR: JsonSchemaValue = {"type": ["string", "number", "boolean", "null"]}
"""The JSON Schema of what has a printed form."""
Printed = Annotated[str, BeforeValidator(printed), WithJsonSchema(SCALAR)]
"""Text; numbers and booleans are taken as they print."""


def _arguments(value: object) -> object:
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list | tuple):
        raise fault("PL-203", f"{{field}} must be a list of strings, not {kind_of(value)}")
    faults: list[PydanticCustomError] = []
    words = [_word(item, index, faults) for index, item in enumerate(value) if item is not None]
    refuse(faults)
    return words


def _word(item: object, index: int, faults: list[PydanticCustomError]) -> str:
    try:
        return printed(item, (index,))
    except PydanticCustomError as error:
        faults.append(error)
        return ""


_WORDS: JsonSchemaValue = {
    "anyOf": [{"type": "array", "items": SCALAR}, {"type": "string"}],
}
Arguments = Annotated[tuple[str, ...], BeforeValidator(_arguments), WithJsonSchema(_WORDS)]
"""Words of a command: one string is one word, scalars are printed, empty entries dropped (reference, section 9.1)."""


def _whole(lowest: int, *, template: bool) -> Callable[[object], int | str]:
    def check(value: object) -> int | str:
        if template and isinstance(value, str) and is_template(value):
            return value
        if not isinstance(value, int) or isinstance(value, bool):
            hint = "remove the quotes" if isinstance(value, str) and value.isdigit() else ""
            raise fault("PL-203", f"{{field}} must be a whole number, not {kind_of(value)}", hint)
        if not lowest <= value <= _LARGEST:
            raise fault("PL-204", f"{{field}} must be from {lowest} to {_LARGEST}, not {value}")
        return value

    return check


def _numbers(lowest: int) -> JsonSchemaValue:
    return {"type": "integer", "minimum": lowest, "maximum": _LARGEST}


def _or_text(lowest: int) -> JsonSchemaValue:
    return {"anyOf": [_numbers(lowest), TEMPLATE]}


Count = Annotated[int, PlainValidator(_whole(1, template=False)), WithJsonSchema(_numbers(1))]
"""A whole number from 1."""
Whole = Annotated[int, PlainValidator(_whole(0, template=False)), WithJsonSchema(_numbers(0))]
"""A whole number from 0."""
CountOrTemplate = Annotated[int | str, PlainValidator(_whole(1, template=True)), WithJsonSchema(_or_text(1))]
"""A whole number from 1, or text with a template."""
WholeOrTemplate = Annotated[int | str, PlainValidator(_whole(0, template=True)), WithJsonSchema(_or_text(0))]
"""A whole number from 0, or text with a template."""


def _bool(value: object) -> bool | str:
    return value if isinstance(value, str) and is_template(value) else _truth(value)


def yes_no(value: object) -> str:
    """The hint for a word that YAML 1.1 took as a boolean, or ""."""
    if isinstance(value, str) and value.lower() in {"yes", "no", "on", "off", "y", "n", "true", "false"}:
        return f"write true or false without quotes: `{value}` is text"
    return ""


BoolOrTemplate = Annotated[bool | str, PlainValidator(_bool), WithJsonSchema({"anyOf": [_TRUTH, TEMPLATE]})]
"""true, false, or text with a template."""


# Names


def _name(value: object) -> str:
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}", "quote it")
    if is_template(value):
        raise fault("PL-208", "{field} cannot be a template: it is never rendered", "write the name out")
    if not keys.SEGMENT.fullmatch(value):
        raise fault("PL-208", f"`{short(value)}` is not a name", "use letters, digits, `-` and `_` only")
    if len(value) > _LONGEST_NAME:
        raise fault("PL-208", f"a name of {len(value)} characters", f"use {_LONGEST_NAME} at most")
    return value


_NAME: JsonSchemaValue = {
    "type": "string",
    "pattern": f"^{keys.SEGMENT.pattern}$",
    "maxLength": _LONGEST_NAME,
}
Name = Annotated[str, PlainValidator(_name), WithJsonSchema(_NAME)]
"""A name by the reference's rule (section 1), up to 128 characters. Templates are refused: names are identities."""


def _names(value: object) -> object:
    if isinstance(value, str):
        return [part for piece in value.split(",") if (part := piece.strip())]
    return value


_LIST: JsonSchemaValue = {
    "anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "string"}],
}
Names = Annotated[tuple[str, ...], BeforeValidator(_names), WithJsonSchema(_LIST)]
"""A list of strings; one string is split at commas (reference, section 1)."""
