# runs: 1
# metrics: loss, accuracy
"""Mixed precision with loss scaling, a cosine schedule, weight decay."""

import keras
import numpy as np

keras.mixed_precision.set_global_policy("mixed_float16")
keras.utils.set_random_seed(60)
rng = np.random.default_rng(60)
x = rng.normal(size=(90, 6)).astype("float32")
y = x[:, :3].argmax(axis=1)
inputs = keras.Input((6,))
h = keras.layers.LayerNormalization()(keras.layers.Dense(12, activation="silu")(inputs))
outputs = keras.layers.Activation("softmax", dtype="float32")(keras.layers.Dense(3)(h))
model = keras.Model(inputs, outputs)
schedule = keras.optimizers.schedules.CosineDecay(0.02, decay_steps=9, warmup_target=0.03, warmup_steps=2)
model.compile(
    keras.optimizers.AdamW(schedule, weight_decay=1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"]
)
history = model.fit(x, y, batch_size=30, epochs=3, verbose=0)
print(history.history, type(model.optimizer).__name__, model.layers[1].compute_dtype)
print(float(model.optimizer.learning_rate), keras.mixed_precision.global_policy().name)
