"""Arguments of distributions over numbers (reference, section 13.2).

Each section refuses what has no values, and what no number can hold. Which forms they are written in is decided in
`planner.spec.forms`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import AfterValidator, PlainValidator, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from planner.spec.clashes import Clash, Said
from planner.spec.numbers import finite, is_finite
from planner.spec.shape import Section, Whole, fault

__all__ = [
    "MAX_POINTS",
    "Bounds",
    "GeomPoints",
    "LogBounds",
    "LogMoments",
    "LogPoints",
    "Moments",
    "Points",
    "QBounds",
    "QLogBounds",
    "QLogMoments",
    "QMoments",
    "Steps",
    "too_many",
]

MAX_POINTS = 1_000_000
"""Values that one param may have to choose from; a sweep has a lower limit on its runs."""
_LARGEST_LOG = 709.0
"""The logarithm of the largest number, rounded down."""

Figure = Annotated[int | float, PlainValidator(finite), WithJsonSchema({"type": "number"})]


def _points(value: object) -> int:
    found = finite(value)
    if isinstance(found, float) and not found.is_integer():
        raise fault("PL-203", f"{{field}} must be a whole number, not {found:g}")
    if not 1 <= found <= MAX_POINTS:
        raise fault("PL-204", f"{{field}} must be from 1 to {MAX_POINTS:,}, not {found:g}")
    return int(found)


def _above_zero(value: float) -> int | float:
    if value <= 0:
        raise fault("PL-204", f"{{field}} must be above 0, not {value:g}")
    return value


Step = Annotated[Figure, AfterValidator(_above_zero)]


def _order(said: Said, low: str, high: str, *, equal: bool = False) -> Iterator[Clash]:
    """Bounds the wrong way round."""
    below, above = said[low], said[high]
    if is_finite(below, above) and (below > above or (below == above and not equal)):
        relation = "be at most" if equal else "be below"
        yield (low, high), fault("PL-204", f"`{low}` must {relation} `{high}`: {below:g} and {above:g}")


class Steps(Section, identity="start stop step"):
    """Equal steps, the end left out."""

    start: Figure
    """The first value."""
    stop: Figure
    """The values stay below it."""
    step: Step
    """From one value to the next."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """Ends the wrong way round."""
        yield from _order(said, "start", "stop")

    @property
    def count(self) -> int:
        """How many values."""
        return math.ceil((self.stop - self.start) / self.step)

    @model_validator(mode="after")
    def _few_enough(self) -> Self:
        if (self.stop - self.start) / self.step > MAX_POINTS:
            raise too_many()
        return self


def too_many() -> PydanticCustomError:
    """That a range has more values than `MAX_POINTS`."""
    return fault("PL-204", f"more than {MAX_POINTS:,} values to choose from", "use larger steps, or `quniform`")


class Points(Section, identity="start stop num"):
    """Points between two ends, both of them included."""

    start: Figure
    """The first value."""
    stop: Figure
    """The last value."""
    num: Annotated[
        int, PlainValidator(_points), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": MAX_POINTS})
    ]
    """How many values."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """Ends the wrong way round."""
        yield from _order(said, "start", "stop")

    @property
    def count(self) -> int:
        """How many values."""
        return self.num


class LogPoints(Points, identity="base"):
    """Points whose logarithms have equal distances; the ends are the logarithms."""

    base: Step | None = None
    """The base of the logarithms; 10 by default."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """Ends the wrong way round, or of numbers too large to hold."""
        yield from super().clashes(said)
        ends, base = [end for end in (said["start"], said["stop"]) if is_finite(end)], said["base"]
        base = 10 if base is None else base
        if is_finite(base) and base > 0 and any(end * math.log(base) > _LARGEST_LOG for end in ends):
            yield ("start", "stop"), _overflow("`start` and `stop` are exponents")


def _overflow(what: str) -> PydanticCustomError:
    return fault("PL-204", "its values are too large for a number", f"{what}: write -3 for 0.001 with base 10")


class GeomPoints(Points):
    """Points of which each is the one before times the same."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """Ends the wrong way round, at zero, or on two sides of it."""
        yield from super().clashes(said)
        start, stop = said["start"], said["stop"]
        if is_finite(start, stop) and (start == 0 or stop == 0 or (start < 0) != (stop < 0)):
            message = "a geometric progression never reaches or crosses 0"
            yield ("start", "stop"), fault("PL-204", message, "choose ends above 0, or use `linspace`")


class _Ordered(Section, identity="low high"):
    """Two bounds."""

    low: Figure
    """The lowest value."""
    high: Figure
    """The highest value."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """Bounds the wrong way round."""
        yield from _order(said, "low", "high", equal=True)


class Bounds(_Ordered, inert="size"):
    """Two bounds; every number between them is as likely."""

    size: Whole | None = None
    """Taken and not used: a run has one value."""


class QBounds(_Ordered, identity="q", inert="size"):
    """Two bounds and a quantum."""

    q: Step
    """Values are multiples of it."""
    size: Whole | None = None
    """Taken and not used: a run has one value."""


class _Exponents(_Ordered):
    """Two bounds that are natural logarithms."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """Bounds the wrong way round, or of numbers too large to hold."""
        yield from super().clashes(said)
        if is_finite(said["high"]) and said["high"] > _LARGEST_LOG:
            yield ("high",), _overflow("`low` and `high` are natural logarithms")


class LogBounds(_Exponents, Bounds, inert="size"):
    """Two bounds that are natural logarithms."""


class QLogBounds(_Exponents, QBounds, identity="q", inert="size"):
    """Two bounds that are natural logarithms, and a quantum of the values."""


class _Bell(Section, identity="loc scale"):
    """Mean and standard deviation."""

    loc: Figure
    """The mean."""
    scale: Figure
    """The standard deviation."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """A deviation below zero."""
        if is_finite(said["scale"]) and said["scale"] < 0:
            yield ("scale",), fault("PL-204", f"`scale` must be at least 0, not {said['scale']:g}")


class Moments(_Bell, inert="size"):
    """Mean and standard deviation."""

    size: Whole | None = None
    """Taken and not used: a run has one value."""


class QMoments(_Bell, identity="q", inert="size"):
    """Mean, standard deviation and a quantum."""

    q: Step
    """Values are multiples of it."""
    size: Whole | None = None
    """Taken and not used: a run has one value."""


class _LogBell(_Bell):
    """Mean and standard deviation of the logarithm."""

    @classmethod
    def clashes(cls, said: Said) -> Iterator[Clash]:
        """A deviation below zero, or values too large to hold."""
        yield from super().clashes(said)
        if is_finite(said["loc"]) and said["loc"] > _LARGEST_LOG:
            yield ("loc",), _overflow("`loc` and `scale` are of the natural logarithm")


class LogMoments(_LogBell, Moments, inert="size"):
    """Mean and standard deviation of the natural logarithm."""


class QLogMoments(_LogBell, QMoments, identity="q", inert="size"):
    """Mean and standard deviation of the natural logarithm, and a quantum of the values."""
