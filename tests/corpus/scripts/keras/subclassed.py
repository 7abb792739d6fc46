# runs: 1
# metrics: loss, mae
"""A model by subclassing, a layer, a loss and a metric of one's own."""

import tensorflow as tf
from tensorflow.keras import Model, layers, losses, metrics

tf.keras.utils.set_random_seed(2)


class Scale(layers.Layer):
    def build(self, shape):
        self.factor = self.add_weight(shape=(shape[-1],), initializer="ones", name="factor")

    def call(self, x):
        self.add_loss(1e-3 * tf.reduce_sum(tf.square(self.factor)))
        return x * self.factor


class Balanced(losses.Loss):
    def call(self, y_true, y_pred):
        return tf.reduce_mean(tf.math.log(tf.math.cosh(y_pred - y_true)), axis=-1)


class Largest(metrics.Metric):
    def __init__(self, name="largest", **kwargs):
        super().__init__(name=name, **kwargs)
        self.most = self.add_variable((), "zeros", name="most")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.most.assign(tf.maximum(self.most, tf.reduce_max(tf.abs(y_true - y_pred))))

    def result(self):
        return self.most

    def reset_state(self):
        self.most.assign(0.0)


class MyModel(Model):
    def __init__(self):
        super().__init__()
        self.scale = Scale()
        self.hidden = [layers.Dense(8, activation="gelu") for _ in range(2)]
        self.bn = layers.BatchNormalization()
        self.out = layers.Dense(1)

    def call(self, x, training=False):
        x = self.scale(x)
        for layer in self.hidden:
            x = layer(x)
        return self.out(self.bn(x, training=training))


x = tf.random.stateless_normal((100, 3), seed=(1, 2))
y = tf.reduce_sum(x, axis=1, keepdims=True)
model = MyModel()
model.compile(optimizer=tf.keras.optimizers.Adam(0.01, clipnorm=1.0), loss=Balanced(), metrics=["mae", Largest()])
history = model.fit(x, y, epochs=3, batch_size=25, verbose=0)
print(history.history)
print(model.scale.factor.numpy().tolist(), [v.path for v in model.trainable_variables][:3])
