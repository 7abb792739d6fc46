# runs: 2
# metrics: loss, val_loss
# unlike: *.h5
"""A denoising autoencoder, trained, then trained on; its encoder kept as weights."""

import keras
import numpy as np
from keras import layers, regularizers

keras.utils.set_random_seed(50)
clean = np.stack([np.roll(np.hanning(16), k) for k in range(16)] * 6).astype("float32")
noisy = clean + np.random.normal(0, 0.1, clean.shape).astype("float32")
encoder = keras.Sequential(
    [layers.Dense(8, activation="relu"), layers.Dense(3, activity_regularizer=regularizers.L1(1e-5))], name="encoder"
)
decoder = keras.Sequential([layers.Dense(8, activation="relu"), layers.Dense(16, activation="sigmoid")], name="decoder")
inputs = keras.Input((16,))
autoencoder = keras.Model(inputs, decoder(encoder(inputs)), name="autoencoder")
autoencoder.summary(expand_nested=True)
autoencoder.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
first = autoencoder.fit(noisy, clean, epochs=3, batch_size=16, shuffle=True, validation_data=(noisy, clean), verbose=0)
second = autoencoder.fit(noisy, clean, epochs=5, initial_epoch=3, verbose=0)
print(first.epoch, first.history["val_loss"], second.epoch, second.history["loss"])
autoencoder.save_weights("all.weights.h5")
encoder.trainable = False
print(encoder.predict(clean[:2], verbose=0).tolist(), len(autoencoder.trainable_weights))
