# runs: 1
# metrics: loss, mae
"""What happens in fit, changed: a train_step, a test_step, metrics by hand."""

import keras
import numpy as np
import tensorflow as tf

keras.utils.set_random_seed(33)


class CustomModel(keras.Model):
    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.mae_metric = keras.metrics.MeanAbsoluteError(name="mae")

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = keras.ops.mean(keras.losses.mean_squared_error(y, y_pred))
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        self.loss_tracker.update_state(loss)
        self.mae_metric.update_state(y, y_pred)
        return {"loss": self.loss_tracker.result(), "mae": self.mae_metric.result()}

    def test_step(self, data):
        self.mae_metric.update_state(data[1], self(data[0], training=False))
        return {"mae": self.mae_metric.result()}

    @property
    def metrics(self):
        return [self.loss_tracker, self.mae_metric]


inputs = keras.Input(shape=(8,))
model = CustomModel(inputs, keras.layers.Dense(1)(inputs))
model.compile(optimizer=keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 4, 0.5)))
rng = np.random.default_rng(0)
x, y = rng.random((120, 8)), rng.random((120, 1))
history = model.fit(x, y, epochs=4, batch_size=30, validation_data=(x[:30], y[:30]), verbose=0)
print(history.history)
print(float(model.optimizer.learning_rate), int(model.optimizer.iterations))
