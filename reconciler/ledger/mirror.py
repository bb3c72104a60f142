"""What of the ledger need not be read again, where one process alone writes to it: records as they were last written.

Planning asks for the same few records at every step: the project, the claims, a root with all of its runs. Here they
are kept up with what each transaction wrote, after it was committed. What cannot be told from that alone is dropped,
and read again when it is asked for. This module must never decide what a record says, nor know something that is not
on disk. Its values are replaced and never changed: one thread writes them, another reads.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence

from planner.fold import RootState
from planner.keys import Key
from planner.model.people import ProjectRecord
from planner.model.records import Claim, RootRecord, RunRecord
from reconciler.ledger.batch import Batch, is_pending, tops_of

__all__ = ["Mirror"]

_KEPT_RUNS = 20_000
_KEPT_ROOTS = 64


class Mirror:
    """The records that planning asks for, as they are on disk.

    Attributes:
        sequence: of the newest fact.
        project: what concerns the whole project; None before it was read.
        claims: what live attempts hold, by key; None before it was read.
    """

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence
        self.project: ProjectRecord | None = None
        self.claims: Sequence[Claim] | None = None
        self._states: OrderedDict[str, RootState] = OrderedDict()
        self._size = 0

    def root(self, name: str) -> RootState | None:
        """The state of root `name`; None where it must be read."""
        return self._states.get(name)

    @property
    def newest(self) -> tuple[int, ProjectRecord] | None:
        """Sequence and project; None before the project was read."""
        return (self.sequence, self.project) if self.project is not None else None

    def keep_project(self, project: ProjectRecord) -> None:
        """Keep the project's record as it was read."""
        self.project = project

    def keep_claims(self, claims: Sequence[Claim]) -> None:
        """Keep all claims as they were read."""
        self.claims = claims

    def keep(self, name: str, state: RootState) -> None:
        """Keep `state` as it was read or written. A root whose runs carry what another root has is not kept."""
        self.drop(name)
        if any(run.root != name for run in state.runs.values()):
            return
        self._states[name] = state
        self._size += len(state.runs) + 1
        while len(self._states) > _KEPT_ROOTS or (self._size > _KEPT_RUNS and len(self._states) > 1):
            self.drop(next(iter(self._states)))

    def clear(self) -> None:
        """Have everything but the sequence read again."""
        self.project = self.claims = None
        self._states.clear()
        self._size = 0

    def drop(self, name: str) -> None:
        """Have root `name` read again."""
        state = self._states.pop(name, None)
        if state is not None:
            self._size -= len(state.runs) + 1

    def recorded(self, batch: Batch) -> None:
        """Follow a transaction that was committed."""
        since, self.sequence = self.sequence, batch.sequence
        if batch.renamed:
            self.clear()  # it moves runs and claims that the batch never saw
            return
        self.project = batch.project
        if batch.claims and self.claims is not None:
            self.claims = _claims(self.claims, batch.claims)
        written: dict[str, list[RunRecord]] = {name: [] for name in batch.roots}
        for run in batch.runs.values():
            written.setdefault(run.root, []).append(run)
        for name, runs in written.items():
            before = self._states.get(name)
            if before is None:
                continue
            fresh = {run.key for run in runs if batch.opened[run.key] > since}
            after = _after(before, batch.roots.get(name, before.record), runs, fresh)
            if after is None:
                self.drop(name)
            else:
                self.keep(name, after)


def _claims(before: Sequence[Claim], changed: Mapping[Key, Claim | None]) -> Sequence[Claim]:
    kept = [claim for claim in before if claim.key not in changed]
    came = [claim for claim in changed.values() if claim is not None]
    # Sorting what is sorted but for its end costs little more than a look at it.
    return sorted((*kept, *came), key=lambda claim: claim.key) if came else kept


def _after(
    before: RootState, record: RootRecord, written: Sequence[RunRecord], fresh: Collection[Key]
) -> RootState | None:
    """`before` with `written`, of which `fresh` were opened just now; None where other runs belong to it than then."""
    tops = tops_of(record)
    if tops != tops_of(before.record):
        return None
    runs = dict(before.runs)
    for run in written:
        old = before.runs.get(run.key)
        belongs, belonged = _belongs(run, tops), old is not None and _belongs(old, tops)
        # One that is there as the source of another has its place before those that belong to the root.
        if belongs != belonged and run.key not in fresh:
            return None
        if run.carried_from is not None and run.carried_from not in runs:
            return None
        if belongs:
            runs[run.key] = run
        elif old is not None:
            return None
    return RootState(record, runs)


def _belongs(run: RunRecord, tops: Collection[Key]) -> bool:
    return run.key.top in tops or is_pending(run)
