"""Sweeps as they are written, and steps of histories over them."""

from __future__ import annotations

import json
from collections.abc import Mapping

from planner.canon import Json
from planner.compile import Outside
from planner.keys import parse
from planner.model.desired import CompiledOperation
from tests.planner.compile.trees import compiled
from tests.planner.history import History, Step

RUN: dict[str, Json] = {"kind": "job", "container": {"image": "i", "command": ["fit", "{{ params.as_args }}"]}}
RATE: dict[str, Json] = {"name": "rate", "type": "float"}
LOSS: dict[str, Json] = {"name": "loss", "optimization": "minimize"}


def sweep(
    matrix: Mapping[str, Json], name: str = "tune", run: Json = None, path: str = "tune.yaml", **fields: Json
) -> CompiledOperation:
    """A sweep over `rate` as a root; `fields` are further fields of its operation."""
    component = {"inputs": [RATE], "outputs": [{"name": "loss", "type": "float"}], "run": run or RUN}
    document = {"version": 1.1, "kind": "operation", "name": name, "matrix": matrix, **fields, "component": component}
    return root(document, name, path)


TUNER: dict[str, Json] = {
    "version": 1.1,
    "kind": "component",
    "name": "mine",
    "inputs": [{"name": "tried", "isOptional": True}],
    "outputs": [{"name": "suggestions"}],
    "run": {"kind": "job", "container": {"image": "i", "command": ["suggest", "{{ iteration }}"]}},
}
"""A tuner of a user's own, `mine` of a hub."""
BUILDER: dict[str, Json] = {
    "version": 1.1,
    "kind": "component",
    "name": "builder",
    "outputs": [{"name": "image", "type": "image"}],
    "run": RUN,
}
"""What builds images, `builder` of the hub."""
HUB = {
    "hub:mine": Outside("hub:mine.yaml", "one", json.dumps(TUNER).encode()),
    "hub:builder": Outside("hub:builder.yaml", "two", json.dumps(BUILDER).encode()),
}
"""Both, as a compiler finds them."""


def root(document: Mapping[str, Json], name: str = "tune", path: str = "tune.yaml") -> CompiledOperation:
    """The root of one document."""
    found = compiled({path: json.dumps(document)}, outside=HUB)
    assert name in found.roots, [str(problem) for problem in found.problems]
    return found.roots[name]


def choices(*rates: float, **fields: Json) -> dict[str, Json]:
    """A grid over rates."""
    return {"kind": "grid", "params": {"rate": {"kind": "choice", "value": list(rates)}}, **fields}


def by_chance(runs: int, **fields: Json) -> dict[str, Json]:
    """A random search over rates from 0 to 1."""
    space = {"rate": {"kind": "uniform", "value": [0, 1]}}
    return {"kind": "random", "numRuns": runs, "params": space, **fields}


def tried(history: History, sweep: str = "tune@g1") -> dict[str, Json]:
    """What each trial was made with, by its key."""
    top = parse(sweep)
    runs = sorted(history.ledger.snapshot().runs.items())
    return {str(key): dict(run.suggestion.params) for key, run in runs if run.suggestion and key.parent == top}


def measured(key: str, code: int = 0, **metrics: Json) -> Step:
    """The program of an attempt ends, with these metrics."""

    def step(history: History) -> None:
        history.end(key, code, metrics=metrics)
        history.go()

    return step


def all_end(score: Mapping[float, Json] | None = None, code: int = 0) -> Step:
    """Every trial ends as soon as it runs, with a loss by its rate, until nothing runs any more."""

    def step(history: History) -> None:
        for _ in range(500):
            alive = history.alive()
            if not alive:
                return
            run = history.run(alive[0].partition("#")[0])
            first = history.ledger.snapshot().runs[run.key.node]
            rate = first.suggestion.params["rate"] if first.suggestion else None
            loss = rate if score is None else score[rate]  # type: ignore[index]
            history.end(alive[0], code, metrics={} if loss is None else {"loss": loss})
            history.go()
        raise AssertionError("it never ends")

    return step
