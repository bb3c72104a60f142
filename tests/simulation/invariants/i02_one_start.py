"""I2: an attempt starts at most once, beside no other attempt of its run, and has our stamp and a readable commit."""

from __future__ import annotations

from collections import Counter

from planner.keys import Key
from planner.model.facts import Opened, Retried
from tests.simulation.history import History, Start

NAME = "I2"


def check(history: History) -> list[str]:
    starts = Counter(start.key for start in history.starts)
    found = [f"{key} started {count} times" for key, count in starts.items() if count > 1]
    for start in history.starts:
        others = sorted(key for key in start.beside if key.run == start.key.run)
        if others:
            found.append(f"{start.key} started while {others[0]} was alive")
        if not start.readable and not _is_of_a_round(history, start):
            found.append(f"{start.key} started, and the commit that it runs was not kept")
        if start.stamp != history.state.ident:
            found.append(f"{start.key} carries the stamp of {start.stamp}")
    return found


def _is_of_a_round(history: History, start: Start) -> bool:
    """Whether a person asked for it anew, or for what it is a hook of: a force-push may long have taken its commit."""
    top: Key | None = start.key.top
    while top is not None:
        follows = None
        for made in history.transactions:
            for fact in made.facts if made.at <= start.at else ():
                if isinstance(fact, Retried) and fact.key.top == top:
                    return True
                if isinstance(fact, Opened) and fact.key == top and fact.follows is not None:
                    follows = fact.follows.top
        top = follows
    return False
