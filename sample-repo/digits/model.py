"""The model: a small neural network, trained epoch by epoch so that progress can be watched."""

from collections.abc import Iterator

import numpy as np
from sklearn.neural_network import MLPClassifier

CLASSES = np.arange(10)


def build(hidden: int, learning_rate: float, seed: int) -> MLPClassifier:
    """An untrained network with one hidden layer."""
    return MLPClassifier(hidden_layer_sizes=(hidden,), learning_rate_init=learning_rate, random_state=seed)


def fit(model: MLPClassifier, x: np.ndarray, y: np.ndarray, epochs: int) -> Iterator[tuple[int, float]]:
    """Train `model` in place; after each epoch its number and the training loss."""
    for epoch in range(epochs):
        model.partial_fit(x, y, classes=CLASSES)
        yield epoch, float(model.loss_)
