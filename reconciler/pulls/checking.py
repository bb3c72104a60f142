"""Checks on heads of pull requests: where a comment may be said too, and once for each thing that there is to say.

What the forge was told is in the record of the pull request, and that something is owed to it before it is told: a
crash in between tells it once more. A check keeps neither the status nor the comment waiting.
"""

from __future__ import annotations

from dataclasses import replace

from planner.model.checks import Check
from planner.model.pulls import PullRecord
from reconciler.ports_checks import Checks
from reconciler.pulls.saying import Saying
from reconciler.telemetry import log

__all__ = ["Checking"]


class Checking:
    """Puts checks, where the forge has any."""

    def __init__(self, port: Checks | None, saying: Saying) -> None:
        self._port = port
        self._saying = saying
        self._warned = ""

    def due(self, before: PullRecord | None, check: Check | None, *, wanted: bool) -> Check | None:
        """`check`, where it is to be put: something is to be said in it, or what it said of the same head is different.

        Args:
            before: what was said of the pull request.
            check: what it should say.
            wanted: whether there is something to say in it.
        """
        if self._port is None or check is None:
            return None
        said = before.check if before is not None else ""
        stands = before is not None and before.head == check.commit and bool(said)
        return check if (wanted or stands) and said != check.digest else None

    async def put(self, number: str, check: Check | None) -> None:
        """Put a check that is due, and record it.

        Raises:
            Transient, Refused: see `Checks.put_check`.
        """
        record = self._saying.records.get(number)
        if self._port is None or check is None or record is None:
            return
        reason = await self._port.put_check(check)
        if reason and reason != self._warned:
            log.warning("a pull request has no check", number=number, reason=reason)
        self._warned = reason
        record = self._saying.records.get(number, record)
        await self._saying.note(replace(record, check=check.digest, unchecked=False))
