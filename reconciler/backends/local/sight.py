"""Looks at many claims: what is listed, what each one is now, and which ports others hold.

What it keeps in memory is only for speed: immutable records of what is listed. Dropped at any moment, nothing is
missed. Its cost is that of the claims that live; an end is read once.
"""

from __future__ import annotations

import time

from planner.keys import Key
from planner.model.run import Observation, Phase
from reconciler.backends.local import settle
from reconciler.backends.local.warm import Warm
from reconciler.backends.machine.claims import Claim, Claims
from reconciler.backends.machine.damage import Unreadable
from reconciler.backends.machine.ports import Busy
from reconciler.telemetry import log

__all__ = ["Sight"]

REHAND = 2.0  # seconds for the parent to have a claim taken before it is handed over again


class Sight:
    """The claims of one instance and project, as they were seen last."""

    def __init__(self, claims: Claims, warm: Warm) -> None:
        self._claims = claims
        self._warm = warm
        self._handed: dict[str, float] = {}
        self._known: dict[str, Claim] = {}
        self._ended: dict[str, Observation] = {}
        self._unread: dict[str, str] = {}
        self._ports = Busy()

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

        A claim that cannot be read is there, so it is shown as running, with the reason as its message.

        Raises:
            Transient: a claim that cannot be read may be of any key, or the parent cannot be started.
        """
        if asked is None:
            names = self._claims.names()
            self._forget(frozenset(names))
            seen = [self._look(name, None, boot) for name in names]
        else:
            wanted = [(self._claims.name(key), key) for key in asked]
            seen = [self._look(name, key, boot) for name, key in wanted if self._claims.is_live(name)]
        return {found.key: found for found in seen if found is not None}, self._busy()

    def _busy(self) -> frozenset[int]:
        return self._ports.of_others(port for claim in list(self._known.values()) for port in claim.record["ports"])

    def _look(self, name: str, key: Key | None, boot: str) -> Observation | None:
        if (ended := self._ended.get(name)) is not None:
            return ended
        try:
            claim = self._known.get(name) or self._claims.listed(name)
            if claim is None:
                return None
            found, untaken = settle.look(claim, boot)
        except Unreadable as error:
            return self._shown(name, key, error)
        self._known[name] = claim
        self._unread.pop(name, None)
        if untaken and time.monotonic() - self._handed.get(name, -REHAND) >= REHAND:
            self.hand(claim, untaken)
        if found.phase is Phase.ENDED:
            self._ended[name] = found
            self._known.pop(name, None)
            self._handed.pop(name, None)
        return found

    def _shown(self, name: str, key: Key | None, error: Unreadable) -> Observation:
        """What stands for a claim that cannot be read: its run may be alive, so it must not look absent or ended."""
        if self._unread.get(name) != error.message:
            self._unread[name] = error.message
            log.warning("a claim cannot be read", claim=name, reason=error.message)
        key = key or self._claims.key_of(name)
        if key is None:
            raise error  # a look at everything would prove its key absent, whichever that is
        return Observation(key, Phase.RUNNING, message=error.message)

    def _forget(self, listed: frozenset[str]) -> None:
        """Drop what another daemon, or we, cleaned: memory holds what is listed, never the history."""
        for memory in (self._ended, self._known, self._handed, self._unread):
            for name in [name for name in list(memory) if name not in listed]:
                memory.pop(name, None)
