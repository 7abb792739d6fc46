# runs: 1
# metrics: loss, val_loss
# unlike: *.keras, *.weights.h5
"""Every callback there is room for, and what each of them saw."""

import keras
import numpy as np
from keras.callbacks import (
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)

keras.utils.set_random_seed(6)
rng = np.random.default_rng(6)
x = rng.normal(size=(80, 5)).astype("float32")
y = x[:, :1] * x[:, 1:2] + rng.normal(0, 0.8, (80, 1)).astype("float32")
model = keras.Sequential([keras.layers.Dense(32, activation="relu"), keras.layers.Dense(1)])
model.compile(keras.optimizers.Adam(0.03), "mse")
batches = []


class Notes(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        print("begin", self.params, sorted(logs or {}))

    def on_epoch_end(self, epoch, logs=None):
        print(epoch, {k: round(float(v), 7) for k, v in sorted(logs.items())})

    def on_train_end(self, logs=None):
        print("end", sorted(logs), self.model.stop_training)


stopping = EarlyStopping(monitor="val_loss", patience=3, restore_best_weights=True, verbose=1)
callbacks = [
    LearningRateScheduler(lambda epoch, lr: lr * 0.95),
    ReduceLROnPlateau(monitor="val_loss", factor=0.5, patience=1, verbose=1),
    stopping,
    CSVLogger("log.csv", separator=";"),
    ModelCheckpoint("best.keras", save_best_only=True, monitor="val_loss"),
    ModelCheckpoint("w-{epoch:02d}.weights.h5", save_weights_only=True, save_freq=12),
    TerminateOnNaN(),
    LambdaCallback(on_batch_end=lambda batch, logs: batches.append(float(logs["loss"]))),
    Notes(),
]
model.fit(x, y, batch_size=20, epochs=20, validation_split=0.25, callbacks=callbacks, verbose=0)
print(stopping.stopped_epoch, stopping.best_epoch, stopping.best, len(batches), sum(batches))
print(len(callbacks), [type(c).__name__ for c in callbacks][-1], open("log.csv").read())
