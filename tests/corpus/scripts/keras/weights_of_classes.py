# runs: 1
# metrics: loss, auc, val_auc
"""Rare cases: class weights, an initial bias, metrics of many thresholds, printed line by line."""

import keras
import numpy as np

keras.utils.set_random_seed(10)
rng = np.random.default_rng(10)
x = rng.normal(size=(200, 4)).astype("float32")
y = (x[:, 0] + rng.normal(0, 0.5, 200) > 1.6).astype("float32")
neg, pos = np.bincount(y.astype(int))
print(f"{pos} of {neg + pos}")
output_bias = keras.initializers.Constant(float(np.log(pos / neg)))
model = keras.Sequential(
    [
        keras.layers.Dense(6, activation="relu"),
        keras.layers.Dense(1, activation="sigmoid", bias_initializer=output_bias),
    ]
)
METRICS = [
    keras.metrics.TruePositives(name="tp"),
    keras.metrics.Precision(name="precision"),
    keras.metrics.AUC(name="auc"),
    keras.metrics.AUC(name="prc", curve="PR"),
]
model.compile(optimizer=keras.optimizers.Adam(0.01), loss=keras.losses.BinaryCrossentropy(), metrics=METRICS)
weights = {0: 0.5 * (neg + pos) / neg, 1: 0.5 * (neg + pos) / pos}
history = model.fit(x, y, epochs=3, batch_size=50, class_weight=weights, validation_data=(x[:60], y[:60]), verbose=0)
print({k: np.round(v, 8).tolist() for k, v in history.history.items()})
for name, value in model.evaluate(x, y, verbose=0, return_dict=True).items():
    print(name, ":", float(value))
