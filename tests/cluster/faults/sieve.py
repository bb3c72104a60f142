"""Every way to disturb a workload once: points after Sieve (OSDI'22), made from what an undisturbed run has asked.

Pure. *Intermediate*: the daemon is killed before or after each write. *Stale*: its next life sees the lists of the
beginning. *Unobserved*: events of watches are not told.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tests.cluster.faults.plan import Fault, On, Script, What, drawn

__all__ = ["Pick", "points"]


@dataclass(frozen=True, slots=True)
class Pick:
    """A point: its sort, a workload, and what happens to it."""

    sort: str
    workload: str
    faults: tuple[Fault, ...]

    def __str__(self) -> str:
        """As `--replay` takes it."""
        return " ".join((self.workload, *map(str, self.faults)))


def points(references: Mapping[str, Script], count: int, seed: int) -> list[Pick]:
    """So many points: all that there are in an order of the seed, then two disturbances at once, drawn from it."""
    chance = random.Random(seed)
    found = [pick for workload, script in references.items() for pick in _of(workload, script)]
    chance.shuffle(found)
    while len(found) < count:
        workload = chance.choice(sorted(references))
        singles = list(_of(workload, references[workload]))
        both = (*chance.choice(singles).faults, *chance.choice(singles).faults)
        found.append(Pick("twice", workload, both + drawn(chance.randrange(1 << 30), 1)))
    return found[:count]


def _of(workload: str, script: Script) -> Iterator[Pick]:
    for at in range(1, len(script.writes) + 1):
        yield Pick("intermediate", workload, (Fault(What.KILLED_BEFORE, On.WRITE, at),))
        yield Pick("intermediate", workload, (Fault(What.KILLED_AFTER, On.WRITE, at),))
        yield Pick("stale", workload, (Fault(What.AGED, On.WRITE, at),))
    for at in range(1, script.seen[On.EVENT] + 1):
        yield Pick("unobserved", workload, (Fault(What.DROPPED, On.EVENT, at),))
        yield Pick("unobserved", workload, (Fault(What.DROPPED, On.EVENT, at, 3),))
