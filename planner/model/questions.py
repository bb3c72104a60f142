"""What planning a root must know of runs that it was not given: questions as values, which the shell answers.

A plan that lacks an answer names its questions and decides nothing; it is then made again with the answers. So planning
stays pure, reads what it needs and no more, and the same answers give the same plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from planner.model.records import RunRecord

__all__ = ["Answers", "Cached", "Question", "Reusable"]


@dataclass(frozen=True, slots=True)
class Reusable:
    """Which run of `root` has done this work: the newest that succeeded, else one that is alive, by itself.

    Attributes:
        root: name of the root.
        digest: leaf digest.
    """

    root: str
    digest: str


@dataclass(frozen=True, slots=True)
class Cached:
    """Which run of the whole project has done this work, as `Reusable`.

    Attributes:
        work: digest of what the result depends on (`RunRecord.work`).
    """

    work: str


Question = Reusable | Cached

Answers = Mapping[Question, tuple[RunRecord, ...]]
"""By question the runs that answer it, best first; none where there are none."""
