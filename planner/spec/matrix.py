"""Sweeps: one operation with many choices for its params (reference, section 13).

The sections say what was written. How a sweep chooses, and whether its values fit the inputs, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from planner.spec.clashes import Clash, Said
from planner.spec.distributions import KINDS, Distribution
from planner.spec.early_stopping import EarlyStopping
from planner.spec.filled import Filled
from planner.spec.numbers import AnyWholeOrTemplate, finite
from planner.spec.optimization import Metric, Resource, Tuner, UtilityFunction
from planner.spec.shape import TEMPLATE, BoolOrTemplate, CountOrTemplate, OrTemplate, Section, fault, is_template
from planner.spec.words import listed

__all__ = [
    "MATRIX_KINDS",
    "BayesSweep",
    "GridSweep",
    "HyperbandSweep",
    "HyperoptSweep",
    "IterativeSweep",
    "MappingSweep",
    "Matrix",
    "RandomSweep",
    "Space",
    "Sweep",
]

MATRIX_KINDS = ("mapping", "grid", "random", "hyperband", "bayes", "hyperopt", "iterative")
"""The kinds of the union."""

_FINITE = ("choice", "range", "daterange", "datetimerange", "linspace", "logspace", "geomspace")
_TAKEN: dict[str, tuple[str, ...]] = {
    "grid": _FINITE,
    "bayes": ("choice", "range", "linspace", "logspace", "geomspace", "uniform"),
    "hyperopt": (
        *("choice", "range", "linspace", "logspace", "geomspace"),
        *("uniform", "quniform", "loguniform", "qloguniform", "normal", "qnormal", "lognormal", "qlognormal"),
    ),
}
"""Kinds of distributions by the kind of the sweep; the other sweeps take all of them."""

Space = Annotated[dict[str, Distribution], Filled()]
"""What may be chosen, by the name of the param."""


class Sweep(Section, live="concurrency early_stopping"):
    """What all sweeps share."""

    concurrency: CountOrTemplate | None = None
    """Runs at work at once; no limit by default."""
    early_stopping: Annotated[tuple[EarlyStopping, ...] | str, OrTemplate(tuple[EarlyStopping, ...])] | None = None
    """When it ends before all of its runs have; never by default."""


class Over(Sweep):
    """A sweep over distributions."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """Distributions that this kind of a sweep cannot choose from."""
        kind, params = cls.model_fields["kind"].default, said["params"]
        taken = _TAKEN.get(kind, ())
        for name, entry in params.items() if isinstance(params, dict) and taken else ():
            chosen = entry.get("kind") if isinstance(entry, dict) else None
            if isinstance(chosen, str) and chosen in KINDS and chosen not in taken:
                message = f"a sweep of kind `{kind}` cannot choose from `{chosen}`"
                yield ("params",), fault("PL-209", message, f"use {listed(taken)}", ("params", name, chosen, "kind"))


Entries = Annotated[tuple[dict[str, Any], ...], Filled()]


class MappingSweep(Sweep, identity="kind values"):
    """A run for each entry of a list."""

    kind: Literal["mapping"] = "mapping"
    """Which sweep it is."""
    values: Annotated[Entries | str, OrTemplate(Entries)]
    """Params by name, an entry for each run, or text with a template."""


class GridSweep(Over, identity="kind params num_runs"):
    """A run for each combination, the last param changing first."""

    kind: Literal["grid"] = "grid"
    """Which sweep it is."""
    params: Space
    """What may be chosen, by the name of the param."""
    num_runs: CountOrTemplate | None = None
    """How many combinations at most, from the first on; all of them by default."""


class RandomSweep(Over, identity="kind params num_runs seed"):
    """Runs with params by chance, no two of them the same."""

    kind: Literal["random"] = "random"
    """Which sweep it is."""
    params: Space
    """What may be chosen, by the name of the param."""
    num_runs: CountOrTemplate
    """How many runs; fewer where there are fewer combinations."""
    seed: AnyWholeOrTemplate | None = None
    """Another seed gives other runs; without it the name of the operation decides."""


def _eta(value: object) -> int | float | str:
    if isinstance(value, str) and is_template(value):
        return value
    found = finite(value)
    if found <= 1:
        raise fault("PL-204", f"{{field}} must be above 1, not {found:g}", "write 3 to keep a third of the runs")
    return found


_ETA = WithJsonSchema({"anyOf": [{"type": "number", "exclusiveMinimum": 1}, TEMPLATE]})


class HyperbandSweep(Over, identity="kind params max_iterations eta resource metric resume asynchronous seed tuner"):
    """Many short runs, of which the best go on with more of a resource."""

    kind: Literal["hyperband"] = "hyperband"
    """Which sweep it is."""
    params: Space
    """What may be chosen, by the name of the param."""
    max_iterations: CountOrTemplate
    """The most of the resource that one run gets."""
    eta: Annotated[int | float | str, PlainValidator(_eta), _ETA]
    """Of so many runs one goes on."""
    resource: Resource
    """What runs get more of."""
    metric: Metric
    """What decides which runs go on."""
    resume: BoolOrTemplate | None = None
    """Whether a run that goes on starts from what it had; false by default."""
    asynchronous: BoolOrTemplate | None = None
    """Whether runs go on as soon as they are among the best (ASHA), so that no machine waits; false by default."""
    seed: AnyWholeOrTemplate | None = None
    """Another seed gives other runs; without it the name of the operation decides."""
    tuner: Tuner | None = None
    """A component that makes the suggestions instead."""


class BayesSweep(Over, identity="kind params num_initial_runs max_iterations metric utility_function seed tuner"):
    """One run after another, each where a model of those before promises most."""

    kind: Literal["bayes"] = "bayes"
    """Which sweep it is."""
    params: Space
    """What may be chosen, by the name of the param."""
    num_initial_runs: CountOrTemplate
    """Runs by chance before the model is asked."""
    max_iterations: CountOrTemplate
    """Runs by the model after them."""
    metric: Metric
    """What is made better."""
    utility_function: UtilityFunction | None = None
    """What makes a suggestion worth a run; `ei` over a `matern` kernel of `nu` 2.5 where it is left out."""
    seed: AnyWholeOrTemplate | None = None
    """Another seed gives other runs; without it the name of the operation decides."""
    tuner: Annotated[Tuner | str, OrTemplate(Tuner)] | None = None
    """A component that makes the suggestions instead."""


class HyperoptSweep(Over, identity="kind params algorithm metric num_runs max_iterations seed tuner"):
    """Several runs at a time, suggested by an algorithm of hyperopt."""

    kind: Literal["hyperopt"] = "hyperopt"
    """Which sweep it is."""
    params: Space
    """What may be chosen, by the name of the param."""
    algorithm: Literal["tpe", "rand", "anneal"] | None = None
    """Which algorithm; `tpe` by default."""
    metric: Metric
    """What is made better."""
    num_runs: CountOrTemplate
    """Runs of one iteration."""
    max_iterations: CountOrTemplate
    """How many iterations; needed, as the sweep would never end without it."""
    seed: AnyWholeOrTemplate | None = None
    """Another seed gives other runs; without it the name of the operation decides."""
    tuner: Tuner | None = None
    """A component that makes the suggestions instead."""


class IterativeSweep(Sweep, identity="kind max_iterations params seed tuner"):
    """Iterations of which a tuner of your own suggests each."""

    kind: Literal["iterative"] = "iterative"
    """Which sweep it is."""
    max_iterations: CountOrTemplate
    """How many iterations at most."""
    params: Space | None = None
    """What may be chosen, by the name of the param; handed to the tuner."""
    seed: AnyWholeOrTemplate | None = None
    """Handed to the tuner."""
    tuner: Tuner | None = None
    """The component that makes the suggestions; nothing starts without one."""


Matrix = Annotated[
    MappingSweep | GridSweep | RandomSweep | HyperbandSweep | BayesSweep | HyperoptSweep | IterativeSweep,
    Field(discriminator="kind"),
]
"""Many runs of one operation, told apart by `kind`."""
