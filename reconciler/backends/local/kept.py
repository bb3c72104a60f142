"""What runs left behind, for people and other runs: series of metrics. It only reads, and trusts nothing of a program.

It finds an attempt's folder by the token of its claim, which stays after the attempt was cleaned.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from planner.keys import Key
from planner.model.metric import Metric
from planner.model.run import Stamp
from reconciler.backends.local import draft, metrics
from reconciler.backends.local.claims import Claims

__all__ = ["Kept", "Thread"]

PIECE = 1000  # points of metrics that are read at once

Thread = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Does something in a thread of the backend."""


class Kept:
    """What the runs of one instance and project left below `runs`."""

    def __init__(self, claims: Claims, owner: Stamp, runs: Path) -> None:
        self._claims = claims
        self._owner = owner
        self._runs = runs

    async def metrics(self, key: Key, thread: Thread, *, ended: bool) -> AsyncIterator[Sequence[Metric]]:
        """The points that each replica of attempt `key` wrote; `ended` as `metrics.points` wants it."""
        for path in await thread(partial(self._metrics_files, key)):
            file = await thread(partial(metrics.opened, path))
            if file is None:
                continue
            with file:
                found = metrics.points(file, ended=ended)
                while piece := await thread(lambda found=found: list(islice(found, PIECE))):  # type: ignore[misc]
                    yield [point for point in piece if point is not None]

    def home(self, key: Key) -> Path:
        """The folder of a run."""
        return draft.home_of(key, self._owner, self._runs)

    def _metrics_files(self, key: Key) -> list[Path]:
        claim = self._claims.find(key)
        if claim is None:
            return []
        return sorted(draft.attempt_of(self.home(key), key, claim.record["token"]).glob("*/io/metrics"))
