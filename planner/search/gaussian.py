"""The Gaussian process of a `bayes` search: scikit-learn's, with a length of its own for each feature.

Losses are made even before they are modelled: what is far worse than the middle tells where not to look, not by how
much. Parameters are those that are most likely under weak beliefs about them, so that a handful of points gives no
extreme model.
"""

from __future__ import annotations

import contextlib
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
_NOISE = 1.0
"""What is taken for noise at first: all of the variance."""
_OUTCOMES = 32
"""Of what is pending, drawn together."""
_JITTERS = 1e-8, 1e-6, 1e-4, 1e-2
_EDGE = 1e-9
_FIRM = 0.2
"""How firmly lengths are believed to be those of the kernel that is written; the space has a length of 1."""
_WIDE = 0.3
"""Where there are more than eleven features: lengths, in diagonals of the space."""
_ELSEWHERE = 1.2


@dataclass(frozen=True, slots=True)
class Model:
    """A fitted process.

    Attributes:
        kernel: scikit-learn's, with its parameters found: a shape, and noise.
        rows: what it was fitted to.
        scores: of each row, a column for each outcome of what is pending; one column where nothing is.
        factor: of the covariance of `rows` (Cholesky, lower).
        dual: the inverse covariance times the scores.
    """

    kernel: Any
    rows: Floats
    scores: Floats
    factor: Floats
    dual: Floats

    def predicted(self, rows: Floats) -> tuple[Floats, Floats]:
        """The mean at each row for each outcome, and the standard deviation at each row; both without the noise."""
        import numpy as np

        shared = self.kernel.k1(rows, self.rows)
        solved = self._solved(shared)
        variance = self.kernel.k1.diag(rows) - np.einsum("ij,ij->j", solved, solved)
        return shared @ self.dual, np.sqrt(np.maximum(variance, 1e-18))

    def supposing(self, rows: Floats, chance: Callable[[str, int], Sequence[float]]) -> Model:
        """The model for each of so many outcomes of `rows`, drawn from what it expects of them together.

        So pending trials are no longer worth a look where they are, and what they might find counts as found.
        """
        import numpy as np
        from scipy.special import ndtri

        if not len(rows):
            return self
        shared = self.kernel.k1(rows, self.rows)
        solved = self._solved(shared)
        covariance = self.kernel(rows) - solved.T @ solved
        bell = ndtri(np.clip(chance("outcomes", _OUTCOMES * len(rows)), _EDGE, 1 - _EDGE)).reshape(len(rows), -1)
        outcomes = shared @ self.dual + _factor(covariance) @ bell
        known = np.repeat(self.scores, _OUTCOMES, axis=1)
        return _made(self.kernel, np.vstack([self.rows, rows]), np.vstack([known, outcomes]))

    def _solved(self, shared: Floats) -> Floats:
        from scipy.linalg import solve_triangular

        found: Floats = solve_triangular(self.factor, shared.T, lower=True, check_finite=False)
        return found


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


def fitted(kernel: Kernel, rows: Floats, scores: Floats, chance: Callable[[str, int], Sequence[float]]) -> Model:
    """The model of scores at rows; `chance` gives numbers from 0 to 1 for the beginnings of further fits."""
    from sklearn.gaussian_process import GaussianProcessRegressor

    # Without its optimiser: the one here knows the beliefs, and does not warn of parameters at their bounds.
    process = GaussianProcessRegressor(_kernel(kernel, rows.shape[1]), alpha=_JITTERS[0], optimizer=None)
    process.fit(rows, scores)
    theta = _likeliest(process, kernel.restarts, chance)
    return _made(process.kernel_.clone_with_theta(theta), rows, scores[:, None])


def _made(kernel: Any, rows: Floats, scores: Floats) -> Model:
    from scipy.linalg import cho_solve

    factor = _factor(kernel(rows))
    return Model(kernel, rows, scores, factor, cho_solve((factor, True), scores, check_finite=False))


def _factor(covariance: Floats) -> Floats:
    """Its Cholesky factor, of a little more on the diagonal: as much as rounding may have taken."""
    import numpy as np
    from scipy.linalg import LinAlgError, cholesky

    for jitter in _JITTERS:
        with contextlib.suppress(LinAlgError):
            found: Floats = cholesky(covariance + jitter * np.eye(len(covariance)), lower=True, check_finite=False)
            return found
    raise LinAlgError(f"not positive definite by more than {_JITTERS[-1]:g}")


def _likeliest(process: Any, restarts: int, chance: Callable[[str, int], Sequence[float]]) -> Floats:
    """Parameters by likelihood and beliefs together, from the middle of these and `restarts` times from elsewhere."""
    import numpy as np
    from scipy.optimize import minimize

    bounds = process.kernel_.bounds
    start = process.kernel_.theta
    believed = _beliefs(start)

    def goal(theta: Floats) -> tuple[float, Floats]:
        value, gradient = process.log_marginal_likelihood(theta, eval_gradient=True, clone_kernel=False)
        belief, slope = believed(theta)
        total = -float(value) - belief
        return (total, -gradient - slope) if math.isfinite(total) else (1e25, np.zeros_like(theta))

    best: Any = None
    for turn in range(restarts + 1):
        noise = 2 * np.array(chance(f"fit{turn}", len(start))) - 1
        begin = np.clip(start + (_ELSEWHERE * noise if turn else 0.0), bounds[:, 0], bounds[:, 1])
        result = minimize(goal, begin, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _STEPS})
        if best is None or result.fun < best.fun:
            best = result
    found: Floats = best.x
    return found


def _beliefs(start: Floats) -> Callable[[Floats], tuple[float, Floats]]:
    """The logarithm of how likely parameters are before any trial, and its slope; parameters are logarithms, too.

    Variance: Gamma(2, 1). Noise: Gamma(1.1, 30), hardly ever above a tenth. Lengths: what they are in `start`, give or
    take a factor of three; far beyond that less and less.
    """
    import numpy as np

    def believed(theta: Floats) -> tuple[float, Floats]:
        variance, noise = math.exp(theta[0]), math.exp(theta[-1])
        off = 2 * (theta[1:-1] - start[1:-1])
        belief = theta[0] - variance + 0.1 * theta[-1] - 30 * noise - _FIRM * float(np.cosh(off).sum())
        return float(belief), np.concatenate([[1 - variance], -2 * _FIRM * np.sinh(off), [0.1 - 30 * noise]])

    return believed


def _kernel(kernel: Kernel, width: int) -> Any:
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel

    # The farther apart points by chance are, the longer: they would tell nothing of each other.
    length = kernel.length_scale * max(1.0, _WIDE * math.sqrt(width))
    lengths = [length] * width if width <= _OWN else length
    bounds = (1e-2 * kernel.length_scale, 1e3 * kernel.length_scale)
    shape = RBF(lengths, bounds) if kernel.name == "rbf" else Matern(lengths, bounds, nu=kernel.nu)
    return ConstantKernel(1.0, (1e-2, 1e2)) * shape + WhiteKernel(_NOISE, (1e-6, 1.0))
