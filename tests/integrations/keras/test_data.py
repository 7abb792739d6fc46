"""Data of every kind goes into `fit` untouched: nothing is drawn from it for the record."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
import steno
import tensorflow as tf

from .conftest import NUMPY_WARNS, X, history, net, only_run, y

pytestmark = pytest.mark.filterwarnings(NUMPY_WARNS)


def contexts(run):
    """(context, kind of data or shape) of each dataset of a run."""
    found = []
    for each in run.inputs.dataset_inputs:
        profile = json.loads(each.dataset.profile)
        found.append((each.tags[0].value, profile.get("features_shape") or profile["type"].rpartition(".")[2]))
    return found


def test_arrays_are_told_by_shape_and_content(autolog):
    net().fit(X, y, validation_data=(X[:8], y[:8]), verbose=0)
    run = only_run()
    assert contexts(run) == [("train", [64, 4]), ("eval", [8, 4])]
    digests = {each.dataset.digest for each in run.inputs.dataset_inputs}
    assert len(digests) == 2


class Drawn(keras.utils.PyDataset):
    drawn = 0

    def __len__(self):
        return 4

    def __getitem__(self, index):
        type(self).drawn += 1
        return X[:16], y[:16]


def generator(drawn):
    while True:
        drawn.append(1)
        yield X[:16], y[:16]


def draws(make):
    """How often data is drawn in a training, by the kind of data."""
    drawn = []
    if make is Drawn:
        Drawn.drawn = 0
        net().fit(Drawn(workers=1, max_queue_size=1), epochs=2, verbose=0)
        return Drawn.drawn
    net().fit(generator(drawn), epochs=2, steps_per_epoch=4, shuffle=False, verbose=0)
    return len(drawn)


@pytest.mark.parametrize("make", [Drawn, generator])
def test_a_generator_is_drawn_from_as_often_as_without_us(make, autolog):
    counts = []
    for _ in range(3):
        steno.autolog(disable=True)
        plain = draws(make)
        steno.autolog(log_models=False)
        counts.append((plain, draws(make)))
    # TensorFlow draws ahead on threads of its own, so the count itself may differ by one from run to run.
    assert any(plain == watched for plain, watched in counts)
    assert all(abs(plain - watched) <= 1 for plain, watched in counts)


def test_a_tensorflow_dataset_is_told_by_what_it_gives(autolog):
    drawn = []

    def counted(values):
        drawn.append(1)
        return values

    data = tf.data.Dataset.from_tensor_slices((X, y)).batch(16, drop_remainder=True)
    data = data.map(lambda a, b: (tf.ensure_shape(tf.py_function(counted, [a], tf.float32), (16, 4)), b))
    net().fit(data, shuffle=False, verbose=0)
    run = only_run()
    assert run.data.params["batch_size"] == "16"
    ((context, kind),) = contexts(run)
    assert context == "train"
    assert kind.endswith("Dataset")
    steno.autolog(disable=True)
    with_steno, drawn[:] = len(drawn), []
    net().fit(data, shuffle=False, verbose=0)
    assert with_steno == len(drawn)


def test_several_inputs_are_named_in_the_signature(autolog):
    autolog(log_models=True)
    left, right = keras.Input((4,), name="left"), keras.Input((2,), name="right")
    model = keras.Model([left, right], keras.layers.Dense(1)(keras.layers.Concatenate()([left, right])))
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit({"left": X, "right": X[:, :2].astype("float64")}, y, verbose=0)
    run = only_run()
    loaded = steno.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    specs = {spec.name: (spec.type, spec.shape) for spec in loaded.signature.inputs}
    assert specs == {"left": ("float32", (-1, 4)), "right": ("float64", (-1, 2))}
    assert loaded.predict({"left": X[:2], "right": X[:2, :2].astype("float64")}).shape == (2, 1)


def test_lengths_that_a_model_leaves_open_stay_open(autolog):
    autolog(log_models=True)
    model = keras.Sequential([keras.Input((None,)), keras.layers.Embedding(9, 2), keras.layers.LSTM(2)])
    model.compile("sgd", "mse", run_eagerly=True)
    tokens = np.ones((8, 5), "int32")
    model.fit(tokens, np.zeros((8, 2)), verbose=0)
    loaded = steno.pyfunc.load_model(f"runs:/{only_run().info.run_id}/model")
    (spec,) = loaded.signature.inputs
    assert (spec.type, spec.shape) == ("int32", (-1, -1))
    assert loaded.predict(np.ones((2, 3), "int32")).shape == (2, 2)


FORMS = {
    "none": lambda seen: None,
    "empty": lambda seen: [],
    "list": lambda seen: [seen],
    "tuple": lambda seen: (seen,),
    "single": lambda seen: seen,
    "nested": lambda seen: {"a": [seen]},
    "made": lambda seen: keras.callbacks.CallbackList([seen], add_history=True),
}


class Seen(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.epochs = []

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(epoch)


@pytest.mark.parametrize("form", FORMS)
def test_callbacks_in_any_form_are_called_as_ever_and_left_as_they_were(form, autolog):
    seen, model = Seen(), net()
    given = FORMS[form](seen)
    if form == "made":
        given.set_model(model)
    before = list(getattr(given, "callbacks", [given]))
    model.fit(X, y, epochs=2, verbose=0, callbacks=given)
    assert list(getattr(given, "callbacks", [given])) == before
    assert seen.epochs == ([] if form in ("none", "empty") else [0, 1])
    assert [step for step, _ in history(only_run(), "loss")] == [0, 1]


def test_callbacks_by_position_are_left_there_and_the_history_tells_the_epochs(autolog):
    seen = Seen()
    given = [seen]
    net().fit(X, y, 32, 2, 0, given)
    assert given == [seen]
    assert [step for step, _ in history(only_run(), "loss")] == [0, 1]


def test_callbacks_that_are_none_fail_as_ever(autolog):
    errors = []
    for _ in range(2):
        with pytest.raises(AttributeError) as caught:
            net().fit(X, y, verbose=0, callbacks=5)
        errors.append(str(caught.value))
        steno.autolog(disable=True)
    assert errors[0] == errors[1]
