"""What the listener of webhooks remembers, within bounds: deliveries that were seen, and how many were wrong of late.

What it must never do: grow with what strangers send.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import anyio

from reconciler.webhooks.senders import Forge

__all__ = ["Seen", "Strikes"]

_MOST = 10_000
_LONGEST = 24 * 3600.0


class Seen:
    """Ids of deliveries that were signed: the newest 10,000, for a day each."""

    def __init__(self, most: int = _MOST, longest: float = _LONGEST) -> None:
        """Empty; `longest` is in seconds."""
        self._most, self._longest = most, longest
        self._at: OrderedDict[bytes, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._at)

    def again(self, forge: Forge, ident: str) -> bool:
        """Whether the delivery was seen before; it counts as seen from now on. One without an id never was."""
        if not ident:
            return False
        now = anyio.current_time()
        while self._at and (len(self._at) > self._most or now - next(iter(self._at.values())) > self._longest):
            self._at.popitem(last=False)
        # An id may be as long as a header: what is kept of it is not.
        key = hashlib.sha256(f"{forge} {ident}".encode(errors="replace")).digest()
        if key in self._at:
            return True
        self._at[key] = now
        return False


class Strikes:
    """How many deliveries with a wrong signature are told so, and logged: 20 at once, one a second in the long run."""

    def __init__(self, most: float = 20.0, a_second: float = 1.0) -> None:
        """None so far."""
        self._most, self._pace = most, a_second
        self._left = most
        self._since = anyio.current_time()

    def take(self) -> bool:
        """Count one; whether it was still within the bound."""
        now = anyio.current_time()
        self._left = min(self._most, self._left + (now - self._since) * self._pace)
        self._since = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
