"""Sweeps of the simulated repository: written as people write them, and compiled by the real compiler."""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace

from planner.canon import Json
from planner.keys import tuner_number
from planner.model.desired import CompiledOperation
from reconciler.backends.scripted import Program
from reconciler.ports import Order
from tests.planner.compile.trees import compiled
from tests.planner.sweeps import HUB

__all__ = ["SEARCHES", "Tune", "drawn", "extended", "swept", "trial_program", "tuner_program", "widened"]

BLIND = ("mapping", "grid", "random")
"""Searches that do not look back."""
SEARCHES = (*BLIND, "hyperband", "rand", "tpe", "bayes", "asha", "tuned")

_METRIC_RULE = {"kind": "metric_early_stopping", "metric": "loss", "value": 0, "optimization": "minimize"}
RULES: Mapping[str, dict[str, Json]] = {
    "good": {"kind": "metric_early_stopping", "metric": "loss", "value": 0.02, "optimization": "minimize"},
    "failures": {"kind": "failure_early_stopping", "percent": 40},
    "median": {**_METRIC_RULE, "policy": {"kind": "median", "evaluationInterval": 2, "minSamples": 3}},
    "truncation": {**_METRIC_RULE, "policy": {"kind": "truncation", "percent": 40, "evaluationInterval": 1}},
}
_LOSS: dict[str, Json] = {"name": "loss", "optimization": "minimize"}


@dataclass(frozen=True, slots=True)
class Tune:
    """What an author writes about a sweep.

    Attributes:
        search: one of `SEARCHES`.
        size: how many trials there are, or how large it is: grows where it is extended.
        at_once: its concurrency: live; None to leave it out.
        steps: whether a trial is a DAG of two operations.
        below: whether the sweep is the middle of a DAG, and not the root.
        rule: of early stopping, one of `RULES`, or "": live.
    """

    search: str
    size: int = 6
    at_once: int | None = 2
    steps: bool = False
    below: bool = False
    rule: str = ""


def drawn(chance: random.Random, *, paced: bool) -> Tune:
    """A sweep by chance; a paced one comes to the same whatever the timing."""
    search = chance.choice([*SEARCHES[:5], "hyperband", "random"] if paced else [*SEARCHES, "tuned"])
    look_back = search in {"tpe", "bayes"}
    return Tune(
        search,
        size=chance.choice([3, 5, 8]) if look_back else chance.choice([4, 7, 12]),
        at_once=chance.choice([1, 2, 3, None]),
        steps=chance.random() < 0.25,
        below=chance.random() < 0.3,
        rule="" if paced else chance.choice(["", "", *RULES]),
    )


def extended(chance: random.Random, tune: Tune) -> Tune:
    """With more trials, now and then with fewer."""
    return replace(tune, size=max(1, tune.size + chance.choice([1, 2, 4, 6, -2])))


def widened(chance: random.Random, tune: Tune) -> Tune:
    """With other live fields."""
    return replace(tune, at_once=chance.choice([1, 2, 3, 5, None]))


# ---- as it is written


@functools.lru_cache(maxsize=1024)
def swept(name: str, path: str, tune: Tune, version: int, retries: int) -> CompiledOperation:
    """The root that its author gets.

    Args:
        name, path: of the root and its file.
        tune: what is written about the sweep.
        version: of what a trial runs.
        retries: of each job of a trial.
    """
    sweep: dict[str, Json] = {"matrix": _matrix(tune), "component": _component(tune, version, retries)}
    document: dict[str, Json] = {"version": 1.1, "kind": "operation", "name": name, **sweep}
    if tune.below:
        document = {"version": 1.1, "kind": "operation", "name": name, "component": {"run": _around(sweep)}}
    found = compiled({path: json.dumps(document)}, outside=HUB)
    assert name in found.roots, [str(problem) for problem in found.problems]
    return found.roots[name]


def _around(sweep: dict[str, Json]) -> dict[str, Json]:
    before: dict[str, Json] = {"name": "load", "component": {"run": _job("load", 1)}}
    after: dict[str, Json] = {"name": "tell", "dependencies": ["sweep"], "component": {"run": _job("tell", 1)}}
    return {"kind": "dag", "operations": [before, {"name": "sweep", "dependencies": ["load"], **sweep}, after]}


def _component(tune: Tune, version: int, retries: int) -> dict[str, Json]:
    inputs: list[Json] = [{"name": "rate", "type": "float"}, {"name": "epochs", "type": "int", "value": 1}]
    ends: dict[str, Json] = {"termination": {"maxRetries": retries}}
    if not tune.steps:
        return {"inputs": inputs, **ends, "run": _job("fit", version, "{{ rate }}", "{{ epochs }}")}
    given: dict[str, Json] = {name: {"ref": "dag", "value": f"inputs.{name}"} for name in ("rate", "epochs")}
    first: dict[str, Json] = {"inputs": inputs, **ends, "run": _job("fit", version, "{{ rate }}", "{{ epochs }}")}
    last: dict[str, Json] = {"inputs": inputs[:1], "run": _job("score", 1, "{{ rate }}")}
    operations: list[Json] = [
        {"name": "fit", "params": given, "component": first},
        {"name": "score", "dependencies": ["fit"], "params": {"rate": given["rate"]}, "component": last},
    ]
    return {"inputs": inputs, "run": {"kind": "dag", "operations": operations}}


def _job(program: str, version: int, *words: str) -> dict[str, Json]:
    return {"kind": "job", "container": {"image": "i", "command": [program, f"v{version}", *words]}}


def _matrix(tune: Tune) -> dict[str, Json]:
    size, space = tune.size, {"rate": {"kind": "uniform", "value": [0, 1]}}
    steps = {"rate": {"kind": "linspace", "value": [0, 1, size]}, "epochs": {"kind": "choice", "value": [2, 1]}}
    hyperopt = {"kind": "hyperopt", "params": space, "numRuns": size, "maxIterations": 1, "metric": _LOSS}
    made: dict[str, dict[str, Json]] = {
        "mapping": {"kind": "mapping", "values": [{"rate": number / 20} for number in range(size)]},
        "grid": {"kind": "grid", "params": steps},
        "random": {"kind": "random", "params": space, "numRuns": size},
        "rand": {**hyperopt, "algorithm": "rand"},
        "tpe": {**hyperopt, "algorithm": "tpe"},
        "tuned": {"kind": "iterative", "maxIterations": 2 + size // 3, "tuner": {"hubRef": "mine"}},
        "bayes": {
            "kind": "bayes",
            "params": space,
            "numInitialRuns": 3,
            "maxIterations": size,
            "metric": _LOSS,
            "utilityFunction": {"acquisitionFunction": "ei", "eps": 0.01},
        },
        "hyperband": {
            "kind": "hyperband",
            "params": space,
            "maxIterations": 4 if size < 12 else 9 if size < 60 else 27,
            "eta": 2 if size < 12 else 3,
            "resource": {"name": "epochs", "type": "int"},
            "metric": _LOSS,
            "resume": size % 2 == 0,
        },
    }
    made["asha"] = {**made["hyperband"], "asynchronous": True}
    found = made[tune.search]
    if tune.at_once is not None:
        found["concurrency"] = tune.at_once
    if tune.rule:
        found["earlyStopping"] = [RULES[tune.rule]]
    return found


# ---- what a trial does


def tuner_program(seed: int, order: Order) -> Program | None:
    """What an attempt of a tuner does; None of what is no tuner's.

    It suggests up to six trials. One in ten has no more to suggest, one in ten fails, one in ten writes what is no
    list.
    """
    number = next((found for part in order.key.run.place if (found := tuner_number(part)) is not None), None)
    if number is None:
        return None
    chance = random.Random(f"{seed}/{order.key.run.root}/{order.key.run.place}/tuner")
    rates: list[Json] = [{"rate": round(chance.random(), 3)} for _ in range(chance.choice([2, 4, 6]))]
    said = chance.choice([*[json.dumps(rates), rates] * 4, "[]" if number > 1 else rates, "{" if number else "[]"])
    return Program(
        seconds=random.Random(f"{seed}/{order.key}").choice([0.0, 2.0, 20.0]),
        exit_code=1 if random.Random(f"{seed}/{order.key}/fails").random() < 0.1 else 0,
        outputs={"suggestions": said},
    )


def trial_program(seed: int, order: Order) -> Program | None:
    """What an attempt of a trial does, by what it was given; None of what is no trial's.

    Of its ends one in eight is bad, and one in eight reports no number, none at all or a text: whichever trial it is,
    the same work ends alike.
    """
    params = order.run.context.get("params")
    if not isinstance(params, Mapping) or "rate" not in params:
        return None
    given = f"{seed}/{params.get('rate')}/{params.get('epochs')}"
    chance = random.Random(given)
    loss = (float(str(params["rate"])) - 0.3) ** 2 + 0.1 * chance.random()
    said = chance.choice(["loss"] * 10 + ["none", "nan", "infinite", "text", "fails", "fails"])
    many = chance.choice([0, 3, 8]) if said in {"loss", "fails"} else 0
    course = [loss + 1 / (number + 2) + 0.2 * chance.random() for number in range(many)] + [loss] * bool(many)
    metrics: dict[str, float | str] = {"loss": loss, "nan": "NaN", "infinite": "Infinity"}
    taken = random.Random(f"{seed}/{order.key}").choice([0.0, 0.5, 2.0, 9.0, 30.0])
    return Program(
        seconds=taken,
        exit_code=1 if said == "fails" else 0,
        metrics={"loss": metrics[said]} if said in metrics else {},
        reports={"loss": course} if course else {},
        every=max(taken, 0.001) / (len(course) + 1),
        outputs={"loss": "small"} if said == "text" else {"done": 1},
    )
