"""Folders of runs on this machine whose artifacts the store has: let go of some time after their end.

Only the artifacts go, which a run that refers to them has brought back (`reconciler.storing`); logs, metrics and all
that is recorded stay. What the copy does not have in full stays here. That nothing which is about to start reads a
folder is looked at, and it is taken away, with no intent recorded in between: who comes later finds it gone, and waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from planner.model.records import RunRecord
from reconciler.core import Core
from reconciler.keeper import Dropper
from reconciler.ports import RunQuery
from reconciler.ports_sweep import Trimmed

__all__ = ["LocalCopies"]

_PAGE = 100
"""Runs with all below them that are looked at between two looks at what is alive."""


class LocalCopies:
    """Law of `reconciler.ports_sweep.Cache`, by an age of its own that counts from the end of a run."""

    name = "folders"

    def __init__(self, core: Core) -> None:
        self._core = core

    async def trim(self, before: datetime, *, remove: bool) -> Trimmed:  # noqa: ARG002 -- it has an age of its own
        """See `Cache.trim`."""
        core, backend = self._core, self._core.backend
        if core.storage is None or core.policy.kept.local is None or not isinstance(backend, Dropper):
            return Trimmed()
        ended, after = core.clock.now() - core.policy.kept.local, 0
        count = size = 0
        while True:
            page = await core.ledger.ended(ended, after, _PAGE)
            going = [run for runs in page.tops if self._has_copies(runs, ended) for run in runs if run.copy is not None]
            async with core.recording:
                alive = await self._alive() if going else []
                for run in going:
                    if not any(name in text for text in alive for name in self._names(run)):
                        freed = await backend.let_go(run.key, remove=remove)
                        count, size = count + bool(freed), size + freed
            if page.after is None:
                return Trimmed(count, size)
            after = page.after

    def _has_copies(self, runs: Sequence[RunRecord], ended: datetime) -> bool:
        """Whether all that a top and those below it left is in the store, and nobody goes on with any of it."""
        storage = self._core.storage
        assert storage is not None
        for run in runs:
            over = run.status.final and run.finished_at is not None and run.finished_at < ended and not run.earlier
            if not over or any(attempt.live or not attempt.cleaned for attempt in run.attempts):
                return False
            copy = run.copy
            if copy is not None and (copy.owed or copy.left or copy.store != storage.store.url):
                return False
        return True

    async def _alive(self) -> list[str]:
        """What every live attempt was started with, or is about to be, as text."""
        ledger = self._core.ledger
        keys = tuple({claim.key.run for claim in await ledger.claims()})
        runs = await ledger.runs(RunQuery(keys=keys, limit=len(keys))) if keys else []
        return [text for run in runs if run.bound and (text := await ledger.blob(run.bound)) is not None]

    def _names(self, run: RunRecord) -> tuple[str, str, str]:
        """All that a run may be called by what reads its artifacts: its folder, its key, its id."""
        owner = (self._core.policy.identity.instance, self._core.policy.identity.project)
        return run.key.dns_name(*owner), str(run.key), run.key.short_id(*owner)
