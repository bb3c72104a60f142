"""Checks on commits of the branch: what each has wrong, on its lines, beside its statuses and once.

What was told is in the commit's record; a crash between telling and recording tells it once more. Statuses wait for
none of it. What it must never do: go back over the history, as it would where an App comes later.
"""

from __future__ import annotations

from collections.abc import Sequence

from planner.model.commits import CommitRecord, Details
from planner.model.facts import CommitPlanned, Detailed, Fact
from planner.render.check import commit_check
from reconciler import codec
from reconciler.core import Core
from reconciler.ports_checks import Checks
from reconciler.telemetry import log

__all__ = ["NEWEST", "Marking"]

NEWEST = 20
"""Planned commits that are looked after; of older ones nothing is told in detail any more."""
_SOON = 1.0
"""Seconds after which a check is put: the pending status, which people wait for, comes first."""


class Marking:
    """Keeps checks of the newest commits in step with their problems, where the forge has checks."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._warned = ""

    def changed(self, facts: Sequence[Fact]) -> None:
        """Have it looked at soon, where `facts` plan a commit."""
        if self._port is not None and any(isinstance(fact, CommitPlanned) for fact in facts):
            self._core.queue.add("checks", _SOON)

    async def reconcile(self) -> None:
        """Put the checks that are owed, those of the newest commit first.

        Raises:
            Transient: not now; what was put is recorded.
            Refused: a person must change something first.
        """
        port = self._port
        if port is None:
            return
        for record in await self._core.ledger.commits(NEWEST):
            if record.details != record.checked:
                await self._put(port, record)

    @property
    def _port(self) -> Checks | None:
        found = getattr(self._core.forge, "checks", None)
        return found if isinstance(found, Checks) else None

    async def _put(self, port: Checks, record: CommitRecord) -> None:
        core = self._core
        text = await core.ledger.blob(record.details) if record.details else None
        if text is not None or not record.details:
            details = codec.decode(Details, text) if text is not None else None
            reason = await port.put_check(commit_check(record, details, core.policy.identity.instance))
            if reason and reason != self._warned:
                log.warning("a commit has no check", commit=record.ident, reason=reason)
            self._warned = reason
        await core.ledger.record([Detailed(record.ident, record.details, core.clock.now())])
