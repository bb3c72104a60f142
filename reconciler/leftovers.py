"""What belongs to no run and is not needed any more: let go of in small steps beside everything else.

What commits said goes from the forge first and from the ledger last, so that a step which is cut off is done again.
Which rows may go is the ledger's word, what is in use of a cache that of the cache; how long and how many is the
daemon's configuration (`reconciler.ports_sweep.Kept`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from reconciler.core import Core
from reconciler.errors import Refused, Transient
from reconciler.local_copies import LocalCopies
from reconciler.ports_sweep import Cache, Eraser, Sweep, Trimmed
from reconciler.telemetry import log

__all__ = ["Leftovers"]

_COMMITS = 100
"""Commits that one step lets go of."""
_PAUSE = 0.1
_REST = 6 * 3600.0


class Leftovers:
    """Lets go of what the configuration does not keep.

    Attributes:
        resting: whether everything was looked at, and nothing is done for hours.
    """

    def __init__(self, core: Core, caches: Sequence[Cache]) -> None:
        self._core = core
        self._caches = (*caches, LocalCopies(core))
        self._sweep = Sweep()
        self._commits = 0
        self.resting = False

    def begin(self) -> None:
        """Look at everything from the beginning, now."""
        self._sweep, self._commits = Sweep(), 0
        self._core.queue.add("leftovers")

    async def step(self) -> None:
        """Let go of some, and have the next step come: soon while there may be more, else later.

        Raises:
            Transient: the ledger, the forge or a disk does not take it now.
        """
        core = self._core
        self.resting = False
        commits = await self._old_commits(_COMMITS)
        if commits:
            if isinstance(core.forge, Eraser):
                await core.forge.erase(commits)
            self._commits += await core.ledger.remove_commits(core.policy.kept.commits, commits)
        elif not self._sweep.done:
            await core.ledger.sweep(core.policy.kept.bounds(core.clock.now()), self._sweep)
        else:
            await self._finish()
            return
        core.queue.add("leftovers", _PAUSE)

    async def _finish(self) -> None:
        core = self._core
        gone = self._sweep.gone + Counter(commits=self._commits)
        self._sweep, self._commits = Sweep(), 0
        core.queue.add("leftovers", _REST)
        for cache in self._caches:
            gone[cache.name] = (await self._trim(cache, remove=True)).count
        self.resting = True
        if gone := +gone:
            log.info("what no run owns and nothing needs is let go of", **gone)

    async def all(self) -> Mapping[str, Trimmed]:
        """What would go now, by what it is; none of what would not."""
        core = self._core
        bounds, sweep = core.policy.kept.bounds(core.clock.now()), Sweep(remove=False)
        while not sweep.done:
            await core.ledger.sweep(bounds, sweep)
        found = {"commits": Trimmed(len(await self._old_commits(_COMMITS**2)))}
        found |= {name: Trimmed(count) for name, count in sweep.gone.items()}
        for cache in self._caches:
            found[cache.name] = await self._trim(cache, remove=False)
        return {name: trimmed for name, trimmed in found.items() if trimmed.count}

    async def _old_commits(self, limit: int) -> Sequence[str]:
        return await self._core.ledger.old_commits(self._core.policy.kept.commits, limit)

    async def _trim(self, cache: Cache, *, remove: bool) -> Trimmed:
        """What a cache lets go of; one that cannot now does not keep the others from it."""
        core = self._core
        try:
            return await cache.trim(core.clock.now() - core.policy.kept.caches, remove=remove)
        except (Transient, Refused) as error:
            log.warning("a cache keeps what nothing uses", cache=cache.name, reason=error.message)
            return Trimmed()
