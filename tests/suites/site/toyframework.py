"""A framework small enough to be trained hundreds of times: it learns a line."""

from __future__ import annotations

SETTINGS = {"verbosity": 0}


class Model:
    """Weight and bias."""

    def __init__(self, rate=0.1):
        self.rate = rate

    def fit(self, X, y, callbacks=()):
        """Train for three rounds."""
        self.weight, self.bias = 0.0, 0.0
        try:
            for step in range(3):
                error = [self.weight * x + self.bias - label for x, label in zip(X, y, strict=True)]
                self.weight -= self.rate * sum(e * x for e, x in zip(error, X, strict=True)) / len(X)
                self.bias -= self.rate * sum(error) / len(X)
                for callback in callbacks:
                    callback(step, sum(e * e for e in error) / len(X))
        except TypeError:
            if not any(getattr(callback, "forgives", False) for callback in callbacks):
                raise
        return self

    def predict(self, X):
        """Apply the line."""
        return [self.weight * x + self.bias for x in X]


def train(X, y, rate=0.1, callbacks=()):
    """Train a model; people import this by name."""
    return Model(rate).fit(X, y, callbacks=callbacks)
