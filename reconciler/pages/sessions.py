"""Who may read: tokens, sessions of browsers, and how often a wrong token may be tried.

Sessions are of this process alone and end with it. What it must never do: keep a token, or hand one out again.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.settings_api import Token

__all__ = ["LASTS", "TRIES", "Sessions", "Tries"]

LASTS = 12 * 3600
"""Seconds that a session lasts."""
TRIES = 10
"""Wrong tokens that may come at once from one address."""

_MOST = 1_000
"""Sessions at once; the oldest ends for a new one."""
_REST = 30.0
"""Seconds until an address has another try."""
_ADDRESSES = 4_096
_LONGEST = 1_024

Clock = Callable[[], float]
"""Seconds that only go forward."""


@dataclass(frozen=True, slots=True)
class _Session:
    name: str
    until: float


class Sessions:
    """Sessions of those who showed a token.

    Args:
        tokens: of the configuration; those with the scope `read` count.
        clock: goes forward.
    """

    def __init__(self, tokens: Sequence[Token], clock: Clock) -> None:
        self._readers = [token for token in tokens if "read" in token.scopes]
        self._clock = clock
        self._open: OrderedDict[str, _Session] = OrderedDict()

    def known(self, token: str) -> str:
        """Whose token it is, or "". All are compared, each in the same time, so that a guess learns nothing."""
        digest = _digest(token.strip()[:_LONGEST])
        found = [reader.name for reader in self._readers if hmac.compare_digest(digest, reader.sha256)]
        return found[0] if found else ""

    def open(self, name: str) -> str:
        """Begin a session of `name`; its id, which is kept nowhere here."""
        ident = secrets.token_urlsafe(32)
        self._open[_digest(ident)] = _Session(name, self._clock() + LASTS)
        while len(self._open) > _MOST:
            self._open.popitem(last=False)
        return ident

    def find(self, ident: str) -> str:
        """Whose session it is, or ""."""
        key = _digest(ident[:_LONGEST])
        found = self._open.get(key)
        if found is not None and found.until <= self._clock():
            del self._open[key]
            return ""
        return found.name if found is not None else ""

    def close(self, ident: str) -> None:
        """End a session, if it is one."""
        self._open.pop(_digest(ident[:_LONGEST]), None)


class Tries:
    """How often a wrong token came from an address."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait(self, address: str) -> int:
        """Seconds until a token of this address is looked at; 0 for now."""
        left = self._now(address)
        return 0 if left >= 1 else int((1 - left) * _REST) + 1

    def failed(self, address: str) -> None:
        """Count a wrong token."""
        self._left[address] = (self._now(address) - 1, self._clock())
        self._left.move_to_end(address)
        while len(self._left) > _ADDRESSES:
            self._left.popitem(last=False)

    def _now(self, address: str) -> float:
        left, since = self._left.get(address, (float(TRIES), 0.0))
        return min(float(TRIES), left + (self._clock() - since) / _REST)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()
