# runs: 1, 1 FAILED
# metrics: loss
# exit: 1
"""A shape that fits nowhere, caught; a loss that is no number; a callback that nobody catches."""

import keras
import numpy as np

keras.utils.set_random_seed(3)
x = np.ones((20, 2), "float32")
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(1e20), "mse")
try:
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])(x)
except ValueError as error:
    print(str(error).splitlines()[0][:90])
history = model.fit(x, x[:, :1], epochs=4, verbose=0, callbacks=[keras.callbacks.TerminateOnNaN()])
print(history.history)


class Fails(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise LookupError("where was I?")


model.fit(x, x[:, :1], epochs=4, verbose=0, callbacks=Fails())
