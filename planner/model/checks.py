"""What a forge shows in detail of a commit, with problems on their lines: a check, before a forge's own words."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from planner.errors import Severity

__all__ = ["Annotation", "Check", "Conclusion"]


class Conclusion(StrEnum):
    """How a check ends."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"
    """Something else came instead."""
    ACTION_REQUIRED = "action_required"
    """A person must release something."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """A problem on a line of a file.

    Attributes:
        path: of the file in the repository.
        line: counted from 1.
        severity: of the problem.
        title: what kind of problem it is.
        message: the problem; a stranger's words are in it, and it is shown as plain text.
    """

    path: str
    line: int
    severity: Severity
    title: str
    message: str


@dataclass(frozen=True, slots=True)
class Check:
    """What is said of a commit in detail. It has ended: one that is going on says nothing.

    Attributes:
        commit: full id.
        name: of the check, which is the name of no status.
        conclusion: how it ends.
        title: the important words first.
        summary: Markdown, within `planner.render.check.LIMIT`.
        annotations: problems that have a line.
    """

    commit: str
    name: str
    conclusion: Conclusion
    title: str
    summary: str
    annotations: tuple[Annotation, ...] = ()

    @property
    def digest(self) -> str:
        """Differs where it says something else; when it was planned is no news."""
        shape = self.summary.rsplit("<sub>", 1)[0]
        text = repr((self.commit, self.name, str(self.conclusion), self.title, shape, self.annotations))
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
