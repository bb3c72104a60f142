"""I25: when everything has come to rest, planning again finds nothing to do."""

from __future__ import annotations

from tests.simulation.history import History

NAME = "I25"


def check(history: History) -> list[str]:
    return [f"{name}: {item}" for name, items in history.leftovers.items() for item in items]
