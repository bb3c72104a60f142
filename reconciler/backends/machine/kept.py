"""What runs left behind, for people: series of metrics and artifacts. It only reads, and trusts nothing of a program.

It finds an attempt's folder by the token of its claim, which stays after the attempt was cleaned.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from planner.keys import Key
from planner.model.artifacts import Artifact
from planner.model.metric import Metric, Progress
from planner.model.run import Stamp
from reconciler.backends import metrics
from reconciler.backends.below import Nothing
from reconciler.backends.machine import artifacts, draft, own
from reconciler.backends.machine.claims import Claim, Claims, is_over
from reconciler.backends.machine.own import artifacts_of
from reconciler.backends.progress import Gauge, Places, told_by_lines
from reconciler.backends.traced import Traced
from reconciler.errors import Refused
from reconciler.ports import Content, Order

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
        self._gauge = Gauge(self._places)

    async def metrics(self, key: Key, thread: Thread) -> AsyncIterator[Sequence[Metric]]:
        """The points that each replica of attempt `key` wrote so far."""
        ended = bool(await thread(partial(is_over, self._claims, key)))
        for path in await thread(partial(self._metrics_files, key)):
            file = await thread(partial(metrics.opened, path))
            if file is None:
                continue
            with file:
                found = metrics.points(file, ended=ended)
                while piece := await thread(lambda found=found: list(islice(found, PIECE))):  # type: ignore[misc]
                    yield [point for point in piece if point is not None]
        traced = await thread(partial(self._traced, key))
        more = traced.points() if traced is not None else iter(())
        while piece := await thread(lambda: list(islice(more, PIECE))):
            yield piece

    async def progress(self, keys: Collection[Key], thread: Thread) -> Mapping[Key, Mapping[str, Progress]]:
        """What attempts `keys` have reported so far."""
        found: Mapping[Key, Mapping[str, Progress]] = await thread(partial(self._gauge.look, keys))
        return found

    def _places(self, key: Key) -> Places | None:
        """Where attempt `key` tells its metrics; None where there is no such attempt."""
        claim = self._claims.find(key)
        if claim is None:
            return None
        base = draft.attempt_of(self.home(key), key, claim.record["token"])
        told = [told_by_lines(str(base / name / "io" / "metrics")) for name in claim.names]
        return self._traced_by(key, claim).places(told)

    def _traced(self, key: Key) -> Traced | None:
        claim = self._claims.find(key)
        return None if claim is None else self._traced_by(key, claim)

    def _traced_by(self, key: Key, claim: Claim) -> Traced:
        return Traced(artifacts_of(self.home(key)), claim.record.get("made_at", 0.0))

    async def listed(self, key: Key, path: str, thread: Thread) -> Sequence[Artifact]:
        """What the run of `key` left at `path`.

        Raises:
            Refused: nothing is there.
        """
        try:
            found: list[Artifact] = await thread(partial(artifacts.listed, self.home(key), key.attempt, path))
        except Nothing as error:
            raise Refused(f"{key.run} has no such artifact: {error}") from None
        return found

    async def content(self, key: Key, path: str, thread: Thread) -> Content:
        """What is at `path`.

        Raises:
            Refused: nothing is there.
        """
        try:
            entry = await thread(partial(artifacts.kept_at, self.home(key), path))
        except Nothing as error:
            raise Refused(f"{key.run} has no such artifact: {error}") from None
        pieces = artifacts.content(self.home(key), entry)

        async def read() -> AsyncIterator[bytes]:
            while (piece := await thread(lambda: next(pieces, None))) is not None:
                yield piece

        return Content(entry.kind, entry.size if entry.kind == "file" else None, read())

    def home(self, key: Key) -> Path:
        """The folder of a run."""
        return own.home_of(key, self._owner, self._runs)

    def own(self, order: Order) -> own.Own:
        """The artifacts folder that the run of an order is to have."""
        return own.own_of(order.key, order.run.earlier, order.stamp, self._runs)

    def _metrics_files(self, key: Key) -> list[Path]:
        claim = self._claims.find(key)
        if claim is None:
            return []
        return sorted(draft.attempt_of(self.home(key), key, claim.record["token"]).glob("*/io/metrics"))
