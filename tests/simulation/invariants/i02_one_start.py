"""I2: an attempt starts at most once, beside no other attempt of its run, and has our stamp and a readable commit."""

from __future__ import annotations

from collections import Counter

from tests.simulation.history import History

NAME = "I2"


def check(history: History) -> list[str]:
    starts = Counter(start.key for start in history.starts)
    found = [f"{key} started {count} times" for key, count in starts.items() if count > 1]
    for start in history.starts:
        others = sorted(key for key in start.beside if key.run == start.key.run)
        if others:
            found.append(f"{start.key} started while {others[0]} was alive")
        # A later round may be asked for when a force-push has long taken its commit away.
        if not start.readable and not start.key.round:
            found.append(f"{start.key} started, and the commit that it runs was not kept")
        if start.stamp != history.state.ident:
            found.append(f"{start.key} carries the stamp of {start.stamp}")
    return found
