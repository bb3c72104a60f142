"""What models of scikit-learn lose on its own data. Points are put on a fine grid: each is trained once and kept."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "plumbline" / "search-quality"
_VERSION = 1
"""To be raised when a model here changes: what was kept is another model's then."""
_STEPS = 20
"""Of the grid, on each exponent and share."""


class Kept:
    """Losses by name and point, one line each: lines that two processes write at once are both whole."""

    def __init__(self, name: str) -> None:
        self.path = FOLDER / f"{name}-{_VERSION}.jsonl"
        self.known: dict[str, float] = {}
        if self.path.exists():
            for line in self.path.read_text().splitlines():
                point, loss = json.loads(line)
                self.known[point] = loss

    def get(self, point: tuple[Any, ...], train: Callable[[], float]) -> float:
        name = json.dumps(point)
        if name not in self.known:
            self.known[name] = train()
            FOLDER.mkdir(parents=True, exist_ok=True)
            with self.path.open("a") as file:
                file.write(json.dumps([name, self.known[name]]) + "\n")
        return self.known[name]


@functools.cache
def _kept(name: str) -> Kept:
    return Kept(name)


def least(name: str) -> float:
    """The least loss that anybody found, with all of the resource."""
    return min((loss for point, loss in _kept(name).known.items() if json.loads(point)[0] == 1), default=0.0)


def _snapped(value: float) -> float:
    return round(value * _STEPS) / _STEPS


@functools.cache
def _digits() -> Any:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    data = load_digits()
    return train_test_split(data.data, data.target, test_size=0.5, random_state=0, stratify=data.target)


def svc(params: Mapping[str, Any], share: float) -> float:
    """Share of wrong answers on half of the digits, trained on a share of the other half."""
    c, gamma = _snapped(params["log_c"]), _snapped(params["log_gamma"])

    def train() -> float:
        from sklearn.svm import SVC

        train_x, test_x, train_y, test_y = _digits()
        size = max(60, int(len(train_x) * share))
        model = SVC(C=10**c, gamma=10**gamma).fit(train_x[:size], train_y[:size])
        return float(1 - model.score(test_x, test_y))

    return _kept("svc").get((min(share, 1), c, gamma), train)


@functools.cache
def _cancer() -> Any:
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split

    data = load_breast_cancer()
    return train_test_split(data.data, data.target, test_size=0.5, random_state=0, stratify=data.target)


def boosting(params: Mapping[str, Any], share: float) -> float:
    """Logarithmic loss of at most 54 trees; a share of the resource is a share of the trees."""
    rate, depth, features = _snapped(params["log_rate"]), int(params["depth"]), params["features"]
    subsample = round(params["subsample"] * 10) / 10

    def train() -> float:
        from sklearn.ensemble import GradientBoostingClassifier
        from sklearn.metrics import log_loss

        train_x, test_x, train_y, test_y = _cancer()
        model = GradientBoostingClassifier(
            learning_rate=10**rate,
            max_depth=depth,
            subsample=subsample,
            max_features=None if features == "all" else features,
            n_estimators=max(1, round(54 * min(share, 1))),
            random_state=0,
        ).fit(train_x, train_y)
        return float(log_loss(test_y, model.predict_proba(test_x)))

    return _kept("boosting").get((min(share, 1), rate, depth, subsample, features), train)
