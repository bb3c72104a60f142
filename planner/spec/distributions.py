"""Distributions: what a sweep may choose for one param (reference, section 13.2).

Whatever form its arguments are written in (a mapping, a list in order, text with colons), a distribution holds the same
section. Which kinds a sweep takes is a question of the sweep, whether values fit their input one of compile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError

from planner.spec.clashes import refuse
from planner.spec.date_spaces import DateSteps, DatetimeSteps
from planner.spec.forms import Forms
from planner.spec.shape import TEMPLATE, Section, fault, is_template
from planner.spec.spaces import (
    Bounds,
    GeomPoints,
    LogBounds,
    LogMoments,
    LogPoints,
    Moments,
    Points,
    QBounds,
    QLogBounds,
    QLogMoments,
    QMoments,
    Steps,
)
from planner.spec.words import kind_of

__all__ = [
    "KINDS",
    "Choice",
    "DateRange",
    "DatetimeRange",
    "Distribution",
    "GeomSpace",
    "LinSpace",
    "LogNormal",
    "LogSpace",
    "LogUniform",
    "Normal",
    "PChoice",
    "QLogNormal",
    "QLogUniform",
    "QNormal",
    "QUniform",
    "Range",
    "Uniform",
]

_SLACK = 1e-9
"""What a sum of probabilities may be above 1, as floats are not exact."""


def _options(value: object) -> tuple[Any, ...] | str:
    if isinstance(value, str) and is_template(value):
        return value
    if not isinstance(value, list | tuple):
        raise fault("PL-203", f"{{field}} must be a list of values, not {kind_of(value)}")
    if not value:
        raise fault("PL-204", "{field} must not be empty", "list the values to choose from")
    return tuple(value)


def _weighted(value: object) -> tuple[tuple[Any, float], ...] | str:
    options = _options(value)
    if isinstance(options, str):
        return options
    refuse(_weights(options))
    return tuple((option, float(weight)) for option, weight in options)


def _weights(options: Sequence[Any]) -> Iterator[PydanticCustomError]:
    total, sound = 0.0, True
    for index, pair in enumerate(options):
        found = _weight(pair, index)
        total += 0.0 if isinstance(found, PydanticCustomError) else found
        if isinstance(found, PydanticCustomError):
            sound = False
            yield found
    if sound and total > 1 + _SLACK:
        yield fault("PL-204", f"the probabilities add up to {total:g}, more than 1", "the last one gets what is left")


def _weight(pair: Any, index: int) -> float | PydanticCustomError:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        return fault("PL-203", "{field} must be a pair `[value, probability]`", at=(index,))
    weight = pair[1]
    if isinstance(weight, bool) or not isinstance(weight, int | float):
        return fault("PL-203", f"a probability must be a number, not {kind_of(weight)}", at=(index, 1))
    if not 0 <= weight < 1:
        hint = "of one value that is certain, make a `choice`"
        return fault("PL-204", f"a probability must be from 0 to below 1, not {weight:g}", hint, (index, 1))
    return float(weight)


_LIST: JsonSchemaValue = {"anyOf": [{"type": "array", "minItems": 1}, TEMPLATE]}
_PAIR: JsonSchemaValue = {"type": "array", "minItems": 2, "maxItems": 2, "prefixItems": [{}, {"type": "number"}]}
_PAIRS: JsonSchemaValue = {"anyOf": [{"type": "array", "minItems": 1, "items": _PAIR}, TEMPLATE]}


class Choice(Section, identity="kind value"):
    """One of several values."""

    kind: Literal["choice"] = "choice"
    """Which distribution it is."""
    value: Annotated[tuple[Any, ...] | str, PlainValidator(_options), WithJsonSchema(_LIST)]
    """The values, of any type, or text with a template."""


class PChoice(Section, identity="kind value"):
    """One of several values, some of them more likely than others."""

    kind: Literal["pchoice"] = "pchoice"
    """Which distribution it is."""
    value: Annotated[tuple[tuple[Any, float], ...] | str, PlainValidator(_weighted), WithJsonSchema(_PAIRS)]
    """Pairs of a value and its probability, or text with a template. What is missing to 1 goes to the last value."""


class Range(Section, identity="kind value"):
    """Equal steps, the end left out."""

    kind: Literal["range"] = "range"
    """Which distribution it is."""
    value: Annotated[Steps | str, Forms(Steps)]
    """`start`, `stop` and `step`. In any of the forms."""


class DateRange(Section, identity="kind value"):
    """Days at equal distances, the end left out."""

    kind: Literal["daterange"] = "daterange"
    """Which distribution it is."""
    value: Annotated[DateSteps | str, Forms(DateSteps, text=False)]
    """`start`, `stop` and `step`, in days. As a mapping or a list."""


class DatetimeRange(Section, identity="kind value"):
    """Instants at equal distances, the end left out."""

    kind: Literal["datetimerange"] = "datetimerange"
    """Which distribution it is."""
    value: Annotated[DatetimeSteps | str, Forms(DatetimeSteps, text=False)]
    """`start`, `stop` and `step`, in seconds or as a duration. As a mapping or a list."""


class LinSpace(Section, identity="kind value"):
    """Points at equal distances, both ends included."""

    kind: Literal["linspace"] = "linspace"
    """Which distribution it is."""
    value: Annotated[Points | str, Forms(Points)]
    """`start`, `stop` and `num`. In any of the forms."""


class LogSpace(Section, identity="kind value"):
    """Powers whose exponents have equal distances, both ends included."""

    kind: Literal["logspace"] = "logspace"
    """Which distribution it is."""
    value: Annotated[LogPoints | str, Forms(LogPoints)]
    """`start`, `stop`, `num` and `base` (10 by default); the ends are exponents. In any of the forms."""


class GeomSpace(Section, identity="kind value"):
    """A geometric progression, both ends included."""

    kind: Literal["geomspace"] = "geomspace"
    """Which distribution it is."""
    value: Annotated[GeomPoints | str, Forms(GeomPoints)]
    """`start`, `stop` and `num`. In any of the forms."""


class Uniform(Section, identity="kind value"):
    """Any number between two bounds."""

    kind: Literal["uniform"] = "uniform"
    """Which distribution it is."""
    value: Annotated[Bounds | str, Forms(Bounds)]
    """`low` and `high`. In any of the forms."""


class QUniform(Section, identity="kind value"):
    """A multiple of `q` between two bounds."""

    kind: Literal["quniform"] = "quniform"
    """Which distribution it is."""
    value: Annotated[QBounds | str, Forms(QBounds)]
    """`low`, `high` and `q`. In any of the forms."""


class LogUniform(Section, identity="kind value"):
    """A number whose logarithm lies anywhere between two bounds."""

    kind: Literal["loguniform"] = "loguniform"
    """Which distribution it is."""
    value: Annotated[LogBounds | str, Forms(LogBounds)]
    """`low` and `high`, which are natural logarithms. In any of the forms."""


class QLogUniform(Section, identity="kind value"):
    """A multiple of `q` whose logarithm lies between two bounds."""

    kind: Literal["qloguniform"] = "qloguniform"
    """Which distribution it is."""
    value: Annotated[QLogBounds | str, Forms(QLogBounds)]
    """`low`, `high` and `q`; the bounds are natural logarithms. In any of the forms."""


class Normal(Section, identity="kind value"):
    """A normally distributed number."""

    kind: Literal["normal"] = "normal"
    """Which distribution it is."""
    value: Annotated[Moments | str, Forms(Moments)]
    """`loc` and `scale`, the mean and the standard deviation. In any of the forms."""


class QNormal(Section, identity="kind value"):
    """A multiple of `q`, normally distributed."""

    kind: Literal["qnormal"] = "qnormal"
    """Which distribution it is."""
    value: Annotated[QMoments | str, Forms(QMoments)]
    """`loc`, `scale` and `q`. In any of the forms."""


class LogNormal(Section, identity="kind value"):
    """A number whose logarithm is normally distributed."""

    kind: Literal["lognormal"] = "lognormal"
    """Which distribution it is."""
    value: Annotated[LogMoments | str, Forms(LogMoments)]
    """`loc` and `scale` of the natural logarithm. In any of the forms."""


class QLogNormal(Section, identity="kind value"):
    """A multiple of `q` whose logarithm is normally distributed."""

    kind: Literal["qlognormal"] = "qlognormal"
    """Which distribution it is."""
    value: Annotated[QLogMoments | str, Forms(QLogMoments)]
    """`loc`, `scale` and `q`; the first two are of the natural logarithm. In any of the forms."""


Distribution = Annotated[
    Choice
    | PChoice
    | Range
    | DateRange
    | DatetimeRange
    | LinSpace
    | LogSpace
    | GeomSpace
    | Uniform
    | QUniform
    | LogUniform
    | QLogUniform
    | Normal
    | QNormal
    | LogNormal
    | QLogNormal,
    Field(discriminator="kind"),
]
"""What may be chosen for one param, told apart by `kind`."""

KINDS: tuple[str, ...] = (
    *("choice", "pchoice", "range", "daterange", "datetimerange", "linspace", "logspace", "geomspace"),
    *("uniform", "quniform", "loguniform", "qloguniform", "normal", "qnormal", "lognormal", "qlognormal"),
)
"""The kinds of the union."""
