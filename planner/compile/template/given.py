"""What a filter or test is given beside its subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.canon import Json
from planner.compile.template.budget import Budget

__all__ = ["Given"]


@dataclass(frozen=True, slots=True)
class Given:
    """Arguments by the name of their parameter, those not written being absent, and the budget to draw on."""

    args: Mapping[str, Json]
    budget: Budget
