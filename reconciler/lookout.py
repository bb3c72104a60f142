"""The lookout of a daemon: has the repository looked at whenever its branch moved, and notes when it last answered.

It asks and queues; what follows from a move is decided where the source is reconciled.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from reconciler.loop import Loop
from reconciler.source import watch
from reconciler.source.poll import LOCAL, Moved, News, Nudge, Pace, Unreachable, watch_head
from reconciler.source.repository import GitSource
from reconciler.telemetry import log

__all__ = ["look_out"]


async def look_out(source: GitSource, loop: Loop, interval: float) -> None:
    """Ask `source` every `interval` seconds and at each hint, until cancelled."""
    path = source.origin.remote.path
    pace = replace(LOCAL if path is not None else Pace(), interval=interval)
    hints = watch.changes(path) if path is not None else None

    def tell(news: News) -> None:
        match news:
            case Moved():
                loop.core.queue.add("source")
            case Unreachable():
                loop.commits.unanswered(news.reason)
                log.warning("repository cannot be asked", reason=news.reason, retry_in=round(news.retry_in, 1))

    asked = _Asked(source, loop)
    pacing = (pace, random.Random())  # noqa: S311 -- jitter, no secret
    await watch_head(asked, tell, Nudge(), pacing, hints)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The source as it is polled: an answer counts as one also when nothing moved."""

    source: GitSource
    loop: Loop

    async def head(self) -> str | None:
        """See `GitSource.head`."""
        head = await self.source.head()
        self.loop.commits.answered(head)
        self.loop.metrics.polled()
        if self.loop.pulls is not None and self.source.origin.remote.path is not None:
            self.loop.core.queue.add("pulls")  # a branch beside the watched one may have moved
        return head
