"""What autologging adds to a Keras training: 60 epochs of a small net, beside the plain training, by turns.

usage: python tests/benchmarks/keras_fit.py [ROUNDS]
"""

from __future__ import annotations

import os

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")

import keras
import numpy as np

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(2000, 20)).astype("float32")
y = (X @ RANDOM.normal(size=20) + RANDOM.normal(size=2000) > 0).astype("int64")


def fit(epochs: int = 60) -> None:
    """Train a small net, made afresh."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Input((20,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential(layers)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(X, y, epochs=epochs, batch_size=256, validation_split=0.2, verbose=0)


if __name__ == "__main__":
    import turns

    turns.main(fit, 8)
