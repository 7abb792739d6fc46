"""The flavors `keras` and `tensorflow` under the published suite."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from steno.testing.flavor import FlavorSuite

# Keras 3.15 asks TensorFlow's variables for arrays in a way that NumPy 2 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(40, 3)).astype("float32")
y = (X[:, 0] > 0).astype("int64")


class Halved(keras.layers.Layer):
    """A layer of the user's own."""

    def call(self, inputs):
        return inputs / 2


def sequential(*layers):
    keras.utils.set_random_seed(5)
    made = keras.Sequential([keras.layers.Input((3,)), *layers, keras.layers.Dense(1, "sigmoid")])
    made.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
    made.fit(X, y, verbose=0)
    return made


class KerasFlavorSuite(FlavorSuite):
    def inputs(self):
        return X

    def equal(self, a, b):
        return np.allclose(a, b, rtol=1e-6)

    def stranger(self):
        return sequential(Halved())

    def _files(self, folder: Path) -> list[str]:
        """The section names the folder; the model in it is what a stranger would exchange."""
        return ["data/model.keras"]

    _made = None

    def model(self):
        if type(self)._made is None:
            type(self)._made = self.trained()
        return type(self)._made

    def trained(self):
        return sequential(keras.layers.BatchNormalization(), keras.layers.Dense(4, "relu"))


class TestKeras(KerasFlavorSuite):
    flavor = "keras"


class TestTensorflow(KerasFlavorSuite):
    flavor = "tensorflow"

    def trained(self):
        inputs = keras.Input((3,), name="features")
        hidden = keras.layers.Dense(4, "tanh", kernel_regularizer="l2")(inputs)
        outputs = keras.layers.Dense(1)(hidden + 2 * keras.ops.relu(hidden))
        made = keras.Model(inputs, outputs)
        made.compile(
            keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)), keras.losses.Huber()
        )
        made.fit(X, y, verbose=0)
        return made
