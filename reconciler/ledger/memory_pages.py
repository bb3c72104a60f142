"""A page of runs for a query, out of a ledger in memory: all of them, as there is no index. See `finding`."""

from __future__ import annotations

from planner.model.desired import CompiledOperation
from planner.model.records import RunRecord
from planner.model.run import BoundRun
from planner.query import Subject, original_of
from reconciler import codec
from reconciler.ledger.finding import PAGE, Page
from reconciler.ledger.state import MemoryState
from reconciler.ports import Find

__all__ = ["Pages"]


class Pages:
    """Gives the pages of one call."""

    def __init__(self, state: MemoryState, wanted: Find) -> None:
        self._state = state
        self._wanted = wanted
        self._order = sorted(state.runs, key=state.opened.__getitem__, reverse=True)

    async def page(self, before: int | None) -> Page:
        """The next runs that were opened before this number."""
        opened = self._state.opened
        left = [key for key in self._order if before is None or opened[key] < before]
        runs = [self._state.runs[key] for key in left if self._is_wanted(self._state.runs[key])]
        return [(opened[run.key], self._subject(run)) for run in runs[:PAGE]]

    def _is_wanted(self, run: RunRecord) -> bool:
        if self._wanted.root and run.root != self._wanted.root:
            return False
        return self._wanted.live is None or self._wanted.live is not run.status.final

    def _subject(self, run: RunRecord) -> Subject:
        state, needs = self._state, self._wanted.search.needs
        worker = state.runs.get(original_of(run) or run.key, run)
        bound = state.blobs.get(worker.bound) if needs.bound else None
        form = state.blobs.get(run.form) if needs.form else None
        return Subject(
            run=run,
            source=worker if run.carried_from is not None else run,
            identity=(state.instance, state.project.name),
            bound=codec.decode(BoundRun, bound) if bound is not None else None,
            top=codec.decode(CompiledOperation, form) if form is not None else None,
        )
