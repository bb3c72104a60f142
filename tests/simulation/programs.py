"""What an attempt's program does: a function of seed and key, so that a history and its twin see the same ones."""

from __future__ import annotations

import random

from planner.model.gang import Lifetime
from reconciler.backends.scripted import Program
from reconciler.ports import Order
from tests.simulation.tunes import trial_program, tuner_program

__all__ = ["program"]

_STEADY = 4
"""From this attempt on a service stays up: what can settle does."""


def program(seed: int, order: Order, *, paced: bool) -> Program:
    """The program of an attempt; what is paced stays long enough to be seen in every state that it passes."""
    key = order.key
    if (trial := trial_program(seed, order)) is not None:
        return trial
    if (tuner := tuner_program(seed, order)) is not None:
        return tuner
    chance = random.Random(f"{seed}/{key}")
    if order.run.gang.lifetime is Lifetime.ALWAYS:
        return _service(chance, key.attempt, paced=paced)
    if chance.random() < 0.35:
        return Program(seconds=chance.choice([0.0, 1.0, 30.0]), exit_code=chance.choice([1, 137]))
    outputs = {"value": chance.randrange(3)} if chance.random() < 0.95 else {}
    return Program(seconds=chance.choice([0.0, 0.5, 2.0, 20.0, 50.0]), outputs=outputs)


def _service(chance: random.Random, attempt: int, *, paced: bool) -> Program:
    used = random.Random(f"use of {chance.getstate()[1][0]}").choice([0.0, 100.0, 2000.0, 1e9])
    if attempt >= _STEADY:
        return Program(seconds=None, ready_after=2.0, active_for=used)
    seconds = chance.choice([None, None, 500.0] if paced else [None, None, 1.0, 20.0, 200.0])
    code = chance.choice([0, 1])
    ready = chance.choice([0.0, 2.0, 15.0, None])
    return Program(seconds, exit_code=code, ready_after=ready, active_for=used)
