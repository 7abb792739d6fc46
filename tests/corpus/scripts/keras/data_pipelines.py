# runs: 2
# metrics: loss, val_loss
"""tf.data with everything on, counted: nobody else may draw from it."""

import numpy as np
import tensorflow as tf

tf.keras.utils.set_random_seed(5)
drawn = {"n": 0}


def produce():
    while True:
        drawn["n"] += 1
        value = np.float32(np.sin(drawn["n"]))
        yield [value, value**2], [value**3]


signature = (tf.TensorSpec((2,), tf.float32), tf.TensorSpec((1,), tf.float32))
endless = tf.data.Dataset.from_generator(produce, output_signature=signature).batch(8)
model = tf.keras.Sequential([tf.keras.layers.Dense(4, "tanh"), tf.keras.layers.Dense(1)])
model.compile("sgd", "mse")
history = model.fit(endless, steps_per_epoch=3, epochs=2, verbose=0)
print(history.history, "within", drawn["n"] <= 8 * 16)

features = tf.reshape(tf.range(60, dtype=tf.float32), (-1, 1)) / 60
whole = tf.data.Dataset.from_tensor_slices((features, tf.sqrt(features)))
train = whole.take(40).shuffle(40, seed=1).map(lambda a, b: (a * 2 - 1, b)).cache().repeat().batch(10)
val = whole.skip(40).batch(10).prefetch(tf.data.AUTOTUNE)
options = tf.data.Options()
options.threading.private_threadpool_size = 1
model = tf.keras.Sequential([tf.keras.layers.Normalization(), tf.keras.layers.Dense(1)])
model.layers[0].adapt(whole.map(lambda a, b: a).batch(10))
model.compile(tf.keras.optimizers.Nadam(0.05), tf.keras.losses.Huber())
history = model.fit(train.with_options(options), steps_per_epoch=4, epochs=3, validation_data=val, verbose=0)
print(history.history)
print([w.tolist() for w in model.get_weights()])
