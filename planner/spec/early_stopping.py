"""Early stopping: when a sweep or a DAG ends before all of its runs have (reference, section 14).

The sections say what was written. What follows from failures and metrics is decided while runs run.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from planner.spec.numbers import NumberOrTemplate, PercentOrTemplate, PositiveOrTemplate
from planner.spec.shape import BoolOrTemplate, CountOrTemplate, Section, WholeOrTemplate

__all__ = [
    "DiffPolicy",
    "EarlyStopping",
    "FailureEarlyStopping",
    "MedianPolicy",
    "MetricEarlyStopping",
    "Optimization",
    "StoppingPolicy",
    "TruncationPolicy",
]

Optimization = Literal["maximize", "minimize"]
"""Which values of a metric are better."""


class Evaluated(Section, live="evaluation_interval min_interval min_samples"):
    """What the policies share: when they look."""

    evaluation_interval: CountOrTemplate
    """A run is looked at each time that it has reported the metric so many times more."""
    min_interval: WholeOrTemplate | None = None
    """Reports after which a run is looked at first; 0 by default."""
    min_samples: WholeOrTemplate | None = None
    """Runs that must have got as far before any of them is stopped; 0 by default, and two at least."""


class MedianPolicy(Evaluated, live="kind"):
    """Stops runs whose best value is worse than the median of all that have got as far."""

    kind: Literal["median"] = "median"
    """Which policy it is."""


class TruncationPolicy(Evaluated, live="kind percent include_succeeded"):
    """Stops the worst share of runs at each look."""

    kind: Literal["truncation"] = "truncation"
    """Which policy it is."""
    percent: PercentOrTemplate
    """How many of the runs are stopped, in percent, rounded down."""
    include_succeeded: BoolOrTemplate | None = None
    """Whether runs that have succeeded are counted too; false by default."""


class DiffPolicy(Evaluated, live="kind percent"):
    """Stops runs whose best value is worse than the best of all by a share of it."""

    kind: Literal["diff"] = "diff"
    """Which policy it is."""
    percent: PositiveOrTemplate
    """By how much worse, in percent of the best value."""


StoppingPolicy = Annotated[MedianPolicy | TruncationPolicy | DiffPolicy, Field(discriminator="kind")]
"""Which runs are stopped by comparison with others, told apart by `kind`."""


class FailureEarlyStopping(Section, live="kind percent"):
    """Ends the sweep or DAG, failed, when too many of its runs have failed."""

    kind: Literal["failure_early_stopping"] = "failure_early_stopping"
    """Which rule it is."""
    percent: PercentOrTemplate
    """Failed runs in percent of all."""


class MetricEarlyStopping(Section, live="kind metric value optimization policy"):
    """Ends the sweep or DAG, succeeded, when a run is good enough; with a policy, stops runs that are not."""

    kind: Literal["metric_early_stopping"] = "metric_early_stopping"
    """Which rule it is."""
    metric: str
    """Name of the metric or output that is looked at."""
    value: NumberOrTemplate
    """The value that is good enough."""
    optimization: Optimization
    """Whether `value` or more is good enough, or `value` or less."""
    policy: StoppingPolicy | None = None
    """Stops single runs by comparison instead; none by default."""


EarlyStopping = Annotated[FailureEarlyStopping | MetricEarlyStopping, Field(discriminator="kind")]
"""One rule, told apart by `kind`, which is mandatory."""
