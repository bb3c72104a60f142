"""The fields of a cron expression: presets, their number, and what is refused before croniter reads them.

This module must never evaluate an expression: that is `planner.desire.cron`.
"""

from __future__ import annotations

import re

from planner.model.schedule import CRON_PRESETS as PRESETS

__all__ = ["FIELDS", "PRESETS", "CronError", "split"]

FIELDS = (
    ("minute", "0-59"),
    ("hour", "0-23"),
    ("day of the month", "1-31, L for the last, 15W for the working day nearest to the 15th"),
    ("month", "1-12 or jan-dec"),
    ("day of the week", "0-7 or sun-sat, 1#2 for the second Monday, L5 for the last Friday"),
)
"""Names of the fields, and what each may hold."""
_LONGEST = 256
_HASHED = re.compile(r"(?<![a-z])[hr](?![a-z])")  # croniter's `H` needs an id, its `R` is random
_NAMES = re.compile(r"[a-z]{3}")


class CronError(ValueError):
    """A cron expression that cannot be used, in words for the user who wrote it.

    Attributes:
        never: the expression is well formed, but no day matches it.
    """

    def __init__(self, message: str, *, never: bool = False) -> None:
        super().__init__(message)
        self.never = never


def split(expression: str) -> list[str]:
    """The five fields of an expression or preset, in lower case.

    Raises:
        CronError: there are not five, or one asks for what is refused.
    """
    if len(expression) > _LONGEST:
        raise CronError(f"a cron expression has at most {_LONGEST} characters")
    text = expression.strip().lower()
    fields = PRESETS.get(text, text).split()
    if text.startswith("@") and text not in PRESETS:
        raise CronError(f"unknown preset {text!r}: use one of {', '.join(PRESETS)}")
    if len(fields) != len(FIELDS):
        expected = "five are expected: minute, hour, day of the month, month, day of the week"
        raise CronError(f"{text!r} has {len(fields)} fields, {expected}")
    if _HASHED.search(text):
        raise CronError(f"{text!r}: H and R are not supported; set jitter to spread starts")
    _check_days(fields[2], fields[4])
    return fields


def _check_days(day: str, weekday: str) -> None:
    # croniter takes the intersection here, where two plain day fields are a union: nobody means what comes of it.
    counted = "w" in day or "#" in weekday or "l" in _NAMES.sub("", weekday)
    if counted and not {day, weekday} & {"*", "?"}:
        raise CronError(f"day {day!r} and weekday {weekday!r} cannot be combined: with W, # or L one of them must be *")
