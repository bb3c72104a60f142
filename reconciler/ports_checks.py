"""Checks: details of a commit with problems on their lines, an ability that not every forge has. One Protocol.

They stand beside statuses and replace none. Nothing here decides what a commit says.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from planner.model.checks import Check

__all__ = ["Checks"]


@runtime_checkable
class Checks(Protocol):
    """Checks on commits of the repository that is followed."""

    async def put_check(self, check: Check) -> str:
        """Have the commit show this check instead of any before it of that name; why the forge will not, "" if it did.

        Law: nothing is read for it. Saying the same again changes nothing that people see.

        Raises:
            Transient: not now; it may be shown all the same, in part too, and is to be put again.
            Refused: a person must change something first; the message says what.
        """
        ...
