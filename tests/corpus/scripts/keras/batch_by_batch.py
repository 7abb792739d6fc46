# runs: 0
# why: train_on_batch and test_on_batch are below Model.fit; a loop of these is the user's to record.
"""A loop of train_on_batch, with metrics that are reset by hand."""

import keras
import numpy as np

keras.utils.set_random_seed(9)
x = np.linspace(-1, 1, 60, dtype="float32").reshape(-1, 1)
y = np.abs(x)
model = keras.Sequential([keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1)])
model.compile(optimizer="adam", loss="mse", metrics=["mae"])
for epoch in range(2):
    for start in range(0, 60, 20):
        rows = slice(start, start + 20)
        logs = model.train_on_batch(x[rows], y[rows], return_dict=True)
    print(epoch, {k: float(v) for k, v in logs.items()})
    model.reset_metrics()
print([float(v) for v in model.test_on_batch(x, y)], model.predict_on_batch(x[:2]).tolist())
