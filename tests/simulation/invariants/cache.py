"""What is cached has the result of a run that did the same work and succeeded, and never starts; a retry runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from planner.canon import Json
from planner.keys import Key
from planner.model.facts import Bound, CacheHit, Carried, Intended, Observed, Settled
from planner.model.status import RunStatus
from tests.simulation.history import History

NAME = "cache"


@dataclass(slots=True)
class _Seen:
    """What was recorded so far."""

    work: dict[Key, str] = field(default_factory=dict)
    outputs: dict[Key, Mapping[str, Json]] = field(default_factory=dict)
    done: set[Key] = field(default_factory=set)
    not_own: set[Key] = field(default_factory=set)


def check(history: History) -> list[str]:
    seen = _Seen()
    found = []
    for fact in history.facts():
        match fact:
            case Bound():
                seen.work[fact.key] = fact.work or fact.digest
            case Observed() if fact.observation.outputs:
                seen.outputs[fact.observation.key.run] = fact.observation.outputs
            case Settled(status=RunStatus.SUCCEEDED):
                seen.done.add(fact.key)
            case Carried():
                seen.not_own.add(fact.key)
            case CacheHit():
                found += _wrong(seen, fact)
                seen.not_own.add(fact.key)
            case Intended() if fact.key.run in seen.not_own:
                found.append(f"{fact.key} was intended, though it is cached or carried over")
            case _:
                pass
    return found


def _wrong(seen: _Seen, hit: CacheHit) -> list[str]:
    found = []
    if hit.key.round or hit.key.recurs:
        found.append(f"{hit.key} is cached, though its work was asked for")
    if hit.source not in seen.done or hit.source in seen.not_own:
        found.append(f"{hit.key} is cached from {hit.source}, which did not do the work")
    if seen.work.get(hit.key) != seen.work.get(hit.source):
        found.append(f"{hit.key} is cached from {hit.source}, which did other work")
    if dict(hit.outputs) != dict(seen.outputs.get(hit.source, {})):
        found.append(f"{hit.key} has other outputs than {hit.source}, where they are from")
    return found
