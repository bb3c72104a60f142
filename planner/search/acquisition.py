"""Acquisition functions: how much a point is worth, by mean and deviation of a model (reference, section 13.4).

Where trials are pending a model has a mean for each of their possible outcomes: the worth is that of all of them
together, which is the improvement over the best trial *and* the best pending one (Wilson et al., *Maximizing
acquisition functions for Bayesian optimization*, 2018, section 2).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from planner.model.search import Utility

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["worth"]


def worth(utility: Utility, means: Floats, deviation: Floats, best: Floats) -> Floats:
    """The worth of each point, in an order that fits the function; scores are such that more is better.

    `ucb` is mean + kappa * deviation. `ei` and `poi` are given as logarithms: they have the same order, and are not
    zero far from everything that is good.

    Args:
        utility: the function and its parameters.
        means: a row for each point, a column for each outcome of what is pending.
        deviation: of each point; no outcome changes it.
        best: the best score of each outcome.
    """
    import numpy as np
    from scipy.special import log_ndtr

    found: Floats
    if utility.function == "ucb":
        found = means.mean(axis=1) + utility.kappa * deviation
        return found
    z = (means - best - utility.eps) / deviation[:, None]
    logs = log_ndtr(z) if utility.function == "poi" else _log_improvement(z) + np.log(deviation)[:, None]
    top = logs.max(axis=1)
    found = top + np.log(np.exp(logs - top[:, None]).mean(axis=1))
    return found


def _log_improvement(z: Floats) -> Floats:
    """ln(z Φ(z) + φ(z)). Far below zero the two terms cancel: there it is ln φ(z) - 2 ln|z|, nearly."""
    import numpy as np
    from scipy.special import erfcx, ndtr

    density = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    near = np.log(np.maximum(z * ndtr(z) + density, 1e-300))
    low = np.minimum(z, -1.0)
    # z Φ(z) + φ(z) = φ(z) (1 - |z| √(π/2) erfcx(|z|/√2))
    rest = 1 + low * math.sqrt(math.pi / 2) * erfcx(-low / math.sqrt(2))
    far = -0.5 * low**2 - 0.5 * math.log(2 * math.pi) + np.log(np.maximum(rest, 1 / np.maximum(low**2 + 3, 3)))
    far = np.where(low < -1e3, -0.5 * low**2 - 0.5 * math.log(2 * math.pi) - 2 * np.log(-low), far)
    found: Floats = np.where(z > -1.0, near, far)
    return found
