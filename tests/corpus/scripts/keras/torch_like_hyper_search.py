# runs: 3
# metrics: loss, val_loss
"""A search written by hand around functions that build; the best is cloned, compiled again and kept on."""

import itertools

import keras
import numpy as np

rng = np.random.default_rng(77)
x = rng.uniform(-1, 1, (80, 2)).astype("float32")
y = (x[:, 0] * x[:, 1]).astype("float32")


def build_model(units, activation):
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(units, activation=activation), keras.layers.Dense(1)]
    )
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss="mse")
    return model


best = (float("inf"), None)
for units, activation in itertools.product((4,), ("relu", "tanh")):
    model = build_model(units, activation)
    history = model.fit(x, y, validation_split=0.2, epochs=3, batch_size=16, verbose=0)
    score = min(history.history["val_loss"])
    print(units, activation, score)
    best = min(best, (score, model), key=lambda pair: pair[0])
final = keras.models.clone_model(best[1])
final.set_weights(best[1].get_weights())
final.compile(optimizer="sgd", loss="mae", jit_compile=False, steps_per_execution=2)
print(final.fit(x, y, epochs=2, batch_size=20, validation_data=(x, y), verbose=0).history)
print(final.to_json()[:60], [w.shape for w in final.get_weights()])
