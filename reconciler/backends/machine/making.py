"""Makes the claim of an order, with its folders, and hands it over: in one go where nothing comes from elsewhere.

A thread of its own for each step costs as much as the step, so there is one for an order that brings no code. What it
must never do: hand over a claim that is not durable.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from planner.keys import Key
from reconciler.backends import code
from reconciler.backends.code import Trees
from reconciler.backends.machine import clones, folders
from reconciler.backends.machine.account import Account
from reconciler.backends.machine.claims import Claim, Claims
from reconciler.backends.machine.draft import Draft, inits
from reconciler.errors import Refused
from reconciler.ports import Order
from reconciler.ports_clones import Clones

__all__ = ["Making", "Ways"]

T = TypeVar("T")


class _Thread(Protocol):
    """Does something in a thread, and gives what comes of it."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]: ...


def _nothing(_: Draft, __: Order) -> None:
    return


@dataclass(frozen=True, slots=True)
class Ways:
    """What a backend of one machine does in its own way.

    Attributes:
        draw: what an order is as a claim; refuses what can never run.
        hand: has what of a claim nobody has taken be started.
        fill: what its attempts have beside the folders of all of them.
    """

    draw: Callable[[Order], Draft]
    hand: Callable[[Claim], None]
    fill: Callable[[Draft, Order], None] = _nothing


class Making:
    """Claims as they come into being."""

    def __init__(self, runs: Path, account: Account, claims: Claims, ways: Ways) -> None:
        self._runs = runs
        self._account = account
        self._claims = claims
        self._ways = ways

    async def make(self, order: Order, trees: Trees, cloned: Clones | None, thread: _Thread) -> bool:
        """Make the claim of `order`, or hand over again what nobody has taken; returns whether it was made now.

        Args:
            order: what is to run.
            trees: where code comes from.
            cloned: where code of other repositories comes from.
            thread: for what waits for the disk.

        Raises:
            Refused: it can never run here.
            Transient: not now.
        """
        wanted = order.run.gang.code
        if not wanted and not inits(order.run.gang):
            return await thread(lambda: self._begin(order) and self._whole(order))
        if not await thread(lambda: self._begin(order)):
            return False
        code.check(wanted)
        drafted = self._ways.draw(order)
        cache, home = folders.trees_cache(self._runs), drafted.attempt.parent
        contents = await code.fetch(trees, wanted, cache)
        others = await clones.fetch(cloned, drafted.entries, home, cache)
        pairs = (*zip(wanted, contents, strict=True), *others.trees)

        def fill() -> None:
            folders.fill(drafted, self._account, pairs)
            self._ways.fill(drafted, order)
            clones.pin(home, others)

        return await thread(lambda: self._make(order.key, drafted, fill))

    def again(self, key: Key) -> bool:
        """Whether the claim exists; what of it nobody has taken is handed over again.

        Raises:
            Refused: it is that of another run, or was cleaned.
        """
        claim = self._claims.find(key)
        if claim is None:
            return False
        if claim.key != str(key):
            raise Refused(f"the claim of {key} has the same name as that of {claim.key}: rename one of them")
        if claim.cleaned():
            raise Refused(f"{key} has run before, and the ledger has lost it: plumbline retry runs it again")
        if claim.names:
            self._ways.hand(claim)
        return True

    def _begin(self, order: Order) -> bool:
        """Whether `order` is to be made: its claim does not exist."""
        if self.again(order.key):
            return False
        self._claims.ownership.note(order.stamp.sequence)
        return True

    def _whole(self, order: Order) -> bool:
        drafted = self._ways.draw(order)

        def fill() -> None:
            folders.fill(drafted, self._account, ())
            self._ways.fill(drafted, order)

        return self._make(order.key, drafted, fill)

    def _make(self, key: Key, drafted: Draft, fill: Callable[[], None]) -> bool:
        if not self._claims.make(key, drafted.record, fill):
            self.again(key)
            return False
        self._ways.hand(Claim(self._claims.claims / self._claims.name(key), drafted.record))
        return True
