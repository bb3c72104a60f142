"""One thread for the linear algebra of a model: the same sums on any machine, and no core that waits for another.

Matrices of a search are small. Libraries share each of their products between as many threads as there are cores,
which spin while they wait: ten times the work on a busy machine. And how a sum is cut decides its last digits.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

__all__ = ["in_one"]


@contextlib.contextmanager
def in_one() -> Iterator[None]:
    """A block whose linear algebra works in one thread; what was set before is set again after it.

    Raises:
        ImportError: a library is missing.
    """
    # Loaded before they are asked how many threads they have.
    import scipy.linalg  # noqa: F401
    import sklearn.gaussian_process  # noqa: F401
    import threadpoolctl

    with threadpoolctl.threadpool_limits(limits=1):
        yield
