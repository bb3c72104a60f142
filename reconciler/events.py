"""Events from outside: who listens to what, and telling them.

An event is recorded in the transaction of what it is about (the end of a run, a planned commit) or of its own (what
somebody sent), together with one fact for each root that listens; so a crash loses none and tells none twice. Who
listens is an index of the roots' records. This module decides nothing: see `planner.happenings`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import anyio

from planner import happenings
from planner.fold import RootState, fold_all
from planner.model.events import REPOSITORY, RUNS, SENDABLE, OutsideEvent, Subscription
from planner.model.facts import Fact, Happened, Listened, Renamed
from planner.model.records import RootRecord
from reconciler.core import Core
from reconciler.errors import Refused, Transient
from reconciler.source.model import touched
from reconciler.telemetry import log

__all__ = ["Events", "Told"]


@dataclass(frozen=True, slots=True)
class Told:
    """What came of an event that somebody sent.

    Attributes:
        event: as it is known here; of one that was sent before, as it was then.
        operations: those that it starts, by name; none when it was seen before.
        seen: whether it was seen before, and so started nothing now.
    """

    event: OutsideEvent
    operations: tuple[str, ...] = ()
    seen: bool = False


class Events:
    """Tells roots of events. What gives facts, and `recorded`, is called with `core.recording` held."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._by_ref: dict[str, dict[str, tuple[Subscription, ...]]] = {}
        self._listens: dict[str, tuple[Subscription, ...]] = {}
        # Until it is known who listens, nobody is told that nobody does.
        self._known = anyio.Event()

    def load(self, roots: Mapping[str, RootRecord]) -> None:
        """Take over from the records who listens to what; before anything is reconciled."""
        for name, record in roots.items():
            self._set(name, record.listens)
        self._known.set()

    async def of_runs(self, before: RootState, facts: Sequence[Fact]) -> tuple[Fact, ...]:
        """What `facts` about a root, recorded on top of `before`, tell others; to be recorded with them."""
        listeners = self._by_ref.get(RUNS + before.record.name)
        if not listeners or not facts:
            return ()
        after = fold_all(before, facts)
        kinds = {kind for subscriptions in listeners.values() for one in subscriptions for kind in one.kinds}
        found: list[Fact] = []
        for event in happenings.of_runs(before, after, kinds, self._core.clock.now()):
            # A status that a run leaves and comes to again is the same event.
            if await self._core.ledger.event(event.ident) is None:
                found.extend(happenings.told(event, listeners))
        return tuple(found)

    async def touched(self, commit: str) -> Collection[str] | None:
        """The paths that differ between the newest planned commit and `commit`; None where that is not known.

        Called without the lock: reading two trees may take long. Nobody listening, it reads nothing.

        Raises:
            Transient, Refused: the tree of `commit` cannot be read.
        """
        if REPOSITORY not in self._by_ref:
            return ()
        head = (await self._core.ledger.project()).head
        if not head or head == commit:
            return ()
        new = await self._core.source.tree(commit)
        try:
            old = await self._core.source.tree(head)
        except (Transient, Refused) as error:
            log.warning("what a commit touches is not known: all who listen are told", reason=error.message)
            return None
        return touched(old, new)

    def of_commit(self, commit: str, before: str, touched: Collection[str] | None) -> tuple[Fact, ...]:
        """What a commit that is planned for the first time tells others; to be recorded with its plan."""
        listeners = self._by_ref.get(REPOSITORY)
        if not listeners or not before:
            return ()
        event = happenings.of_commit(commit, before, touched or (), self._core.clock.now())
        return tuple(happenings.told(event, listeners, touched))

    async def receive(self, event: OutsideEvent) -> Told | None:
        """Record an event that somebody sent, and wake who listens; None where nobody does, and nothing is recorded.

        Raises:
            Transient: it could not be recorded.
        """
        core = self._core
        await self._known.wait()
        async with core.recording:
            known = await core.ledger.event(event.ident)
            if known is not None:
                return Told(known, seen=True)
            facts = tuple(happenings.told(event, self._by_ref.get(event.ref, {})))
            if not facts:
                return None
            await core.ledger.record(facts)
            self.recorded(facts)
        return Told(event, tuple(fact.root for fact in facts if isinstance(fact, Happened)))

    def recorded(self, facts: Sequence[Fact]) -> None:
        """Keep in step with facts that were recorded just now, and wake the roots that they tell."""
        for fact in facts:
            match fact:
                case Listened():
                    self._set(fact.root, fact.listens)
                case Renamed():
                    self._rename(fact.old, fact.root)
                case Happened():
                    self._core.queue.add(f"root:{fact.root}")
                case _:
                    pass

    def senders(self, kind: str) -> list[str]:
        """The names of senders whose events of that kind some root listens to."""
        found = (
            ref
            for ref, listeners in self._by_ref.items()
            if any(kind in one.kinds and kind in SENDABLE for each in listeners.values() for one in each)
        )
        return sorted(found)

    def _set(self, name: str, listens: tuple[Subscription, ...]) -> None:
        for ref in {one.ref for one in self._listens.pop(name, ())}:
            del self._by_ref[ref][name]
            if not self._by_ref[ref]:
                del self._by_ref[ref]
        if listens:
            self._listens[name] = listens
        for one in listens:
            listeners = self._by_ref.setdefault(one.ref, {})
            listeners[name] = (*listeners.get(name, ()), one)

    def _rename(self, old: str, new: str) -> None:
        listens = self._listens.get(old, ())
        self._set(old, ())
        self._set(new, listens)
