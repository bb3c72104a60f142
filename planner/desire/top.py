"""What is walked: the run that a cause started, and what is known of its tree so far. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from planner.desire.view import Draft
from planner.keys import Key
from planner.model.desired import CompiledOperation
from planner.model.records import RunRecord, Stop
from planner.model.status import RunStatus

__all__ = ["Top", "Walking"]


@dataclass(frozen=True, slots=True)
class Top:
    """The run that a cause started, and how its tree is to be walked.

    Attributes:
        record: its record.
        operation: the compiled operation that it was opened with.
        wanted: whether desired state still wants what has not started.
        carry: whether results and processes of earlier generations may be carried over.
        lane: port lane of a rolling service.
        blocked: what its leaves wait for before they may start, or "".
        kept: runs that the generation in force goes on with: what follows for them is decided there.
        within: the wish to end the part of it that is walked, a sweep or a trial below it.
    """

    record: RunRecord
    operation: CompiledOperation
    wanted: bool = True
    carry: bool = False
    lane: int = 0
    blocked: str = ""
    kept: frozenset[Key] = frozenset()
    within: Stop | None = None

    @property
    def stop(self) -> Stop | None:
        """The wish to end it, or the part of it that is walked."""
        return self.record.stop or self.within

    @property
    def closed(self) -> bool:
        """Whether nothing below it starts any more."""
        return not self.wanted or self.stop is not None


@dataclass(slots=True)
class Walking:
    """One walk.

    Attributes:
        draft: takes what follows.
        top: what is walked.
        statuses: of the nodes and trials walked so far, by place.
    """

    draft: Draft
    top: Top
    statuses: dict[tuple[str, ...], RunStatus] = field(default_factory=dict)

    def within(self, record: RunRecord | None) -> Walking:
        """The same walk inside a part that has a record of its own, and may be told to end by it."""
        if record is None or record.stop is None:
            return self
        return Walking(self.draft, replace(self.top, within=self.top.within or record.stop), self.statuses)
