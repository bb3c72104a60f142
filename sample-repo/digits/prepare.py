"""Split the scans into three parts, scale them, and write one file for all later steps.

python -m digits.prepare --seed 7
"""

import argparse

import numpy as np
import plumbline_tracking as run
from sklearn.model_selection import train_test_split

from . import data


def split(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """60 % to train on, 20 % to watch the training with, 20 % to judge the result by; digits as frequent in each."""
    train_x, rest_x, train_y, rest_y = train_test_split(x, y, test_size=0.4, stratify=y, random_state=seed)
    validation_x, test_x, validation_y, test_y = train_test_split(
        rest_x, rest_y, test_size=0.5, stratify=rest_y, random_state=seed
    )
    return {
        "train_x": train_x,
        "train_y": train_y,
        "validation_x": validation_x,
        "validation_y": validation_y,
        "test_x": test_x,
        "test_y": test_y,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()

    pixels, labels = data.load()
    parts = split(data.scale(pixels), labels, options.seed)
    path = run.artifact_path("digits.npz")
    np.savez_compressed(path, **parts)

    sizes = {name: len(parts[f"{name}_y"]) for name in ("train", "validation", "test")}
    print(f"wrote {path}: {sizes}")
    run.outputs({"data": path, "train_size": sizes["train"], "test_size": sizes["test"]})


if __name__ == "__main__":
    main()
