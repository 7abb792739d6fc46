# runs: 1
# metrics: loss, val_loss
# unlike: *.keras
"""Several inputs, several outputs, weights of losses; saved, loaded, drawn as text."""

import json

import keras
import numpy as np
from keras import layers, ops

keras.utils.set_random_seed(1)
words = keras.Input(shape=(None,), dtype="int32", name="title")
tags = keras.Input(shape=(4,), name="tags")
h = layers.GlobalAveragePooling1D()(layers.Embedding(30, 6)(words))
h = layers.concatenate([h, tags])
h = ops.tanh(h * 2.0)
priority = layers.Dense(1, name="priority")(h)
team = layers.Dense(3, name="team")(h)
model = keras.Model(inputs=[words, tags], outputs={"priority": priority, "team": team})
model.compile(
    optimizer=keras.optimizers.RMSprop(1e-2),
    loss={
        "priority": keras.losses.BinaryCrossentropy(from_logits=True),
        "team": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    },
    loss_weights={"priority": 1.0, "team": 0.2},
    metrics={"team": ["accuracy"]},
)
rng = np.random.default_rng(1)
title, tag = rng.integers(0, 30, (96, 5)), rng.integers(0, 2, (96, 4)).astype("float32")
targets = {"priority": tag[:, :1], "team": title.sum(1) % 3}
history = model.fit(
    {"title": title, "tags": tag},
    targets,
    epochs=3,
    batch_size=32,
    verbose=0,
    validation_data=({"title": title[:20], "tags": tag[:20]}, {k: v[:20] for k, v in targets.items()}),
)
print(json.dumps({k: [float(v) for v in vs] for k, vs in history.history.items()}, indent=1, sort_keys=True))
model.save("tickets.keras")
again = keras.models.load_model("tickets.keras")
before = model.predict({"title": title, "tags": tag}, verbose=0)
after = again.predict({"title": title, "tags": tag}, verbose=0)
print(all(np.array_equal(before[k], after[k]) for k in before), before["team"][0].tolist())
