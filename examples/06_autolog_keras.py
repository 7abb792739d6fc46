"""Keras: a digit classifier is recorded epoch by epoch, with early stopping, and its model loads back."""

from __future__ import annotations

import keras
import numpy as np
import steno
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def main() -> None:
    """Train on scikit-learn's bundled digits with autologging, then load the model back from the run."""
    images, labels = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split((images / 16).astype("float32"), labels, random_state=0)

    steno.autolog()
    steno.set_experiment("digits")
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.layers.Input((64,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
    model.fit(X_train, y_train, epochs=12, validation_split=0.2, callbacks=[stopping], verbose=0)
    model.evaluate(X_test, y_test, verbose=0)  # recorded too: the run that trained the model gets it

    run = steno.last_active_run()
    print(f"run {run.info.run_id} {run.info.status}: {len(run.data.params)} params")
    epochs = steno.Client().get_metric_history(run.info.run_id, "val_loss")
    print(f"points of val_loss: {len(epochs)}")
    print(f"evaluate_accuracy = {run.data.metrics['evaluate_accuracy']:.3f}")

    loaded = steno.keras.load_model(f"runs:/{run.info.run_id}/model")
    same = np.array_equal(loaded.predict(X_test, verbose=0), model.predict(X_test, verbose=0))
    print("the loaded model predicts the same:", bool(same))


if __name__ == "__main__":
    main()
