"""The problems: a space, what a point loses, and the least that can be lost.

Functions are those of Surjanovic and Bingham's library of test functions. Numbers whose logarithm matters are written
as exponents (`uniform`), since the kind `bayes` takes no logarithmic distribution; both sides get the same space.

Under hyperband a point loses more the less of the resource it has got, by an amount of its own that is drawn from a
hash: early losses are a hint, as they are in training.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.quality import learned
from planner.model.search import Dimension, Space

Params = Mapping[str, Any]
MOST = 27
"""The most of the resource under hyperband."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Attributes: `loss` of params with a share of the resource, and the `least` there is."""

    name: str
    space: Space
    loss: Callable[[Params, float], float]
    least: Callable[[], float]


def uniform(name: str, low: float, high: float) -> Dimension:
    return Dimension(name, "uniform", numbers=(low, high))


def _box(size: int, low: float, high: float) -> Space:
    return tuple(uniform(f"x{index}", low, high) for index in range(size))


def _short(full: float, share: float, params: Params, scale: float) -> float:
    """What is lost with a share of the resource: up to `scale` more, and less of it the more there is."""
    if share >= 1:
        return full
    text = json.dumps(params, sort_keys=True).encode()
    luck = int.from_bytes(hashlib.sha256(text).digest()[:6], "big") / 2**48
    return full + scale * (0.5 + luck) * (1 / math.sqrt(share) - 1) / 4


def _function(name: str, space: Space, scale: float, least: float) -> Callable[[Callable[..., float]], Problem]:
    def made(function: Callable[..., float]) -> Problem:
        def loss(params: Params, share: float) -> float:
            return _short(function(*(params[dimension.name] for dimension in space)), share, params, scale)

        return Problem(name, space, loss, lambda: least)

    return made


@_function("Branin", (uniform("x", -5, 10), uniform("y", 0, 15)), 10.0, 0.39788735772973816)
def branin(x: float, y: float) -> float:
    bent = y - 5.1 / (4 * math.pi**2) * x**2 + 5 / math.pi * x - 6
    return bent**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x) + 10


_A = ((10, 3, 17, 3.5, 1.7, 8), (0.05, 10, 17, 0.1, 8, 14), (3, 3.5, 1.7, 10, 17, 8), (17, 8, 0.05, 10, 0.1, 14))
_P = (
    (1312, 1696, 5569, 124, 8283, 5886),
    (2329, 4135, 8307, 3736, 1004, 9991),
    (2348, 1451, 3522, 2883, 3047, 6650),
    (4047, 8828, 8732, 5743, 1091, 381),
)


@_function("Hartmann-6", _box(6, 0, 1), 0.5, -3.322368011415515)
def hartmann(*x: float) -> float:
    return -sum(
        weight * math.exp(-sum(a * (value - p / 1e4) ** 2 for a, value, p in zip(row, x, at, strict=True)))
        for weight, row, at in zip((1.0, 1.2, 3.0, 3.2), _A, _P, strict=True)
    )


@_function("Rosenbrock-5", _box(5, -2.048, 2.048), 50.0, 0.0)
def rosenbrock(*x: float) -> float:
    return sum(100 * (after - at**2) ** 2 + (1 - at) ** 2 for at, after in itertools.pairwise(x))


@_function("Ackley-10", _box(10, -32.768, 32.768), 2.0, 0.0)
def ackley(*x: float) -> float:
    far = math.sqrt(sum(value**2 for value in x) / len(x))
    waves = sum(math.cos(2 * math.pi * value) for value in x) / len(x)
    return -20 * math.exp(-0.2 * far) - math.exp(waves) + 20 + math.e


@_function("Levy-4", _box(4, -10, 10), 5.0, 0.0)
def levy(*x: float) -> float:
    w = [1 + (value - 1) / 4 for value in x]
    middle = sum((at - 1) ** 2 * (1 + 10 * math.sin(math.pi * at + 1) ** 2) for at in w[:-1])
    return math.sin(math.pi * w[0]) ** 2 + middle + (w[-1] - 1) ** 2 * (1 + math.sin(2 * math.pi * w[-1]) ** 2)


_MIXED = (
    Dimension("optimizer", "choice", values=("sgd", "momentum", "adam")),
    Dimension("activation", "choice", values=("relu", "tanh", "gelu")),
    uniform("log_rate", -6, 0),
    uniform("log_decay", -8, -1),
    Dimension("layers", "range", numbers=(1, 9, 1), whole=True),
    uniform("dropout", 0, 0.9),
)
_BEST_RATE = {"sgd": -1.0, "momentum": -2.0, "adam": -3.0}
_COST = {"relu": 0.05, "tanh": 0.2, "gelu": 0.0, "sgd": 0.3, "momentum": 0.1, "adam": 0.0}


@_function("mixed", _MIXED, 0.3, 0.0)
def mixed(*given: Any) -> float:
    """The shape of a tuning problem: the best rate hangs on the optimizer and the depth, dropout on the depth."""
    optimizer, activation, rate, decay, layers, dropout = given
    off = rate - _BEST_RATE[optimizer] + 0.1 * (layers - 4)
    waste = _COST[optimizer] + _COST[activation] * (2 if optimizer == "sgd" else 1)
    depth = 0.03 * (layers - 4) ** 2 + 0.8 * (dropout - 0.05 * layers) ** 2
    return waste + 0.25 * off**2 / (1 + 0.2 * off**2) + depth + 0.02 * (decay + 4) ** 2


SVC = Problem(
    "SVC on digits",
    (uniform("log_c", -3, 3), uniform("log_gamma", -6, 1)),
    learned.svc,
    lambda: learned.least("svc"),
)
BOOSTING = Problem(
    "boosting on breast cancer",
    (
        uniform("log_rate", -3, 0),
        Dimension("depth", "range", numbers=(1, 7, 1), whole=True),
        uniform("subsample", 0.3, 1),
        Dimension("features", "choice", values=("sqrt", "log2", "all")),
    ),
    learned.boosting,
    lambda: learned.least("boosting"),
)
ALL = (branin, hartmann, rosenbrock, ackley, levy, mixed, SVC, BOOSTING)
