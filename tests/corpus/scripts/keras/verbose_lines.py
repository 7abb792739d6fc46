# runs: 3
# metrics: loss
"""One line an epoch, without its times, for three widths in a loop; two models are equal from the same seed."""

import contextlib
import io
import re

import keras
import numpy as np


class WithoutTimes(io.TextIOBase):
    """Writes on what it is given, and leaves out how long anything took."""

    def __init__(self, file):
        self.file = file

    def write(self, text):
        return self.file.write(re.sub(r" - \d+m?s(/\w+)?| \d+m?s/step", "", text))

    def flush(self):
        self.file.flush()


def build(units):
    keras.utils.set_random_seed(4)
    model = keras.Sequential([keras.layers.Dense(units, "relu"), keras.layers.Dense(1)], name=f"net_{units}")
    model.compile(loss="mse", optimizer="rmsprop", metrics=["mae"])
    return model


x = np.sin(np.arange(90, dtype="float32")).reshape(30, 3)
y = x.prod(axis=1)
losses = []
import sys

with contextlib.redirect_stdout(WithoutTimes(sys.stdout)):
    for units in (4, 8, 4):
        print("units", units)
        model = build(units)
        losses.append(model.fit(x, y, epochs=3, batch_size=10, verbose=2).history["loss"])
        keras.backend.clear_session()
print(losses[0] == losses[2], losses)
