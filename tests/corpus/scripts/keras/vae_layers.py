# runs: 1
# metrics: loss, kl_loss, reconstruction_loss
"""A variational autoencoder as a model with a sampling layer and trackers."""

import keras
import tensorflow as tf
from keras import layers, ops

keras.utils.set_random_seed(13)


class Sampling(layers.Layer):
    """Draws from the normal distribution that was coded."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, inputs):
        mean, log_var = inputs
        return mean + ops.exp(0.5 * log_var) * keras.random.normal(ops.shape(mean), seed=self.seed_generator)


class VAE(keras.Model):
    def __init__(self, latent=2, **kwargs):
        super().__init__(**kwargs)
        self.hidden, self.mean, self.log_var = layers.Dense(8, "relu"), layers.Dense(latent), layers.Dense(latent)
        self.sampling, self.decoder = Sampling(), keras.Sequential([layers.Dense(8, "relu"), layers.Dense(10)])
        self.trackers = {k: keras.metrics.Mean(name=k) for k in ("loss", "reconstruction_loss", "kl_loss")}

    @property
    def metrics(self):
        return list(self.trackers.values())

    def call(self, x):
        h = self.hidden(x)
        mean, log_var = self.mean(h), self.log_var(h)
        return self.decoder(self.sampling((mean, log_var))), mean, log_var

    def train_step(self, x):
        with tf.GradientTape() as tape:
            out, mean, log_var = self(x)
            reconstruction = ops.mean(ops.sum(ops.square(x - out), axis=1))
            kl = ops.mean(-0.5 * ops.sum(1 + log_var - ops.square(mean) - ops.exp(log_var), axis=1))
            total = reconstruction + kl
        self.optimizer.apply(tape.gradient(total, self.trainable_weights), self.trainable_weights)
        for name, value in zip(self.trackers, (total, reconstruction, kl)):
            self.trackers[name].update_state(value)
        return {name: tracker.result() for name, tracker in self.trackers.items()}


vae = VAE()
vae.compile(optimizer=keras.optimizers.Adam(0.01))
x = keras.random.normal((80, 10), seed=3)
history = vae.fit(x, epochs=3, batch_size=20, verbose=0)
print(history.history)
print(vae(x[:1])[1].numpy().tolist())
