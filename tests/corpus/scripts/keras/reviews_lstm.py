# runs: 1
# metrics: loss, accuracy
"""Text through a vectorizing layer into an LSTM that looks both ways."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

keras.utils.set_random_seed(100)
good, bad = ["fine", "great", "lovely", "clever"], ["dull", "poor", "awful", "slow"]
rng = np.random.default_rng(100)
texts, labels = [], []
for i in range(64):
    words = ["the", "film", "was", "and", "really"] + [str(rng.choice(good if i % 2 else bad)) for _ in range(2)]
    rng.shuffle(words)
    texts.append(" ".join(words) + ("!" if rng.random() < 0.3 else "."))
    labels.append(i % 2)
vectorize = layers.TextVectorization(max_tokens=40, output_sequence_length=8)
vectorize.adapt(tf.constant(texts))
print(vectorize.get_vocabulary()[:6], vectorize(tf.constant(texts[:1])).numpy().tolist())
inputs = keras.Input(shape=(), dtype="string")
h = layers.Embedding(40, 6, mask_zero=True)(vectorize(inputs))
h = layers.Bidirectional(layers.LSTM(5, dropout=0.1))(h)
model = keras.Model(inputs, layers.Dense(1)(h))
model.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True), metrics=["accuracy"])
history = model.fit(tf.constant(texts), tf.constant(labels), epochs=2, batch_size=32, verbose=0)
print(history.history)
print(model.predict(tf.constant(["a lovely clever film", "dull and awful"]), verbose=0).tolist())
