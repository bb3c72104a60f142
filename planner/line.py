"""The line: what is ready and was not let in yet, of all roots, in the order in which it gets its turn.

Within a queue whoever was opened first goes first, and a retry keeps the place of its run. Between queues the higher
priority goes first, then again whoever was opened first. The line holds wants and decides nothing: what it says of a
root is what the last plan of that root said.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from planner.desire.view import Ready
from planner.keys import Key

__all__ = ["DEFAULT", "Line", "QueueLimits", "queue_name"]

DEFAULT = "default"
"""The queue of whatever names none."""


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """What one queue may hold at once.

    Attributes:
        runs: attempts alive at once; None for no limit.
        resources: the most of each resource that they may ask for together.
        priority: the highest number goes first.
    """

    runs: int | None = None
    resources: Mapping[str, Decimal] = field(default_factory=dict)
    priority: int = 0

    @property
    def limited(self) -> bool:
        """Whether anybody may have to wait for it."""
        return self.runs is not None or bool(self.resources)


def queue_name(written: str) -> str:
    """The queue that a spec means: `gpu`, or `agent/gpu` as the reference writes it; the default one for none."""
    return written.replace(".", "/").rpartition("/")[2] or DEFAULT


_Turn = tuple[datetime, Key]


def _enter(queue: list[_Turn], turns: Sequence[_Turn]) -> None:
    """Put `turns` where they belong in `queue`."""
    if len(turns) < len(queue) // 16:
        for turn in turns:
            insort(queue, turn)
    else:
        queue.extend(turns)
        queue.sort(key=_order_of)  # looks at each key once, where comparing does so at every step


def _order_of(turn: _Turn) -> tuple[datetime, tuple[object, ...]]:
    since, key = turn
    return since, key.order


class Line:
    """Who waits, by queue. Changing it costs by what changes, not by how many wait."""

    def __init__(self, ready: Iterable[Ready] = ()) -> None:
        self._queues: dict[str, list[_Turn]] = {}
        self._items: dict[Key, Ready] = {}
        self._roots: dict[str, tuple[Key, ...]] = {}
        by_root: dict[str, list[Ready]] = {}
        for item in ready:
            by_root.setdefault(item.root, []).append(item)
        for root, items in by_root.items():
            self.put(root, items)

    def __len__(self) -> int:
        return len(self._items)

    def put(self, root: str, ready: Iterable[Ready]) -> bool:
        """Have `root` wait with `ready` and with nothing else; returns whether that differs from before."""
        wanted = {item.key: item for item in ready}
        before = self._roots.pop(root, ())
        moved = any(wanted.get(key) != self._items.get(key) for key in before)
        for key in before:
            # After a rename another root may wait under the key that this one had.
            if key not in wanted and key in self._items and self._items[key].root == root:
                self._leave(key)
        come: dict[str, list[_Turn]] = {}
        for key, item in wanted.items():
            if self._items.get(key) != item:
                self._leave(key)
                self._items[key] = item
                come.setdefault(queue_name(item.queue), []).append((item.since, key))
        for name, turns in come.items():
            _enter(self._queues.setdefault(name, []), turns)
        if wanted:
            self._roots[root] = tuple(wanted)
        return moved

    def _leave(self, key: Key) -> None:
        item = self._items.pop(key, None)
        if item is None:
            return
        name = queue_name(item.queue)
        turns = self._queues[name]
        del turns[bisect_left(turns, (item.since, key))]
        if not turns:
            del self._queues[name]

    @property
    def roots(self) -> frozenset[str]:
        """Those that have something in it."""
        return frozenset(self._roots)

    def of(self, root: str) -> tuple[Ready, ...]:
        """What waits of `root`."""
        return tuple(self._items[key] for key in self._roots.get(root, ()) if key in self._items)

    def waiting(self, queue: str) -> Sequence[Ready]:
        """What waits in `queue`, in order."""
        return [self._items[key] for _, key in self._queues.get(queue, ())]

    @property
    def queues(self) -> frozenset[str]:
        """Those that somebody waits in."""
        return frozenset(self._queues)

    def position(self, key: Key) -> tuple[int, int] | None:
        """Where attempt `key` is in its queue, from 1, and how many wait there; None where it does not wait."""
        item = self._items.get(key)
        if item is None:
            return None
        turns = self._queues[queue_name(item.queue)]
        return bisect_left(turns, (item.since, key)) + 1, len(turns)

    def in_turn(self, limits: Mapping[str, QueueLimits], closed: Mapping[str, object]) -> Iterator[Ready]:
        """Everybody in order. A queue is left out from when its name is in `closed`, which may grow meanwhile."""
        free = QueueLimits()
        heap = [self._turn(limits.get(name, free).priority, name, 0) for name in self._queues]
        heapq.heapify(heap)
        while heap:
            rank, _, key, name, index = heapq.heappop(heap)
            if name in closed:
                continue
            yield self._items[key]
            if name not in closed and index + 1 < len(self._queues[name]):
                heapq.heappush(heap, self._turn(-rank, name, index + 1))

    def _turn(self, priority: int, name: str, index: int) -> tuple[int, datetime, Key, str, int]:
        since, key = self._queues[name][index]
        return -priority, since, key, name, index
