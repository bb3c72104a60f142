"""Is one good number luck? Train on five different splits and look at the spread.

python -m digits.cross_validate --folds 5
"""

import argparse

import numpy as np
import plumbline_tracking as run
from sklearn.model_selection import StratifiedKFold

from . import data, model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--learning-rate", type=float, default=0.005)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    if options.folds < 2 or options.epochs < 1:
        parser.error("--folds is at least 2, --epochs at least 1")

    pixels, labels = data.load()
    x = data.scale(pixels)
    scores = []
    folds = StratifiedKFold(options.folds, shuffle=True, random_state=options.seed)
    for fold, (train, test) in enumerate(folds.split(x, labels)):
        network = model.build(options.hidden, options.learning_rate, options.seed)
        for _ in model.fit(network, x[train], labels[train], options.epochs):
            pass
        scores.append(float(network.score(x[test], labels[test])))
        run.log_metric("fold_accuracy", scores[-1], step=fold)
        print(f"fold {fold}  accuracy {scores[-1]:.4f}", flush=True)

    mean, spread = float(np.mean(scores)), float(np.std(scores))
    print(f"accuracy {mean:.4f}, give or take {spread:.4f}")
    run.outputs({"mean_accuracy": mean, "spread": spread})


if __name__ == "__main__":
    main()
