"""The boundary around what is done for one file: a fault of ours in it is a problem of that file, and others go on.

What fails here is no user's mistake. It still must not stop the planning of a whole repository, so it takes the shape
of a problem that says whose fault it is. Nothing that is wrong in a spec may be said by raising to here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from planner.errors import Place, Problem
from planner.spec.words import short

__all__ = ["OURS", "guarded"]

T = TypeVar("T")

OURS = "PL-901"
"""The code of what fails here."""
_PACKAGE = "planner."


def guarded(place: Place, work: Callable[[], T]) -> T | Problem:
    """What `work` gives; PL-901 at `place` where it raises.

    The answer is not to be kept: want of memory and depth of the stack are no property of the file.
    """
    try:
        return work()
    except Exception as error:  # noqa: BLE001 -- whatever it is, it concerns this file only
        said = short(str(error))
        message = f"Plumbline failed on this: {type(error).__name__}{_where(error)}{f': {said}' if said else ''}"
        hint = "this is our fault, not yours: please report it with the file; other files go on"
        return Problem(OURS, message, place, hint=hint)


def _where(error: Exception) -> str:
    """The innermost line of ours, by module: a report needs it, and the log never sees this error."""
    trace, found = error.__traceback__, ""
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if module.startswith(_PACKAGE):
            found = f" in {module}, line {trace.tb_lineno}"
        trace = trace.tb_next
    return found
