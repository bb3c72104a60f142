"""The daemon's store of artifacts, and what waits for it now. Shared by who copies, who fetches and who tells people.

Nothing here is durable: which copies are owed is in the ledger, what is to be fetched is asked for again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import anyio

from planner.keys import Key
from reconciler.ports_store import Store

__all__ = ["Storage", "StoreWait"]


@dataclass(frozen=True, slots=True)
class StoreWait:
    """That a store does not do what it is asked.

    Attributes:
        since: when it first did not.
        reason: what it said last.
        failures: how often in a row.
        again: when it is asked next, by the loop's clock.
    """

    since: datetime
    reason: str
    failures: int
    again: float


class Storage:
    """A store with what waits for it.

    Attributes:
        store: the store.
        wait: that it does not answer now; None while it does.
        fetches: names of run folders that are to be brought back, each with the roots that wait for it.
        lacking: names that the store had no copy of when it was asked for the next start.
        news: set when there is something to do.
    """

    def __init__(self, store: Store, instance: str, project: str, ledger: str) -> None:
        self.store = store
        self._owner = (instance, project)
        # With the id of the ledger: another one that begins anew has runs of the same names.
        self._folder = f"{instance}/{ledger[:12]}"
        self.wait: StoreWait | None = None
        self.fetches: dict[str, set[str]] = {}
        self.lacking: set[str] = set()
        self.news = anyio.Event()

    def place(self, name: str) -> str:
        """Where the copy of the run folder `name` is in the store."""
        return f"{self._folder}/{name}"

    def place_of(self, run: Key) -> str:
        """Where the copy of a run is."""
        return self.place(run.run.dns_name(*self._owner))

    def want(self, name: str, root: str) -> None:
        """Have the folder `name` brought back for `root`."""
        self.fetches.setdefault(name, set()).add(root)
        self.news.set()

    @property
    def words(self) -> str:
        """Why nothing goes on that needs the store; "" while it answers."""
        if self.wait is None:
            return ""
        since = self.wait.since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"waiting for store {self.store.url} since {since}: {self.wait.reason}"
