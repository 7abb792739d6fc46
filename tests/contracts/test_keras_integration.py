"""Keras under the suite that every integration passes."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from steno.testing.integration import IntegrationSuite

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(64, 4)).astype("float32")
y = (X[:, 0] > 0).astype("int64")


def model():
    """A small compiled model; the same each time."""
    keras.utils.set_random_seed(3)
    made = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, "relu"), keras.layers.Dense(1, "sigmoid")])
    # Eager: building a graph takes a second, each time.
    made.compile("adam", "binary_crossentropy", metrics=["accuracy"], run_eagerly=True)
    return made


class Failing(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        raise ArithmeticError("the user's own")


class KerasSuite(IntegrationSuite):
    name = "keras"

    @pytest.fixture(autouse=True)
    def warm(self):
        """Keras keeps a session of its own in each thread; what it prints belongs to no test."""
        yield
        keras.backend.clear_session(free_memory=False)  # to collect garbage takes longer than to train


class TestFit(KerasSuite):
    keeps_models = True
    ways = ("clean",)

    def train(self):
        made = model()
        history = made.fit(X, y, epochs=2, batch_size=32, validation_split=0.25, verbose=0)
        return made, history

    def fail(self):
        model().fit(X, y, verbose=0, callbacks=[Failing()])

    def shown(self, result):
        made, history = result
        return [weight.tobytes() for weight in made.get_weights()], history.history, history.epoch


class TestEvaluate(KerasSuite):
    ways = ()

    def train(self):
        made = model()
        return made.evaluate(X, y, verbose=0)

    def fail(self):
        model().evaluate(X, y[:3], verbose=0)
