"""How the value of an input reaches a program beside templates: a variable, a connection (reference, sections 6 and 7).

Decides how both are named. Whether a connection exists is a question of the configuration.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

from planner.spec.shape import fault
from planner.spec.words import kind_of, short

__all__ = ["ConnectionName", "EnvName"]

_VARIABLE = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")


def _variable(value: object) -> str:
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}")
    if not _VARIABLE.fullmatch(value):
        hint = "use letters, digits, `_`, `-` and `.`, not starting with a digit"
        raise fault("PL-208", f"`{short(value)}` is not the name of a variable", hint)
    return value


EnvName = Annotated[
    str, PlainValidator(_variable), WithJsonSchema({"type": "string", "pattern": f"^{_VARIABLE.pattern}$"})
]
"""The name of a variable of a program's environment."""


def _connection(value: object) -> str:
    if not isinstance(value, str):
        raise fault("PL-203", f"{{field}} must be a string, not {kind_of(value)}")
    if not value.strip():
        raise fault("PL-204", "{field} must not be empty", "name a connection of the configuration")
    return value


ConnectionName = Annotated[str, PlainValidator(_connection), WithJsonSchema({"type": "string", "pattern": r"\S"})]
"""The name of a connection, or text with a template."""
