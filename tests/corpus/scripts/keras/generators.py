# runs: 2
# metrics: loss
"""Batches from a generator and from a PyDataset, each counting how often it was asked."""

import keras
import numpy as np

keras.utils.set_random_seed(40)


class Batches(keras.utils.PyDataset):
    def __init__(self, x, y, size, **kwargs):
        super().__init__(**kwargs)
        self.x, self.y, self.size, self.epochs = x, y, size, 0

    def __len__(self):
        return len(self.x) // self.size

    def __getitem__(self, index):
        rows = slice(index * self.size, (index + 1) * self.size)
        return self.x[rows], self.y[rows]

    def on_epoch_end(self):
        self.epochs += 1


x = np.random.normal(size=(64, 3)).astype("float32")
y = (x @ [[1.0], [2.0], [3.0]]).astype("float32")
dataset = Batches(x, y, 16, workers=1, use_multiprocessing=False)
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, kernel_regularizer="l2")])
model.compile(keras.optimizers.Adagrad(0.5), loss="mean_absolute_error", run_eagerly=True)
history = model.fit(dataset, epochs=3, verbose=0, shuffle=False)
print(history.history, dataset.epochs)


def forever():
    while True:
        rows = np.random.permutation(64)[:16]
        yield x[rows], y[rows], np.ones(16, dtype="float32")


history = model.fit(forever(), steps_per_epoch=4, epochs=2, initial_epoch=1, verbose=0)
print(history.history, history.epoch)
print(model.get_weights()[0].ravel().tolist())
