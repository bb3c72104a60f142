"""I1: a key has at most one run record, and a program starts only under an intent that was durable before."""

from __future__ import annotations

from collections import Counter

from planner.keys import Key
from planner.model.facts import Intended, Opened
from tests.simulation.history import History

NAME = "I1"


def check(history: History) -> list[str]:
    opened = Counter(fact.key for fact in history.facts() if isinstance(fact, Opened))
    twice = (
        [] if history.wall_moved else [f"{key} was opened {count} times" for key, count in opened.items() if count > 1]
    )
    intended: dict[Key, float] = {}
    for made in history.transactions:
        for fact in made.facts:
            if isinstance(fact, Intended):
                if fact.key in intended:
                    twice.append(f"{fact.key} was intended twice")
                intended.setdefault(fact.key, made.at)
    never = float("inf")
    early = [
        f"{start.key} started without an intent"
        for start in history.starts
        if intended.get(start.key, never) > start.at
    ]
    return twice + early
