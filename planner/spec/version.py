"""The version of the language: one, 1.1 (reference, section 1)."""

from __future__ import annotations

from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema

from planner.spec.shape import fault
from planner.spec.words import short

__all__ = ["VERSION", "Version", "is_version", "refusal"]

VERSION = 1.1


def is_version(value: object) -> bool:
    """Whether a value as read is the version, as a number or as text."""
    return value == "1.1" or (isinstance(value, float) and value == VERSION)


def refusal(value: object) -> tuple[str, str]:
    """What is wrong with another version, and what to write."""
    message = "field `version` is empty" if value is None else f"version `{short(str(value))}` is not known"
    return message, "write `version: 1.1`"


def _version(value: object) -> float:
    if not is_version(value):
        raise fault("PL-207", *refusal(value))
    return VERSION


Version = Annotated[float, PlainValidator(_version), WithJsonSchema({"enum": [VERSION, "1.1"]})]
"""1.1 as a number or as text."""
