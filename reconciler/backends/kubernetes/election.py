"""Which of several replicas leads: whoever has a Lease of the cluster, for as long as it renews it.

Times are of this process alone: a Lease counts as free when nothing of it has changed for as long as its holder said,
as seen from here, so clocks may differ as they like. Whoever cannot renew ends before that time is over for others.

What it must never do: believe that it leads for longer than it said, or wait for an answer for longer than that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import anyio

from reconciler.backends.kubernetes import lease
from reconciler.backends.kubernetes.denied import Denied
from reconciler.backends.kubernetes.lease import Claim, Held
from reconciler.errors import Transient, Unusable
from reconciler.telemetry import log

__all__ = ["Election", "Place", "Times"]


class Asked(Protocol):
    """The API server."""

    async def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """See `reconciler.backends.kubernetes.client.Api.call`."""
        ...


class Alarm(Protocol):
    """What ends this process if nothing else does; see `reconciler.alarm`."""

    def set(self, at: float) -> None:
        """End it at that instant of the monotonic clock."""
        ...

    def stop(self) -> None:
        """Do not end it."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where the Lease is."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"

    @property
    def collection(self) -> str:
        """Path of all Leases there."""
        return f"/apis/coordination.k8s.io/v1/namespaces/{self.namespace}/leases"

    @property
    def path(self) -> str:
        """Path of this one."""
        return f"{self.collection}/{self.name}"


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds.

    Attributes:
        duration: that nothing must be heard of a leader before another one takes over; whole ones.
        renew: that a leader goes on trying to renew.
        retry: between two renewals. Who stands by looks twice as often, so that what was let go of is soon taken.
    """

    duration: float
    renew: float
    retry: float

    @property
    def patience(self) -> float:
        """For one answer: a leader can ask three times before its time is over."""
        return self.renew / 3

    @property
    def limit(self) -> float:
        """After the last renewal, when a leader leads no more."""
        return self.retry + self.renew

    @property
    def last(self) -> float:
        """After the last renewal, when a process that has not ended by itself is ended."""
        return (self.limit + self.duration) / 2


class Election:
    """The part of one replica in it.

    Attributes:
        place: where the Lease is.
        seen: the Lease as it was last read; None before that, and where there is none.
        unseen: why it cannot be read or taken now, or "".
    """

    def __init__(self, api: Asked, place: Place, claim: Claim, times: Times, alarm: Alarm) -> None:
        """Touches nothing."""
        self.place = place
        self.seen: Held | None = None
        self.unseen = "it was not read yet"
        self._api = api
        self._claim = claim
        self._times = times
        self._alarm = alarm
        self._changed_at = 0.0
        self._mine: Held | None = None
        self._renewed_at = 0.0
        self._turn = anyio.Lock()

    @property
    def identity(self) -> str:
        """The name of this replica."""
        return self._claim.identity

    async def win(self) -> int:
        """Stand by until this replica leads; its term. From then on `hold` has to run."""
        while True:
            why = ""
            try:
                with anyio.fail_after(self._times.patience):
                    if await self._contend():
                        self.unseen = ""
                        return self._term()
            except TimeoutError:
                why = "the API server did not answer in time"
            except Transient as error:
                why = error.message
            except Denied as denied:
                # Somebody else was first: the next look says who.
                why = "" if denied.changed or denied.taken else denied.message or str(denied)
            if why and why != self.unseen:
                log.warning("the lease cannot be had", lease=str(self.place), reason=why)
            self.unseen = why
            await anyio.sleep(self._times.retry / 2)

    async def hold(self) -> None:
        """Renew it, until cancelled.

        Raises:
            Unusable: this replica leads no more.
        """
        while True:
            await anyio.sleep(self._times.retry)
            await self._renew()

    async def raise_above(self, term: int) -> int:
        """Have a term that is greater than `term`, which a ledger has seen; the new one.

        Raises:
            Unusable: this replica leads no more.
        """
        async with self._turn:
            await self._in_time(lambda mine: lease.raised(mine, term, _now()))
        return self._term()

    async def release(self) -> None:
        """Let others have it at once. Only when nothing is done any more that a leader does."""
        self._alarm.stop()
        if self._mine is None:
            return
        try:
            with anyio.move_on_after(self._times.patience):
                await self._write(lambda mine: lease.released(mine, _now()))
        except (Transient, Denied, Unusable) as error:
            log.info("the lease was not let go of, and others have to wait for its end", reason=str(error))
        finally:
            self._mine = None
            self._alarm.stop()

    # --- parts ---

    async def _contend(self) -> bool:
        """Take the Lease if it is free; whether it was."""
        found = await self._look()
        if found is not None and not self._is_free(found):
            return False
        begun = anyio.current_time()
        if found is None:
            body = await self._api.call("POST", self.place.collection, lease.made(self.place.name, self._claim, _now()))
        else:
            body = await self._api.call("PUT", self.place.path, lease.taken(found, self._claim, _now()))
        self._is_mine(body, begun)
        return True

    async def _look(self) -> Held | None:
        try:
            found = lease.read(await self._api.call("GET", self.place.path))
        except Denied as denied:
            if not denied.absent:
                raise
            self.seen = None
            return None
        if self.seen is None or self.seen.mark != found.mark:
            # Not before the answer: what is heard late must not count as heard long ago.
            self._changed_at = anyio.current_time()
        self.seen = found
        return found

    def _is_free(self, found: Held) -> bool:
        if found.holder in {"", self._claim.identity}:
            return True
        return anyio.current_time() - self._changed_at >= (found.duration or self._times.duration)

    async def _renew(self) -> None:
        async with self._turn:
            await self._in_time(lambda mine: lease.renewed(mine, _now()))

    async def _in_time(self, change: _Change) -> None:
        """Write a change of ours, as often as it takes and as long as we lead."""
        why = "the API server did not answer"
        while (left := self._renewed_at + self._times.limit - anyio.current_time()) > 0:
            try:
                with anyio.fail_after(min(left, self._times.patience)):
                    return await self._write(change)
            except TimeoutError:
                why = "the API server did not answer in time"
            except Transient as error:
                why = error.message
            except Denied as denied:
                why = denied.message or str(denied)
            await anyio.sleep(self._times.retry / 4)
        raise self._lost(f"it could not be renewed for {self._times.renew:g} s ({why})")

    async def _write(self, change: _Change) -> None:
        """Write a change of ours once; one that somebody else was before with is written on top of that.

        Raises:
            Unusable: somebody else has the Lease.
        """
        begun = anyio.current_time()
        assert self._mine is not None
        try:
            body = await self._api.call("PUT", self.place.path, change(self._mine))
        except Denied as denied:
            if not (denied.changed or denied.absent):
                raise
            found = await self._look()
            if found is None:
                # Somebody removed it, and whoever makes it now has it: nobody has taken it since.
                again = lease.made(self.place.name, self._claim, _now(), self._mine)
                body = await self._api.call("POST", self.place.collection, again)
            elif found.holder != self._claim.identity:
                raise self._lost(f"{found.holder or 'nobody'} has it") from None
            else:
                # What we wrote before has taken effect, though nobody said so.
                body = await self._api.call("PUT", self.place.path, change(found))
        self._is_mine(body, begun)

    def _is_mine(self, body: Mapping[str, Any], begun: float) -> None:
        self.seen = self._mine = lease.read(dict(body))
        self._renewed_at = begun
        self._alarm.set(begun + self._times.last)

    def _term(self) -> int:
        return self._mine.term if self._mine is not None else 0

    def _lost(self, why: str) -> Unusable:
        self._mine = None
        log.error("leads no more", lease=str(self.place), reason=why)
        # Others lead now, or soon: what does not end by itself has little time.
        self._alarm.set(min(self._renewed_at + self._times.last, anyio.current_time() + self._times.retry))
        return Unusable(f"this daemon leads no more, and ends: the lease {self.place} is lost, {why}")


class _Change(Protocol):
    def __call__(self, mine: Held, /) -> dict[str, Any]: ...


def _now() -> datetime:
    # For people who read the Lease; nothing is decided by it.
    return datetime.now(UTC)
