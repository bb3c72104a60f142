"""Runs that wait for a person's approval, as a root's record lists them."""

from __future__ import annotations

from planner.keys import Key
from planner.model.people import HeldRun

__all__ = ["without"]


def without(held: tuple[HeldRun, ...], key: Key) -> tuple[HeldRun, ...]:
    """Those that still wait when run `key` does not: it was approved, or is over."""
    return tuple(one for one in held if one.key != key)
