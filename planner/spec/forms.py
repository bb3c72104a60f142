"""Sections in several forms: a short one, or arguments as a mapping, a list in order, or text with colons.

`Annotated[Steps | str, Forms(Steps)]` reads `{start: 0, stop: 9, step: 3}`, `[0, 9, 3]` and `"0:9:3"` as the same
`Steps`, and keeps text with a template as it is (reference, section 13.2). Parts beyond the last field are ignored, as
the reference does. This module must never know a particular section.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError, ValidatorFunctionWrapHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from planner.spec.clashes import again, refuse
from planner.spec.shape import TEMPLATE, Section, fault, is_template
from planner.spec.words import kind_of, short

__all__ = ["SAME", "Forms", "Short"]

SAME = "x-same"
"""In a JSON Schema: the section and the field whose schema stands there in the end. Pydantic has no such reference."""

_NUMBER = re.compile(r"[-+]?(?:[0-9]{1,300}\.?[0-9]{0,300}|\.[0-9]{1,300})(?:[eE][-+]?[0-9]{1,4})?")
_WHOLE = re.compile(r"[-+]?[0-9]{1,19}")


@dataclass(frozen=True, eq=False)
class Short:
    """Marks a section that also has a short form.

    Attributes:
        long: the long form of a value in the short one; other values as they are.
        schema: of the short form.
    """

    long: Callable[[Any], Any]
    schema: JsonSchemaValue

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.long, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [handler(schema), self.schema]}


@dataclass(frozen=True)
class Forms:
    """Marks a field that holds the arguments of `section`, in the order of its fields.

    Attributes:
        section: the fields; those without a default must be there.
        text: whether text with colons is one of the forms.
    """

    section: type[Section]
    text: bool = True

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        del source
        return core_schema.no_info_wrap_validator_function(self._read, handler.generate_schema(self.section))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        items = [{SAME: f"{self.section.__name__}/{name}"} for name in self._names]
        forms = [handler(schema), {"type": "array", "minItems": len(self._needed), "prefixItems": items}, TEMPLATE]
        colons = {"type": "string", "pattern": "^[^:]+(:[^:]*){" + str(len(self._needed) - 1) + ",}$"}
        return {"anyOf": [*forms, colons] if self.text else forms}

    @property
    def _names(self) -> list[str]:
        return [field.alias or name for name, field in self.section.model_fields.items()]

    @property
    def _needed(self) -> list[str]:
        return [field.alias or name for name, field in self.section.model_fields.items() if field.is_required()]

    def _read(self, value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        if is_template(value):
            return value
        if isinstance(value, dict | Section):
            return _of_mapping(value, handler)
        parts = self._parts(value)
        if len(parts) < len(self._needed):
            said = f"{{field}} has {len(parts)} of the {len(self._needed)} parts that it needs"
            raise fault("PL-204", said, f"write {self._example}")
        try:
            return handler(dict(zip(self._names, parts, strict=False)))
        except ValidationError as error:
            refuse([self._placed(details, listed=not isinstance(value, str)) for details in error.errors()])
            raise  # unreachable: an error has at least one line

    def _parts(self, value: Any) -> list[Any]:
        if isinstance(value, list | tuple):
            return list(value)
        if self.text and isinstance(value, str):
            return [_number(part.strip()) for part in value[:2_000].split(":")[: len(self._names)]]
        raise fault("PL-203", f"{{field}} must hold {self._example}, not {kind_of(value)}")

    @property
    def _example(self) -> str:
        names = self._needed
        listed = f"`[{', '.join(names)}]`"
        return f"{listed} or `{':'.join(names)}`" if self.text else listed

    def _placed(self, details: Any, *, listed: bool) -> PydanticCustomError:
        """A fault of one part at its place in the form that was written. All faults of parts are our own."""
        said, loc = details["ctx"], details["loc"]
        message = said["message"] if listed or not loc else said["message"].replace("{field}", f"`{loc[0]}`")
        at = (self._names.index(str(loc[0])),) if listed and loc else ()
        return fault(details["type"], message, said["hint"], at=(*at, *said["at"]))


def _of_mapping(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """An unknown field beside a missing one is the missing one by another name: one problem, not two."""
    try:
        return handler(value)
    except ValidationError as error:
        known = error.errors(include_url=False)
        if not any(details["type"] == "extra_forbidden" for details in known):
            raise
        rest = [again(details) for details in known if details["type"] != "missing"]
        raise ValidationError.from_exception_data(error.title, rest) from None


def _number(text: str) -> int | float | str:
    if _WHOLE.fullmatch(text):
        return int(text)
    if not _NUMBER.fullmatch(text):
        raise fault("PL-203", f"`{short(text)}` is not a number")
    return float(text)
