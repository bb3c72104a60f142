"""What searching sweeps look at and how they choose (reference, sections 13.1 and 13.4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import ConfigDict
from pydantic.json_schema import JsonSchemaValue

from planner.spec.clashes import Clash, Said
from planner.spec.early_stopping import Optimization
from planner.spec.needed import any_of
from planner.spec.numbers import Positive
from planner.spec.params import Params
from planner.spec.references import HubRef, QueueName
from planner.spec.shape import Count, Names, Number, OrTemplate, Section, Whole, fault

__all__ = ["GaussianProcess", "Metric", "Resource", "Tuner", "UtilityFunction"]


class Metric(Section, identity="name optimization"):
    """What a search makes better."""

    name: str
    """Name of the output or metric of each run."""
    optimization: Optimization | None = None
    """Whether larger values are better, or smaller ones; `maximize` by default."""


class Resource(Section, identity="name type"):
    """What hyperband gives more of to the runs that it keeps."""

    name: str
    """The input that is told how much, such as `epochs`."""
    type: Literal["int", "float"] | None = None
    """What the amount is rounded to; by default what the input takes."""


class Tuner(Section, identity="hub_ref params", live="queue namespace", inert="presets"):
    """A component that makes the suggestions, in place of the one that comes along."""

    hub_ref: HubRef
    """The component, from a hub."""
    presets: Annotated[Names | str, OrTemplate(Names)] | None = None
    """Presets that are merged into its run."""
    queue: QueueName | None = None
    """The queue that it waits in; the default one by default."""
    namespace: str | None = None
    """The namespace that it runs in; the daemon's by default."""
    params: Annotated[Params | str, OrTemplate(Params)] | None = None
    """Further values for its inputs."""


class GaussianProcess(Section, identity="kernel length_scale nu num_restarts_optimizer"):
    """The model of what has been seen so far."""

    kernel: Literal["matern", "rbf"] | None = None
    """How values near to one another are alike; `matern` by default."""
    length_scale: Positive | None = None
    """How far they are; 1 by default."""
    nu: Positive | None = None
    """Smoothness of the `matern` kernel; 1.5 by default."""
    num_restarts_optimizer: Whole | None = None
    """How often the model is fitted again from another beginning; 0 by default."""


_FUNCTIONS = ("acquisitionFunction", "acquisition_function")
_IMPROVES: JsonSchemaValue = {
    "anyOf": [{"required": [name], "properties": {name: {"enum": ["ei", "poi"]}}} for name in _FUNCTIONS]
}


class UtilityFunction(Section, identity="acquisition_function kappa eps gaussian_process num_warmup num_iterations"):
    """What makes the next suggestion worth a run. Left out as a whole: `ei` over a `matern` kernel of `nu` 2.5."""

    model_config = ConfigDict(json_schema_extra={"if": _IMPROVES, "then": any_of("eps"), "else": any_of("kappa")})

    acquisition_function: Literal["ucb", "ei", "poi"] | None = None
    """Upper confidence bound, expected improvement or probability of improvement; `ucb` by default."""
    kappa: Number | None = None
    """With `ucb`, how much the unknown is worth; needed there."""
    eps: Number | None = None
    """With `ei` and `poi`, by how much a run must be better; needed there."""
    gaussian_process: GaussianProcess | None = None
    """The model; by default one of kernel `matern`."""
    num_warmup: Count | None = None
    """Points by chance that are compared at first; 400 are, however few are written."""
    num_iterations: Count | None = None
    """How often the best point near one of them is looked for; 10 by default."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """A function without its number."""
        function = said["acquisitionFunction"] or "ucb"
        needed = {"ucb": "kappa", "ei": "eps", "poi": "eps"}.get(function) if isinstance(function, str) else None
        if needed is not None and said[needed] is None:
            message = f"the acquisition function `{function}` needs `{needed}`"
            yield ("acquisitionFunction",), fault("PL-202", message, at=(needed,), unless=(needed,))
