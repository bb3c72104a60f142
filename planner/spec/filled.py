"""Lists and mappings that must not be empty.

Pydantic's own length counts what was valid, so that a list of bad items would be called empty as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from planner.spec.clashes import fault

__all__ = ["Filled"]


@dataclass(frozen=True)
class Filled:
    """Marks a list or mapping that has something in it: `Annotated[tuple[str, ...], Filled()]`."""

    hint: str = ""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        made = handler(schema)
        return made | {"minProperties" if made.get("type") == "object" else "minItems": 1}

    def _check(self, value: Any) -> Any:
        if not value:
            raise fault("PL-204", "{field} must not be empty", self.hint)
        return value
