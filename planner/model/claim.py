"""What live attempts hold: the index that admission counts. Folded from facts like every record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.keys import Key
from planner.model.run import Leases

__all__ = ["Claim"]


@dataclass(frozen=True, slots=True)
class Claim:
    """What a live attempt holds of its queue: the index that admission counts.

    Attributes:
        key: the attempt.
        root: its root.
        queue: name of its queue.
        requests: amounts by resource name.
        leases: ports and slots that it holds.
        amounts: what it asks for of a resource where that is no whole number, as plain decimals.
    """

    key: Key
    root: str
    queue: str
    requests: Mapping[str, int]
    leases: Leases
    amounts: Mapping[str, str] = field(default_factory=dict)
