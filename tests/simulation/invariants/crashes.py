"""No reconcile ends by our own fault, whatever the outside does."""

from __future__ import annotations

from tests.simulation.history import History

NAME = "no-crash"


def check(history: History) -> list[str]:
    return [f"a reconcile crashed: {trace}" for trace in history.crashes]
