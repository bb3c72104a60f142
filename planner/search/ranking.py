"""Which trials are better: by the goal's value, equal ones by number; trials without a value are none of them."""

from __future__ import annotations

from collections.abc import Iterable

from planner.model.search import Goal, Trial, TrialState

__all__ = ["loss", "ranked"]


def loss(goal: Goal, trial: Trial) -> float | None:
    """The value turned so that less is better; None of a trial that has none."""
    if trial.state is not TrialState.DONE or trial.value is None:
        return None
    return -trial.value if goal.maximize else trial.value


def ranked(goal: Goal, trials: Iterable[Trial]) -> list[Trial]:
    """Trials that have a value, the best first."""
    valued = [(found, trial.number, trial) for trial in trials if (found := loss(goal, trial)) is not None]
    return [trial for _, _, trial in sorted(valued, key=lambda item: item[:2])]
