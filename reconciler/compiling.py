"""Compile as the daemon does it: with all that can be wrong with a schedule, and the collector of cycles let alone."""

from __future__ import annotations

import gc
from collections.abc import Callable
from datetime import UTC, datetime
from typing import ParamSpec, TypeVar

from planner.compile import Cache, CompileInput, compile_tree
from planner.desire.cron import CronError
from planner.desire.ticks import restart
from planner.desire.zones import ZoneError
from planner.model.desired import DesiredState
from planner.model.schedule import Schedule

__all__ = ["calmly", "check_schedule", "compiled", "seldom"]

_MANY = 100_000
T = TypeVar("T")
P = ParamSpec("P")


def compiled(given: CompileInput, cache: Cache) -> DesiredState:
    """What a commit asks for, with all that can be wrong with a schedule; see `compile_tree`."""
    return calmly(compile_tree, given, cache, check_schedule)


def calmly(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """What `work` gives, with the collector of cycles let alone meanwhile.

    Of the many values that compile and plans make nearly all stay, and the rest goes by itself: to look through them
    again and again finds nothing and takes a fourth of the time. Where they are very many they count as old at once:
    on their way through the generations they would be looked through three times more.
    """
    if not gc.isenabled():
        return work(*args, **kwargs)  # somebody else lets it alone, and ends that
    gc.disable()
    try:
        return work(*args, **kwargs)
    finally:
        if gc.get_count()[0] > _MANY and not gc.get_freeze_count():
            gc.freeze()
            gc.unfreeze()  # which puts everything that lives into the oldest generation, and looks at nothing
        gc.enable()


def seldom() -> None:
    """Have the collector of cycles come less often in this process, which lives long and makes few of them.

    What it looks through at each step of a DAG is nearly all alive; how much may wait for it stays a few megabytes.
    """
    gc.set_threshold(10_000, 20, 20)


def check_schedule(schedule: Schedule) -> tuple[str, str] | None:
    """What is wrong with a schedule beyond its shape: code and sentence, or None."""
    try:
        restart(schedule, datetime(2000, 1, 1, tzinfo=UTC))
    except CronError as error:
        return ("PL-503" if error.never else "PL-501"), str(error)
    except ZoneError as error:
        return "PL-502", str(error)
    return None
