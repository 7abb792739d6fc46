# runs: 0
# why: a loop over GradientTape calls no training function of Keras; what is to be kept the user logs.
"""A training loop from scratch."""

import tensorflow as tf

tf.keras.utils.set_random_seed(77)
model = tf.keras.Sequential([tf.keras.Input((2,)), tf.keras.layers.Dense(6, "relu"), tf.keras.layers.Dense(2)])
optimizer = tf.keras.optimizers.SGD(learning_rate=0.1, momentum=0.9)
loss_fn = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
train_acc_metric = tf.keras.metrics.SparseCategoricalAccuracy()
x = tf.random.normal((90, 2))
y = tf.cast(x[:, 0] > x[:, 1], tf.int32)
dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(30)


@tf.function
def train_step(x, y):
    with tf.GradientTape() as tape:
        logits = model(x, training=True)
        loss_value = loss_fn(y, logits)
    grads = tape.gradient(loss_value, model.trainable_weights)
    optimizer.apply_gradients(zip(grads, model.trainable_weights))
    train_acc_metric.update_state(y, logits)
    return loss_value


for epoch in range(4):
    for step, (x_batch, y_batch) in enumerate(dataset):
        loss_value = train_step(x_batch, y_batch)
    tf.print("epoch", epoch, "loss", float(loss_value), "accuracy", float(train_acc_metric.result()))
    train_acc_metric.reset_state()
print([float(tf.reduce_sum(w)) for w in model.trainable_weights])
