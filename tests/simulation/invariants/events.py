"""An event starts each operation that listens to it once, or is passed over with a reason; no end of a run is untold.

Who listens is read from what was recorded, in order, by names; what must be told is worked out here from the ends of
runs, without looking at how the daemon finds it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from planner.keys import Key
from planner.model.events import Subscription
from planner.model.facts import Carried, Fact, Happened, Listened, Opened, PassedOver, Received, Renamed, Settled
from planner.model.status import FINAL
from tests.simulation.history import History

NAME = "events"

_ENDS = {f"run_status_{status}" for status in (*FINAL, "done")}


@dataclass(slots=True)
class _Seen:
    """What was recorded so far.

    Attributes:
        listens: by root.
        lineage: a number for each root, which it keeps over renames, by its name now.
        waiting: events that a root heard of and of which nothing was decided, by root.
        told: events by what they are about and their kind.
        owed: ends that somebody listened to: about, kind, who.
        received: how often each event was.
        not_own: hooks, what was carried over, and what ends a circle.
        count: roots that there ever were.
        started: how often an event started something, by root's lineage and event.
        ends: how often a run came to an end, by run and kind.
        said: how often others were told of one, by run and kind.
    """

    listens: dict[str, tuple[Subscription, ...]] = field(default_factory=dict)
    lineage: dict[str, int] = field(default_factory=dict)
    waiting: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    told: set[tuple[str, str, int]] = field(default_factory=set)
    owed: list[tuple[str, str, int, str]] = field(default_factory=list)
    received: Counter[str] = field(default_factory=Counter)
    not_own: set[Key] = field(default_factory=set)
    started: Counter[tuple[int, str]] = field(default_factory=Counter)
    ends: Counter[tuple[str, str]] = field(default_factory=Counter)
    said: Counter[tuple[str, str]] = field(default_factory=Counter)

    count: int = 0

    def of(self, name: str) -> int:
        """The number of a root."""
        if name not in self.lineage:
            self.count += 1
            self.lineage[name] = self.count
        return self.lineage[name]


def check(history: History) -> list[str]:
    seen = _Seen()
    found: list[str] = []
    for made in history.transactions:
        # What ends in the transaction by which somebody begins to listen, or ceases to, is told to who did before.
        for fact in sorted(made.facts, key=lambda fact: isinstance(fact, Listened)):
            found += _step(seen, fact)
    found += [f"{ident} was received {count} times" for ident, count in seen.received.items() if count > 1]
    found += [
        f"{ident} started {count} runs of one operation" for (_, ident), count in seen.started.items() if count > 1
    ]
    found += [
        f"{name} was not told of {kind} of {about}"
        for about, kind, root, name in seen.owed
        if (about, kind, root) not in seen.told
    ]
    found += [
        f"{kind} of {about} is {count} events, and it came to it {seen.ends[about, kind]} times"
        for (about, kind), count in seen.said.items()
        if count > seen.ends[about, kind]
    ]
    if history.settled:
        left = {name: idents for name, idents in seen.waiting.items() if idents}
        found += [f"nothing was decided of {len(idents)} events of {name}" for name, idents in left.items()]
    return found


def _step(seen: _Seen, fact: Fact) -> list[str]:
    match fact:
        case Listened():
            seen.listens[fact.root] = fact.listens
        case Renamed():
            _rename(seen, fact)
        case Received():
            seen.received[fact.event.ident] += 1
            if fact.event.kind in _ENDS:
                seen.said[fact.event.about, fact.event.kind] += 1
        case Happened():
            return _heard(seen, fact)
        case PassedOver():
            return _decided(seen, fact.root, fact.ident)
        case Opened():
            return _opened(seen, fact)
        case Carried():
            seen.not_own.add(fact.key)
        case Settled() if not fact.key.place and fact.key not in seen.not_own:
            seen.ends.update((str(fact.key), f"run_status_{status}") for status in (fact.status, "done"))
            _owe(seen, fact)
        case _:
            pass
    return []


def _rename(seen: _Seen, fact: Renamed) -> None:
    seen.listens[fact.root] = seen.listens.pop(fact.old, ())
    seen.lineage[fact.root] = seen.of(fact.old)
    del seen.lineage[fact.old]
    seen.waiting[fact.root] |= seen.waiting.pop(fact.old, set())


def _heard(seen: _Seen, fact: Happened) -> list[str]:
    event = fact.event
    seen.waiting[fact.root].add(event.ident)
    seen.told.add((event.about, event.kind, seen.of(fact.root)))
    if any(one.ref == event.ref and event.kind in one.kinds for one in seen.listens.get(fact.root, ())):
        return []
    return [f"{fact.root} was told of {event.kind} of {event.ref}, to which it does not listen"]


def _opened(seen: _Seen, fact: Opened) -> list[str]:
    if fact.follows is not None:
        seen.not_own.add(fact.key)
    if fact.event is None:
        return []
    if fact.event.is_circle(fact.root):
        seen.not_own.add(fact.key)  # it is recorded as skipped, and its end tells nobody
    seen.started[seen.of(fact.root), fact.event.ident] += 1
    return _decided(seen, fact.root, fact.event.ident)


def _decided(seen: _Seen, root: str, ident: str) -> list[str]:
    if ident not in seen.waiting[root]:
        return [f"something was decided of {ident} for {root}, which had not heard of it"]
    seen.waiting[root].discard(ident)
    return []


def _owe(seen: _Seen, fact: Settled) -> None:
    ref = f"runs.{fact.root}"
    for name, listens in seen.listens.items():
        for kind in (f"run_status_{fact.status}", "run_status_done"):
            if any(one.ref == ref and kind in one.kinds for one in listens):
                seen.owed.append((str(fact.key), kind, seen.of(name), name))
