"""Runs that wait for a person's approval, as a root's record lists them."""

from __future__ import annotations

from planner.keys import Key
from planner.model.people import HeldRun

__all__ = ["without"]


def without(held: tuple[HeldRun, ...], key: Key, *, begun: bool = False) -> tuple[HeldRun, ...]:
    """Those that still wait when run `key` does not: it was approved, is over, or begins.

    It may begin without an approval, where a commit said that none is wanted any more. What begins in a DAG shows that
    the DAG does not wait.
    """
    top = key.top if begun else key
    return tuple(one for one in held if one.key not in {key, top})
