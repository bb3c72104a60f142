"""Sweeps: every kind with every form of its params (reference, sections 13 and 14)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.generate.dice import Dice, Free

_FORMS: Mapping[str, tuple[Any, ...]] = {
    "choice": ([1, 2, 3], ["a", "b"], [0.1], [True, False]),
    "pchoice": ([["a", 0.5], ["b", 0.3]], [[1, 0.1], [2, 0.9 - 0.1]]),
    "range": ({"start": 1, "stop": 10, "step": 2}, [1, 10, 2], "1:10:2"),
    "daterange": ({"start": "2026-01-01", "stop": "2026-02-01", "step": 7}, ["2026-01-01", "2026-02-01", 7]),
    "datetimerange": (["2026-01-01T00:00:00", "2026-01-02T00:00:00", 3600],),
    "linspace": ({"start": 0, "stop": 1, "num": 5}, [0, 1, 5], "0:1:5"),
    "logspace": ({"start": 0, "stop": 1, "num": 5}, [0, 1, 5], "0:1:5"),
    "geomspace": ({"start": 1, "stop": 100, "num": 3}, [1, 100, 3], "1:100:3"),
    "uniform": ({"low": 0, "high": 1}, [0, 1], "0:1"),
    "quniform": ({"low": 0, "high": 1, "q": 0.1}, [0, 1, 0.1], "0:1:0.1"),
    "loguniform": ({"low": 0, "high": 1}, [0, 1], "0:1"),
    "qloguniform": ({"low": 0, "high": 1, "q": 0.1}, [0, 1, 0.1], "0:1:0.1"),
    "normal": ({"loc": 0, "scale": 1}, [0, 1], "0:1"),
    "qnormal": ({"loc": 0, "scale": 1, "q": 0.1}, [0, 1, 0.1], "0:1:0.1"),
    "lognormal": ({"loc": 0, "scale": 1}, [0, 1], "0:1"),
    "qlognormal": ({"loc": 0, "scale": 1, "q": 0.1}, [0, 1, 0.1], "0:1:0.1"),
}
_DATES = {"daterange": "date", "datetimerange": "datetime"}
_FINITE = ("choice", "range", "linspace", "logspace", "geomspace", "daterange", "datetimerange")
_BAYES = ("choice", "range", "linspace", "logspace", "geomspace", "uniform")
_HYPEROPT = tuple(kind for kind in _FORMS if kind not in {"pchoice", *_DATES})
_ALLOWED: Mapping[str, tuple[str, ...]] = {"grid": _FINITE, "bayes": _BAYES, "hyperopt": _HYPEROPT}
KINDS = ("mapping", "grid", "random", "hyperband", "bayes", "hyperopt", "iterative")


def matrix(dice: Dice, kind: str = "") -> tuple[dict[str, Any], dict[str, str]]:
    """A sweep, and the types of the inputs that it needs by name."""
    kind = kind or dice.pick(KINDS)
    if kind == "mapping":
        names = [name.replace("-", "_") for name in dice.names(1, 2)]
        values = [Free({name: dice.whole(1, 9) for name in names}) for _ in range(dice.whole(1, 4))]
        return {"kind": kind, "values": values} | _common(dice), dict.fromkeys(names, "int")
    params, types = space(dice, _ALLOWED.get(kind, tuple(_FORMS)))
    return {"kind": kind, **_own(dice, kind), "params": params} | _common(dice), types


def space(dice: Dice, kinds: tuple[str, ...]) -> tuple[Free, dict[str, str]]:
    """Distributions by name, and the types of the inputs that take them."""
    params, types = Free(), {}
    for _ in range(dice.whole(1, 3)):
        kind, name = dice.pick(kinds), dice.name().replace("-", "_")
        params[name] = {"kind": kind, "value": dice.pick(_FORMS[kind])}
        types[name] = _DATES.get(kind) or ("any" if kind in {"choice", "pchoice"} else "float")
    return params, types


def _common(dice: Dice) -> dict[str, Any]:
    return dice.fields(("concurrency", 0.5, lambda: dice.whole(1, 9)), ("earlyStopping", 0.25, lambda: stopping(dice)))


def _own(dice: Dice, kind: str) -> dict[str, Any]:
    seed = dice.fields(("seed", 0.4, lambda: dice.whole(1, 99)))
    tuned = dice.fields(("tuner", 0.15, lambda: tuner(dice)))
    match kind:
        case "grid":
            return dice.fields(("numRuns", 0.4, lambda: dice.whole(1, 20)))
        case "random":
            return {"numRuns": dice.whole(1, 20), **seed}
        case "hyperband":
            resource = {"name": "epochs", "type": dice.pick(["int", "float"])}
            asked = {"maxIterations": 81, "eta": 3, "resource": resource, "metric": metric(dice)}
            return asked | seed | tuned | dice.fields(("resume", 0.3, lambda: dice.chance(0.5)))
        case "bayes":
            asked = {"numInitialRuns": 5, "maxIterations": 10, "metric": metric(dice)}
            return asked | seed | tuned | {"utilityFunction": _utility(dice)}
        case "hyperopt":
            asked = {"algorithm": dice.pick(["tpe", "rand", "anneal"]), "metric": metric(dice), "numRuns": 5}
            return asked | seed | tuned | {"maxIterations": dice.whole(1, 9)}
        case _:
            return {"maxIterations": dice.whole(1, 9), "tuner": tuner(dice), **seed}


def metric(dice: Dice) -> dict[str, Any]:
    """What a sweep looks at."""
    return {"name": "loss", "optimization": dice.pick(["maximize", "minimize"])}


def _utility(dice: Dice) -> dict[str, Any]:
    kind = dice.pick(["ucb", "ei", "poi"])
    gaussian = {"kernel": "matern", "lengthScale": 1.0, "nu": 1.5, "numRestartsOptimizer": 0}
    return {
        "acquisitionFunction": kind,
        **({"kappa": 1.2} if kind == "ucb" else {"eps": 0.1}),
        "gaussianProcess": gaussian,
    } | dice.fields(("numWarmup", 0.3, lambda: 5), ("numIterations", 0.3, lambda: 10))


def tuner(dice: Dice) -> dict[str, Any]:
    """Who suggests."""
    return {"hubRef": "acme/tuner:1"} | dice.fields(
        ("queue", 0.3, lambda: "agent/tuners"), ("presets", 0.2, dice.names), ("namespace", 0.1, dice.word)
    )


def stopping(dice: Dice) -> list[dict[str, Any]]:
    """When a sweep or a DAG ends early."""
    found: list[dict[str, Any]] = []
    for _ in range(dice.whole(1, 2)):
        if dice.chance(0.4):
            found.append({"kind": "failure_early_stopping", "percent": dice.whole(1, 99)})
            continue
        rule = {"kind": "metric_early_stopping", "metric": "loss", "value": 0.1, "optimization": "minimize"}
        found.append(rule | dice.fields(("policy", 0.4, lambda: _policy(dice))))
    return found


def _policy(dice: Dice) -> dict[str, Any]:
    kind = dice.pick(["median", "truncation", "diff"])
    needed = {} if kind == "median" else {"percent": 20}
    return {"kind": kind, "evaluationInterval": 2, **needed} | dice.fields(
        ("minInterval", 0.4, lambda: 1), ("minSamples", 0.4, lambda: 3)
    )
