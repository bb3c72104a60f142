"""I11: at no instant do intents hold more than a queue, a sweep or a DAG has, and never two the same slot or port."""

from __future__ import annotations

from collections import Counter

from planner.keys import Key
from planner.line import queue_name
from planner.model.facts import Intended, Observed, Vanished
from planner.model.run import Phase
from tests.simulation.history import History
from tests.simulation.invariants.places import crowded

NAME = "I11"


def check(history: History) -> list[str]:
    found = []
    held: dict[Key, Intended] = {}
    for made in history.transactions:
        for fact in made.facts:
            match fact:
                case Intended():
                    held.setdefault(fact.key, fact)
                case Observed() if fact.observation.phase is Phase.ENDED:
                    held.pop(fact.observation.key, None)
                case Vanished():
                    held.pop(fact.key, None)
                case _:
                    pass
        if any(isinstance(fact, Intended) for fact in made.facts):
            found += _over(history, held, made.at)
    return found + _beside(history) + crowded(history)


def _over(history: History, held: dict[Key, Intended], at: float) -> list[str]:
    limits = history.limits
    found = []
    if limits.runs is not None and len(held) > limits.runs:
        found.append(f"{len(held)} attempts at {at:g} s, {limits.runs} are allowed")
    for name, queue in limits.queues.items():
        inside = sum(queue_name(intent.queue) == name for intent in held.values())
        if queue.runs is not None and inside > queue.runs:
            found.append(f"{inside} attempts of queue {name} at {at:g} s, {queue.runs} are allowed")
    for name, most in limits.slots.items():
        wanted = sum(intent.requests.get(name, 0) for intent in held.values())
        if wanted > most:
            found.append(f"{wanted} of {name} at {at:g} s, there are {most}")
    things = Counter(thing for intent in held.values() for thing in _things(intent))
    return found + [f"{thing} is held {count} times at {at:g} s" for thing, count in things.items() if count > 1]


def _things(intent: Intended) -> list[str]:
    slots = [f"{name} {index}" for name, indexes in intent.leases.slots.items() for index in indexes]
    return [*slots, *(f"port {port}" for port in intent.leases.ports)]


def _beside(history: History) -> list[str]:
    """The same of programs that really run: what a lease stands for is free when it is given."""
    leases = {start.key: start.leases for start in history.starts}
    found = []
    for start in history.starts:
        for other in start.beside:
            ports = set(start.leases.ports) & set(leases[other].ports)
            slots = [
                name for name, mine in start.leases.slots.items() if set(mine) & set(leases[other].slots.get(name, ()))
            ]
            if ports or slots:
                found.append(f"{start.key} started with what {other} held: {sorted(ports) or slots}")
    return found
