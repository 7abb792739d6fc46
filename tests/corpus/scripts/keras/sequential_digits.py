# runs: 1
# metrics: loss, accuracy, val_loss, val_accuracy
"""Digits, a stack of layers, compile, fit, evaluate."""

import keras
import numpy as np
from keras import layers
from sklearn.datasets import load_digits

keras.utils.set_random_seed(812)
x, y = load_digits(return_X_y=True)
x = (x.astype("float32") / 16).reshape(-1, 8, 8, 1)[:300]
y = keras.utils.to_categorical(y[:300], 10)
model = keras.Sequential(
    [
        keras.Input(shape=(8, 8, 1)),
        layers.Conv2D(4, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Flatten(),
        layers.Dropout(0.25),
        layers.Dense(10, activation="softmax"),
    ]
)
model.summary()
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
history = model.fit(x[:250], y[:250], batch_size=50, epochs=3, validation_split=0.2, verbose=0)
for key, values in sorted(history.history.items()):
    print(key, values)
print(model.predict(x[250:], verbose=0).argmax(-1)[:20].tolist())
print(sum(float(np.abs(w).sum()) for w in model.get_weights()))
