"""Acquisition functions: how much a point is worth, by mean and deviation of a model (reference, section 13.4)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from planner.model.search import Utility

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["worth"]


def worth(utility: Utility, mean: Floats, deviation: Floats, best: float) -> Floats:
    """The worth of each point, in an order that fits the function; scores are such that more is better.

    `ucb` is mean + kappa * deviation. `ei` and `poi` are given as logarithms: they have the same order, and are not
    zero far from everything that is good.
    """
    from scipy.special import log_ndtr

    if utility.function == "ucb":
        return mean + utility.kappa * deviation
    z = (mean - best - utility.eps) / deviation
    if utility.function == "poi":
        found: Floats = log_ndtr(z)
        return found
    return _log_improvement(z, deviation)


def _log_improvement(z: Floats, deviation: Floats) -> Floats:
    """ln(z Φ(z) + φ(z)) + ln s. Far below zero the two terms cancel: there it is ln φ(z) - 2 ln|z|, nearly."""
    import numpy as np
    from scipy.special import erfcx, ndtr

    density = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    near = np.log(np.maximum(z * ndtr(z) + density, 1e-300))
    low = np.minimum(z, -1.0)
    # z Φ(z) + φ(z) = φ(z) (1 - |z| √(π/2) erfcx(|z|/√2))
    rest = 1 + low * math.sqrt(math.pi / 2) * erfcx(-low / math.sqrt(2))
    far = -0.5 * low**2 - 0.5 * math.log(2 * math.pi) + np.log(np.maximum(rest, 1 / np.maximum(low**2 + 3, 3)))
    far = np.where(low < -1e3, -0.5 * low**2 - 0.5 * math.log(2 * math.pi) - 2 * np.log(-low), far)
    found: Floats = np.where(z > -1.0, near, far) + np.log(deviation)
    return found
