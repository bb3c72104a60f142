"""Looks at many claims: what is listed, what each one is now, and which ports others hold.

What it keeps in memory is only for speed: immutable records of what is listed. Dropped at any moment, nothing is
missed. Its cost is that of the claims that live; an end is read once.
"""

from __future__ import annotations

import time

from planner.keys import Key
from planner.model.run import Observation, Phase
from reconciler.backends.local import ports, settle
from reconciler.backends.local.claims import Claim, Claims
from reconciler.backends.local.warm import Warm

__all__ = ["Sight"]

REHAND = 2.0  # seconds for the parent to have a claim taken before it is handed over again
PORTS_AGE = 1.0  # seconds; the kernel walks its whole table of sockets, which takes longer than all else here


class Sight:
    """The claims of one instance and project, as they were seen last."""

    def __init__(self, claims: Claims, warm: Warm) -> None:
        self._claims = claims
        self._warm = warm
        self._handed: dict[str, float] = {}
        self._known: dict[str, Claim] = {}
        self._ended: dict[str, Observation] = {}
        self._ports: tuple[float, frozenset[int]] = (-PORTS_AGE, frozenset())

    def hand(self, claim: Claim, names: list[str]) -> None:
        """Have replicas `names` supervised, unless somebody did or does.

        Raises:
            Transient: the parent cannot be started.
        """
        if names:
            self._handed[claim.folder.name] = time.monotonic()
            self._warm.hand(claim.folder, names)

    def look(self, asked: frozenset[Key] | None, boot: str) -> tuple[dict[Key, Observation], frozenset[int]]:
        """The listed claims, or those of them that are asked for, and the ports that others listen on.

        Raises:
            Transient: a claim cannot be read by this version, or the parent cannot be started.
        """
        if asked is None:
            names = self._claims.names()
            self._forget(frozenset(names))
        else:
            names = [name for name in map(self._claims.name, asked) if self._claims.is_live(name)]
        seen = [found for found in (self._look(name, boot) for name in names) if found is not None]
        return {found.key: found for found in seen}, self._busy()

    def _busy(self) -> frozenset[int]:
        """Ports that others listen on. What was ours when they were read is never others': it may be free by now."""
        leased = {port for claim in list(self._known.values()) for port in claim.record["ports"]}
        read_at, found = self._ports
        if time.monotonic() - read_at >= PORTS_AGE:
            found = ports.listening() - leased
            self._ports = (time.monotonic(), found)
        return found - leased

    def _look(self, name: str, boot: str) -> Observation | None:
        if (ended := self._ended.get(name)) is not None:
            return ended
        claim = self._known.get(name) or self._claims.listed(name)
        if claim is None:
            return None
        claim.demand_known()
        self._known[name] = claim
        found, untaken = settle.look(claim, boot)
        if untaken and time.monotonic() - self._handed.get(name, -REHAND) >= REHAND:
            self.hand(claim, untaken)
        if found.phase is Phase.ENDED:
            self._ended[name] = found
            self._known.pop(name, None)
            self._handed.pop(name, None)
        return found

    def _forget(self, listed: frozenset[str]) -> None:
        """Drop what another daemon, or we, cleaned: memory holds what is listed, never the history."""
        for memory in (self._ended, self._known, self._handed):
            for name in [name for name in list(memory) if name not in listed]:
                memory.pop(name, None)
