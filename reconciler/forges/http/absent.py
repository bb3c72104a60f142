"""A list that a forge may not have, or not let us see: that is said once, and it is asked for again minutes later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio

from reconciler.forges.http.client import Client
from reconciler.telemetry import log

__all__ = ["Absent"]

_AGAIN = 600.0


class Absent:
    """Reads a list, or finds that there is none.

    Args:
        what: the list is of, for the log.
        hint: what a person can do where there should be one; "" where there need not be, and nobody is told.
        means: statuses of answers that say that there is none.
    """

    def __init__(self, what: str, hint: str, means: frozenset[int]) -> None:
        self._what = what
        self._hint = hint
        self._means = means
        # By the loop's clock; it is not there, as far as is known, before.
        self._until = -1.0
        self._there = False

    async def pages(self, client: Client, path: str, params: Mapping[str, str] | None = None) -> list[Any] | None:
        """All items; None where there is no such list, and for some minutes after that.

        A list that was there does not go by being refused: that is a fault, which is raised.

        Raises:
            Transient, Refused: see `Client.pages`.
        """
        if anyio.current_time() < self._until:
            return None
        found = await client.pages_if(path, params, frozenset() if self._there else self._means)
        if isinstance(found, list):
            self._there = True
            return found
        if self._hint and self._until < 0:
            words = found.words or "no reason given"
            log.warning(f"no {self._what} is looked at", status=found.status, reason=words, hint=self._hint)
        self._until = anyio.current_time() + _AGAIN
        return None
