"""Only observation writes what happened (design, section 6, rule 4): what is recorded as seen was there before."""

from __future__ import annotations

from planner.keys import Key
from planner.model.facts import Observed, Vanished
from planner.model.status import RunStatus
from tests.simulation.history import History

NAME = "only-observed"


def check(history: History) -> list[str]:
    started: dict[Key, float] = {}
    for start in history.starts:
        started.setdefault(start.key, start.at)
    found = []
    for made in history.transactions:
        for fact in made.facts:
            match fact:
                case Observed() if fact.observation.started_at is not None:
                    key = fact.observation.key
                case Vanished():
                    key = fact.key
                case _:
                    continue
            if started.get(key, float("inf")) > made.at:
                found.append(f"{key} was recorded as {type(fact).__name__.lower()} and had not started")
    return found + [
        f"{run.key} succeeded with exit code {run.last.exit_code}"
        for run in history.state.runs.values()
        if run.status is RunStatus.SUCCEEDED and run.last is not None and run.last.exit_code != 0
    ]
