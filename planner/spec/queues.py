"""Queues: an entry of `queues` in the daemon's configuration (design: section 4, item 11).

A queue limits what runs at once of the operations that name it. Which amounts are asked for is not counted here.
"""

from __future__ import annotations

import re
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainValidator, WithJsonSchema

from planner.spec.clashes import fault
from planner.spec.shape import Name, Section, Whole
from planner.spec.words import kind_of, short

__all__ = ["Amount", "Queue", "Queues", "amount"]

_AMOUNT = re.compile(r"(\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE]([-+]?\d{1,3})|([numkMGTPE]|[KMGTPE]i)?)", re.ASCII)
_SUFFIXES = MappingProxyType(
    {"n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "k": Decimal(1000)}
    | {letter: Decimal(1000) ** power for power, letter in enumerate("MGTPE", 2)}
    | {f"{letter}i": Decimal(1024) ** power for power, letter in enumerate("KMGTPE", 1)}
)
_HIGHEST = 2**31 - 1


def amount(text: str) -> Decimal | None:
    """The number that an amount of a resource means (`4`, `500m`, `2Gi`); None where it is none."""
    found = _AMOUNT.fullmatch(text)
    if found is None:
        return None
    number, exponent, suffix = found.groups()
    if exponent is not None:
        return Decimal(number).scaleb(int(exponent))
    return Decimal(number) * _SUFFIXES.get(suffix or "", Decimal(1))


def _amount(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise fault("PL-203", f"{{field}} must be an amount, not {kind_of(value)}", "write a number, or 500m, 2Gi")
    if amount(str(value)) is None:
        raise fault("PL-204", f"`{short(str(value))}` is no amount", "write a number, or 500m, 2Gi")
    return str(value)


Amount = Annotated[str, PlainValidator(_amount), WithJsonSchema({"type": ["string", "number"]})]
"""An amount as Kubernetes writes it, kept as text."""


def _priority(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise fault("PL-203", f"{{field}} must be a whole number, not {kind_of(value)}")
    if abs(value) > _HIGHEST:
        raise fault("PL-204", f"{{field}} must be from {-_HIGHEST} to {_HIGHEST}")
    return value


class Queue(Section):
    """What may run at once of the operations that name this queue."""

    runs: Whole | None = None
    """Runs at once; without it as many as there is room for."""
    resources: dict[str, Amount] = Field(default_factory=dict)
    """The most of a resource that its runs may ask for together, such as `nvidia.com/gpu: 8`."""
    priority: Annotated[int, PlainValidator(_priority), WithJsonSchema({"type": "integer"})] = 0
    """Which queue goes first where there is room for one only: the highest number."""


def _empty(value: object) -> object:
    return {} if value is None else value


Queues = Annotated[dict[Name, Annotated[Queue, BeforeValidator(_empty)]], Field(default_factory=dict)]
"""Queues by name; one without limits may be left empty."""
