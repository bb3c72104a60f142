"""Backfills of a root, as its record lists them."""

from __future__ import annotations

from planner.model.backfill import Backfill

__all__ = ["with_backfill"]


def with_backfill(known: tuple[Backfill, ...], changed: Backfill) -> tuple[Backfill, ...]:
    """`known` with one put in or replaced; of those that are over only the last one is told of."""
    kept = [one for one in known if one.ident != changed.ident and not (one.over and changed.over)]
    return (*kept, changed)
