"""The Gaussian process of a `bayes` search: scikit-learn's, with a length of its own for each feature.

Losses are made even before they are modelled: what is far worse than the middle tells where not to look, not by how
much. Parameters are those that are most likely under weak beliefs about them, so that a handful of points gives no
extreme model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from planner.model.search import Kernel

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

__all__ = ["Model", "evened", "fitted"]

_STEPS = 60
_OWN = 64
"""With more features than this all have one length: trials never suffice to tell so many apart."""
_NOISE = 1e-4
"""What is taken for noise at first, of a variance of 1."""
_JITTER = 1e-8
_LENGTH, _LOOSE = 0.5, 1.2
"""Lengths are believed to be half the diagonal of the space, times what was written, give or take a factor of e."""


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted process.

    Attributes:
        kernel: scikit-learn's, with its parameters found: a shape, and noise.
        rows, scores: what it was fitted to.
        factor: of the covariance of `rows` (Cholesky, lower).
        dual: the inverse covariance times the scores.
    """

    kernel: Any
    rows: Floats
    scores: Floats
    factor: Floats
    dual: Floats

    def predicted(self, rows: Floats) -> tuple[Floats, Floats]:
        """Mean and standard deviation at each row, without the noise."""
        import numpy as np
        from scipy.linalg import solve_triangular

        shared = self.kernel.k1(rows, self.rows)
        solved = solve_triangular(self.factor, shared.T, lower=True, check_finite=False)
        variance = self.kernel.k1.diag(rows) - np.einsum("ij,ij->j", solved, solved)
        return shared @ self.dual, np.sqrt(np.maximum(variance, 1e-18))

    def believing(self, rows: Floats) -> Model:
        """The model if `rows` came to what it expects of them: so pending trials are no longer worth a look."""
        import numpy as np

        if not len(rows):
            return self
        scores = np.concatenate([self.scores, self.predicted(rows)[0]])
        return _made(self.kernel, np.vstack([self.rows, rows]), scores)


def evened(losses: Sequence[float]) -> Floats:
    """Losses as scores: more is better, mean 0, deviation 1, and the worse half drawn together."""
    import numpy as np

    values = np.asarray(losses, dtype=float)
    values = values / max(1.0, float(np.abs(values).max()) / 1e100)
    middle, best = float(np.median(values)), float(values.min())
    reach = middle - best
    if reach > 0:
        beyond = np.maximum(values - middle, 0.0)
        values = np.minimum(values, middle) + reach * np.log1p(beyond / reach)
    deviation = float(values.std())
    found: Floats = -(values - values.mean()) / deviation if deviation > 0 else np.zeros(len(values))
    return found


def fitted(kernel: Kernel, rows: Floats, scores: Floats, unit: Callable[[str, int], float]) -> Model:
    """The model of scores at rows; `unit` gives numbers from 0 to 1 for the beginnings of further fits."""
    from sklearn.gaussian_process import GaussianProcessRegressor

    # Without its optimiser: the one here knows the beliefs, and does not warn of parameters at their bounds.
    process = GaussianProcessRegressor(_kernel(kernel, rows.shape[1]), alpha=_JITTER, optimizer=None)
    process.fit(rows, scores)
    theta = _likeliest(process, kernel.restarts, unit)
    return _made(process.kernel_.clone_with_theta(theta), rows, scores)


def _made(kernel: Any, rows: Floats, scores: Floats) -> Model:
    import numpy as np
    from scipy.linalg import cho_solve, cholesky

    covariance = kernel(rows)
    covariance[np.diag_indices_from(covariance)] += _JITTER
    factor = cholesky(covariance, lower=True, check_finite=False)
    return Model(kernel, rows, scores, factor, cho_solve((factor, True), scores, check_finite=False))


def _likeliest(process: Any, restarts: int, unit: Callable[[str, int], float]) -> Floats:
    """Parameters by likelihood and beliefs together, from the middle of these and `restarts` times from elsewhere."""
    import numpy as np
    from scipy.optimize import minimize

    start, bounds = process.kernel_.theta, process.kernel_.bounds
    wide = np.array([1.0, *[_LOOSE] * (len(start) - 2), 2.0])

    def goal(theta: Floats) -> tuple[float, Floats]:
        value, gradient = process.log_marginal_likelihood(theta, eval_gradient=True, clone_kernel=False)
        off = (theta - start) / wide
        total = 0.5 * float(off @ off) - float(value)
        return (total, off / wide - gradient) if math.isfinite(total) else (1e25, np.zeros_like(theta))

    best: Any = None
    middle = start.copy()
    for turn in range(restarts + 1):
        noise = np.array([2 * unit(f"fit{turn}", index) - 1 for index in range(len(middle))])
        begin = np.clip(middle + (noise * wide if turn else 0.0), bounds[:, 0], bounds[:, 1])
        result = minimize(goal, begin, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _STEPS})
        if best is None or result.fun < best.fun:
            best = result
    found: Floats = best.x
    return found


def _kernel(kernel: Kernel, width: int) -> Any:
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel

    length = kernel.length_scale * _LENGTH * math.sqrt(min(width, _OWN))
    lengths = [length] * width if width <= _OWN else length
    bounds = (1e-2 * kernel.length_scale, 1e3 * kernel.length_scale)
    shape = RBF(lengths, bounds) if kernel.name == "rbf" else Matern(lengths, bounds, nu=kernel.nu)
    return ConstantKernel(1.0, (1e-2, 1e2)) * shape + WhiteKernel(_NOISE, (1e-6, 1.0))
