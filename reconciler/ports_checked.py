"""What is found out about a part of the outside before anything depends on it: an ability that not each adapter has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

__all__ = ["Checked", "Finding", "Grade", "Wanted"]


class Grade(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    """The daemon works, and not as somebody may expect."""
    PROBLEM = "problem"
    """The daemon does not start, or does not do what it is for."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check has found.

    Attributes:
        what: was looked at, in a word or two.
        grade: how it is.
        said: one sentence. Never a secret.
        advice: what to do, or "".
    """

    what: str
    grade: Grade
    said: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of a forge the configuration wants, beyond statuses: what has to be allowed depends on it.

    Attributes:
        comments: on pull requests.
        checks: beside statuses, with marks on lines.
        commands: in comments.
        permission: whether commands are taken by what a person may do in the repository.
        teams: whose members may give commands.
    """

    comments: bool = False
    checks: bool = False
    commands: bool = False
    permission: bool = False
    teams: tuple[str, ...] = ()


@runtime_checkable
class Checked(Protocol):
    """Something outside that can be asked whether it will do: such as a forge, for its token and what that may."""

    async def check(self, wanted: Wanted) -> Sequence[Finding]:
        """Look whether it will do for what is `wanted`, and change nothing.

        Raises:
            Transient: it does not answer now.
            Refused, Unusable: a person must change something; the message says what.
        """
        ...
