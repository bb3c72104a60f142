"""The data: 1,797 scans of handwritten digits, 8 by 8 pixels, which come with scikit-learn.

To use data of your own, change `load` and `scale`; everything else goes through them.
"""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

FULL_INK = 16.0


def load() -> tuple[np.ndarray, np.ndarray]:
    """Pixels, one row of 64 a scan, from 0 (paper) to 16 (full ink), and the digit that each scan shows."""
    return load_digits(return_X_y=True)


def scale(pixels: np.ndarray) -> np.ndarray:
    """Pixels from 0 to 1, as the model sees them in training and in service."""
    return np.asarray(pixels, dtype=np.float32) / FULL_INK


def read_part(path: str, part: str) -> tuple[np.ndarray, np.ndarray]:
    """`train`, `validation` or `test` of the file that `digits.prepare` wrote."""
    if not Path(path).is_file():
        raise SystemExit(f"no prepared data at {path!r}: run digits.prepare first and give its file as --data")
    with np.load(path) as arrays:
        return arrays[f"{part}_x"], arrays[f"{part}_y"]
