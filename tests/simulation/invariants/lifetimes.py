"""What has ended stays for its ttl, and only a service that nobody used for as long as it says is stopped as idle."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from planner.keys import Key
from planner.model.attempts import MOST_KEPT
from planner.model.facts import Cleaned, StopIntended
from planner.model.records import RunRecord
from planner.model.status import StopReason
from tests.simulation.history import History, Start
from tests.simulation.invariants.replay import Step, replay

NAME = "lifetimes"


def check(history: History) -> list[str]:
    starts = {start.key: start for start in history.starts}
    found: list[str] = []
    for step in replay(history).steps:
        match step.fact:
            case Cleaned() if step.run_before is not None and not history.wall_moved:
                found += _cleaned(step, step.run_before, step.fact.key.attempt)
            case StopIntended() if step.fact.reason is StopReason.CULLED and step.fact.key.attempt:
                found += _culled(history, step, starts.get(step.fact.key))
            case _:
                pass
    return found


def _cleaned(step: Step, run: RunRecord, number: int) -> Iterator[str]:
    """The oldest of very many attempts go before their time."""
    newest = {attempt.number for attempt in run.attempts[-MOST_KEPT:]}
    for attempt in run.attempts:
        early = attempt.kept_until is not None and step.made.wall < attempt.kept_until
        if attempt.number == number and early and number in newest:
            yield f"{run.key}#{number} was cleaned at {step.made.wall}, and is kept until {attempt.kept_until}"


def _culled(history: History, step: Step, start: Start | None) -> Iterator[str]:
    key = step.fact.key  # type: ignore[union-attr]
    timeout = _timeout(history, step, key)
    if timeout is None:
        yield f"{key} was stopped as idle, and never is"
    elif start is None:
        yield f"{key} was stopped as idle, and never started"
    elif not history.wall_moved:
        idle = step.made.at - start.at - start.program.active_for
        if timedelta(seconds=idle + 1) < timedelta(seconds=timeout):
            yield f"{key} was stopped as idle after {idle:g} s, {timeout:g} s are allowed"


def _timeout(history: History, step: Step, key: Key) -> float | None:
    """The shortest that any form of the operation ever said: it is live, and a plan may still go by the one before."""
    found = [
        float(str(culling["timeout"]))
        for form in history.forms.values()
        if isinstance(culling := form.section("termination").get("culling"), dict)
        and form.name in {key.root, getattr(step.fact, "root", "")}
    ]
    return min(found, default=None)
