"""A cluster that seems lost restarts nothing (design: "Every stop has a reason"): not before a person agrees."""

from __future__ import annotations

from planner.model.facts import Answered, StopIntended, Vanished
from tests.simulation.history import History

NAME = "cluster-lost"


def check(history: History) -> list[str]:
    found = []
    for at, gone in history.burnt:
        for made in history.transactions:
            if made.at < at:
                continue
            if any(_settles(fact) or (isinstance(fact, StopIntended) and fact.key in gone) for fact in made.facts):
                # Agreed to; or some of it was on its way out, and what is left may be too little to hold.
                break
            lost = [fact.key for fact in made.facts if isinstance(fact, Vanished) and fact.key in gone]
            found += [f"{key} was taken as lost with {len(gone) - 1} others, and nobody agreed" for key in lost]
    return found


def _settles(fact: object) -> bool:
    return isinstance(fact, Answered) and not fact.root and fact.ok
