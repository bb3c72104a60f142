"""What planning a root must know of runs that it was not given: questions as values, which the shell answers.

A plan that lacks an answer names its questions and decides nothing; it is then made again with the answers. So planning
stays pure, reads what it needs and no more, and the same answers give the same plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from planner.canon import Json
from planner.keys import Key
from planner.model.records import RunRecord
from planner.model.search import Search, Suggestion, Trial

__all__ = [
    "AboutRuns",
    "Answer",
    "Answers",
    "Cached",
    "Joined",
    "Matched",
    "Question",
    "Recorded",
    "Reusable",
    "Suggested",
]


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


@dataclass(frozen=True, slots=True)
class Recorded:
    """Which of these runs have a record, whatever became of them, in any order.

    Attributes:
        keys: of runs; a few hundred at most.
    """

    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Joined:
    """Which runs of the project a join finds (reference, section 17.1), in its order.

    Attributes:
        query: without templates; checked.
        sort: likewise; "" for what changed last first.
        limit: at most so many.
        offset: how many of the first are left out.
        at: the instant of the question, for `last_month`.
        run: the run that asks: it is not among them.
        inputs: whether what the runs were started with is wanted.
    """

    query: str
    sort: str
    limit: int
    offset: int
    at: datetime
    run: Key
    inputs: bool = False


@dataclass(frozen=True, slots=True)
class Matched:
    """A run that a join found.

    Attributes:
        run: its record.
        source: that of the run that it was carried over from, or the same.
        inputs: what its params were bound to, where that was wanted.
    """

    run: RunRecord
    source: RunRecord
    inputs: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Suggested:
    """Which trials a search would make next, where working that out takes long. No ledger knows that.

    Attributes:
        digest: of all that follows, which stands for it.
        search, trials, seed, room: as `planner.search.suggest` takes them.
    """

    digest: str
    search: Search = field(compare=False)
    trials: tuple[Trial, ...] = field(compare=False)
    seed: str = field(compare=False)
    room: int = field(compare=False)


AboutRuns = Reusable | Cached | Recorded | Joined
"""Questions that a ledger answers."""

Question = AboutRuns | Suggested

Answer = tuple[RunRecord, ...] | tuple[Matched, ...] | tuple[Suggestion, ...] | str
"""The runs that answer a question, best first, none where there are none; or the suggestions; or why there are none."""

Answers = Mapping[Question, Answer]
"""Answers by question."""
