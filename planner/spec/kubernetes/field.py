"""A field of a section that holds an object of Kubernetes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from planner.canon import Json
from planner.spec.clashes import refuse
from planner.spec.kubernetes.check import check
from planner.spec.kubernetes.schema import MARK
from planner.spec.shape import fault, is_template

__all__ = ["Kubernetes"]


@dataclass(frozen=True)
class Kubernetes:
    """Marks a field that holds plain data of a type of Kubernetes, or text with a template in place of all of it.

    `Annotated[Mapping[str, Any] | str, Kubernetes("Affinity")]`, and `Kubernetes("Toleration[]")` for a list.

    A context that is true, handed to the validation, says that scalars came out of templates: they are text where text
    is wanted.

    Attributes:
        kind: a type of the table of Kubernetes, or a form of one.
    """

    kind: str

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        del source, handler
        return core_schema.with_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        del schema, handler
        return {MARK: self.kind}

    def _validate(self, value: Any, info: ValidationInfo) -> Json:
        return str(value) if is_template(value) else self.read(value, prints=bool(info.context))

    def read(self, value: Any, *, prints: bool = False) -> Json:
        """The value in canonical spelling.

        Raises:
            ValidationError: with everything that is wrong with it.
        """
        looked = check(value, self.kind, prints=prints)
        refuse(fault(one.code, one.message, one.hint, one.at) for one in looked.faults)
        return looked.value
