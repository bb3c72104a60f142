"""Observing: what the backend says of a root's attempts, for planning.

Knows no meaning of what it sees. Guards against believing a backend that lost much at once: what is missing then is
not taken as gone until a person agrees, or until most of it is there again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

import anyio

from planner import guard
from planner.fold import RootState
from planner.keys import Key
from planner.model.run import Observation, Phase, Snapshot
from reconciler.clock import TurnWatch
from reconciler.core import Core

__all__ = ["Observer", "Surveyed"]


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What a look at everything found.

    Attributes:
        orphans: keys of objects that no live record stands for.
        roots: those with an attempt that is not as it was when its root was last brought in line.
    """

    orphans: Collection[Key]
    roots: Collection[str]


class Observer:
    """Looks at attempts through the backend port.

    Attributes:
        lost: one sentence while more is gone than anybody should believe, else "".
        gone: attempts that the last survey missed, believed or not.
    """

    def __init__(self, core: Core) -> None:
        self._core = core
        self.lost: str = ""
        # One survey at a time: what an older look says must not undo the verdict of a newer one.
        self._turn = anyio.Lock()
        self.gone: frozenset[Key] = frozenset()
        # Older looks prove no absence: they are of an earlier life, or of a clock that was turned since.
        self._since: datetime | None = None
        self._turns = TurnWatch()
        # Attempts that run on, as they were when their root was last brought in line: what a lost hint would change.
        self._in_line: dict[Key, Observation] = {}

    async def look(self, state: RootState) -> Snapshot | None:
        """What the backend says of the attempts of `state`; None when there is nothing to ask.

        Where something is missing, everything is looked at before that is believed: losses are noticed one root at
        a time, and only together do they look like a lost cluster. While they do, no look proves an absence.

        Raises:
            Transient: the backend cannot be asked now.
        """
        keys = attempts(state)
        if not keys:
            return None
        since = self._counts_since()
        snapshot = await self._core.backend.observe(keys)
        if snapshot.asked_at < since:
            return _proves_nothing(snapshot)
        if not any(self._misses(snapshot, state, key) for key in keys):
            return snapshot
        async with self._turn:
            whole = None if self.lost else await self._survey()
            believed = whole is not None and not self.lost and whole.asked_at >= snapshot.asked_at
        return snapshot if believed else _proves_nothing(snapshot)

    def _counts_since(self) -> datetime:
        """From when on a look counts: the first one of this life, or the first after the wall clock was turned."""
        now = self._core.clock.now()
        if self._turns.turned(now) or self._since is None:
            self._since = now
        return self._since

    def _misses(self, snapshot: Snapshot, state: RootState, key: Key) -> bool:
        """Whether `snapshot` proves that attempt `key` is gone, though it was seen once and nobody stopped it."""
        run = state.runs.get(key.run)
        attempt = next((item for item in run.attempts if item.number == key.attempt), None) if run else None
        if attempt is None or not attempt.live or attempt.stop is not None or attempt.seen_at is None:
            return False
        now, written = self._core.clock.now(), self._core.written.get(key)
        return snapshot.is_after(attempt.seen_at, now) and snapshot.proves_absent(key, written, now)

    def in_line(self, state: RootState, snapshot: Snapshot | None) -> None:
        """Everything was done that `snapshot` asks for: what runs on as it shows needs no further look.

        An attempt that starts, ends or is being stopped is looked at again at each survey, whatever it looks like.
        """
        for run in state.runs.values():
            for attempt in run.attempts:
                key = run.key.at_attempt(attempt.number)
                seen = snapshot.objects.get(key) if snapshot is not None and attempt.live else None
                if seen is not None and seen.phase is Phase.RUNNING and attempt.stop is None:
                    self._in_line[key] = seen
                else:
                    self._in_line.pop(key, None)

    async def survey(self) -> Surveyed:
        """Look at everything once.

        Sets `lost` to a sentence when more live objects are gone than anybody should believe.

        Raises:
            Transient: the backend cannot be asked now.
        """
        async with self._turn:
            snapshot = await self._survey()
        claims = {claim.key: claim.root for claim in await self._core.ledger.claims()}
        for key in self._in_line.keys() - claims.keys():
            del self._in_line[key]
        roots = {
            root
            for key, root in claims.items()
            if key not in self._in_line or self._in_line[key] != snapshot.objects.get(key)
        }
        return Surveyed(sorted(snapshot.objects.keys() - claims.keys()), roots)

    async def _survey(self) -> Snapshot:
        core = self._core
        claims = await core.ledger.claims()
        since = self._counts_since()
        snapshot = await core.backend.observe()
        if snapshot.asked_at < since:
            return snapshot  # it changes no verdict
        held = {claim.key: claim.root for claim in claims}
        now = core.clock.now()
        missing = [key for key in held if snapshot.proves_absent(key, core.written.get(key), now)]
        states = {name: await core.ledger.root(name) for name in {held[key] for key in missing}}
        self.gone = frozenset(key for key in missing if self._misses(snapshot, states[held[key]], key))
        gone = self.gone - (await core.ledger.project()).believed
        if guard.cluster_lost(len(held), len(gone)):
            self.lost = f"{len(gone)} of {len(held)} live runs vanished at once"
        else:
            self.lost = ""
        return snapshot

    def believe(self) -> None:
        """A person's word that what is gone is lost was recorded: looks count again."""
        self.lost = ""


def _proves_nothing(snapshot: Snapshot) -> Snapshot:
    """`snapshot` without a word on what it does not show."""
    return replace(snapshot, asked=frozenset(snapshot.objects))


def attempts(state: RootState) -> frozenset[Key]:
    """Attempts of a root that may be alive; of the others the end is recorded, and nothing else is asked."""
    return frozenset(
        run.key.at_attempt(attempt.number) for run in state.runs.values() for attempt in run.attempts if attempt.live
    )
