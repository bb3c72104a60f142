"""I29: with crashes and lies a history ends as without: the same runs with the same ends, the same world."""

from __future__ import annotations

from collections.abc import Mapping

from tests.simulation.history import History

NAME = "I29"


def check(history: History, twin: History) -> list[str]:
    """How `history` ended otherwise than its twin, which knew no fault."""
    return [
        *_differ("runs", _runs(history), _runs(twin)),
        *_differ("attempts", _attempts(history, twin), _attempts(twin, history)),
        *_differ("alive", {str(key): True for key in history.alive}, {str(key): True for key in twin.alive}),
        *_differ("in force", _in_force(history), _in_force(twin)),
        *_differ("statuses", _said(history), _said(twin)),
    ]


def _runs(history: History) -> Mapping[str, object]:
    return {str(run.key): run.status for run in history.state.runs.values()}


def _attempts(history: History, other: History) -> Mapping[str, object]:
    """But for cached ones: of equal work the newest result is taken, and which one that is depends on timing."""
    cached = {key for one in (history, other) for key, run in one.state.runs.items() if run.cached_from is not None}
    return {str(key): run.attempt_count for key, run in history.state.runs.items() if key not in cached}


def _in_force(history: History) -> Mapping[str, object]:
    return {name: record.applied.digest if record.applied else None for name, record in history.state.roots.items()}


def _said(history: History) -> Mapping[str, object]:
    return {f"{ident[:10]} {context}": status.state for (ident, context), status in history.said.items()}


def _differ(what: str, mine: Mapping[str, object], other: Mapping[str, object]) -> list[str]:
    return [
        f"{what}: {name} is {mine.get(name)}, and {other.get(name)} without faults"
        for name in sorted({*mine, *other})
        if mine.get(name) != other.get(name)
    ]
