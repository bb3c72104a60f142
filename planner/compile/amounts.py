"""What a gang asks for in all: the sum over its replicas, whole or not, of each resource (reference, section 11.7)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from planner.compile.container import GPU
from planner.model.gang import Gang
from planner.spec.queues import amount

__all__ = ["amount_in", "amounts_of", "plain"]

_ZERO = Decimal(0)
_LONGEST = 20


def amounts_of(gang: Gang) -> dict[str, Decimal]:
    """The amount of each resource by name: cores, bytes, pieces. What is no amount counts nothing: it was refused."""
    total: dict[str, Decimal] = {}
    for group in gang.replicas:
        for name, written in group.container.resources.items():
            if one := amount(written):
                total[name] = total.get(name, _ZERO) + one * group.count
    return total


def amount_in(amounts: Mapping[str, Decimal], resource: str) -> Decimal:
    """How much of `resource` is in `amounts`; `gpu` is any resource whose name holds that word."""
    if resource == GPU:
        return sum((one for name, one in amounts.items() if GPU in name), _ZERO)
    return amounts.get(resource, _ZERO)


def plain(number: Decimal) -> str:
    """A number as people write it."""
    return f"{number.normalize():f}" if abs(number.adjusted()) < _LONGEST else str(number)
