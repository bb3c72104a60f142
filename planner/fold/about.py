"""Which run a fact is about: whose record the ledger must read before it folds the fact."""

from __future__ import annotations

from planner.keys import Key
from planner.model.facts import (
    Approved,
    Bound,
    CacheHit,
    Carried,
    Cleaned,
    Corrected,
    Drifted,
    Fact,
    Healed,
    Intended,
    Measured,
    Observed,
    Opened,
    Retried,
    Settled,
    StopIntended,
    Stored,
    StoreIntended,
    Vanished,
    Withheld,
)

__all__ = ["run_of"]


def run_of(fact: Fact) -> Key | None:
    """The run whose record `fact` changes, or None."""
    match fact:
        case Observed():
            return fact.observation.key.run
        case (
            Opened()
            | Bound()
            | Intended()
            | Measured()
            | Vanished()
            | StopIntended()
            | Cleaned()
            | Settled()
            | StoreIntended()
            | Stored()
            | Carried()
            | CacheHit()
            | Drifted()
            | Corrected()
            | Healed()
            | Retried()
            | Withheld()
        ):
            return fact.key.run
        case Approved(key=Key() as key):
            return key.run
        case _:
            return None
