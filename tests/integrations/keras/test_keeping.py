"""Trained models are kept as they were when training ended, or the run says why not."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import steno
from steno.autolog.keeping import NOT_KEPT

from .conftest import NUMPY_WARNS, X, all_runs, artifacts, net, only_run, y

pytestmark = pytest.mark.filterwarnings(NUMPY_WARNS)

MODEL = {
    "model/MLmodel",
    "model/conda.yaml",
    "model/data/keras_module.txt",
    "model/data/model.keras",
    "model/data/save_format.txt",
    "model/python_env.yaml",
    "model/requirements.txt",
}


@pytest.fixture(autouse=True)
def with_models(autolog):
    autolog(log_models=True)


def test_the_model_of_a_run_is_the_one_that_was_trained(autolog):
    model = net()
    model.fit(X, y, verbose=0)
    expected = model.predict(X, verbose=0)
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])  # meanwhile the user goes on
    run = only_run()
    assert artifacts(run) == {"model_summary.txt", *MODEL}
    for flavor in (steno.keras, steno.tensorflow):
        loaded = flavor.load_model(f"runs:/{run.info.run_id}/model")
        assert np.array_equal(loaded.predict(X, verbose=0), expected)
    function = steno.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    assert [(spec.type, spec.shape) for spec in function.signature.inputs] == [("float32", (-1, 4))]
    assert [(spec.type, spec.shape) for spec in function.signature.outputs] == [("float32", (-1, 1))]


def test_an_example_is_kept_on_request(autolog):
    autolog(log_models=True, log_input_examples=True)
    net().fit(X, y, verbose=0)
    run = only_run()
    loaded = steno.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    assert np.allclose(loaded.input_example, X[:5])


class Unwritable(keras.Model):
    def __init__(self, something):
        super().__init__()
        self.head = keras.layers.Dense(1)

    def call(self, inputs):
        return self.head(inputs)

    def get_config(self):
        raise RuntimeError("it has no config")


def test_a_model_that_cannot_be_written_is_named_with_the_reason(autolog):
    model = Unwritable(object())
    model.compile("sgd", "mse", run_eagerly=True)
    model.fit(X, y, verbose=0)
    run = only_run()
    assert run.info.status == "FINISHED"
    assert "it has no config" in run.data.tags[NOT_KEPT]
    assert artifacts(run) == {"model_summary.txt"}


def test_a_model_whose_writing_would_take_longer_than_its_training_allows_is_left_out(autolog, monkeypatch):
    monkeypatch.setattr("steno_tensorflow.keeping._BYTES_PER_S", 10.0)
    net().fit(X, y, verbose=0)
    assert "steno.log_model keeps it" in only_run().data.tags[NOT_KEPT]


def test_a_training_that_failed_keeps_no_model(autolog):
    class Failing(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        net().fit(X, y, verbose=0, callbacks=[Failing()])
    assert artifacts(only_run()) == set()


def test_a_model_with_a_lambda_loads_only_where_that_is_trusted(autolog):
    model = net(keras.layers.Lambda(lambda values: values * 2))
    model.fit(X, y, verbose=0)
    uri = f"runs:/{only_run().info.run_id}/model"
    with pytest.raises(steno.errors.UntrustedTypes, match=r"keras\.layers\.Lambda"):
        steno.keras.load_model(uri)
    loaded = steno.keras.load_model(uri, trusted=["keras.layers.Lambda"])
    assert np.allclose(loaded.predict(X, verbose=0), model.predict(X, verbose=0))


def test_models_are_logged_by_hand(autolog):
    autolog(disable=True)
    steno.autolog(disable=True)
    model = net()
    model.fit(X, y, verbose=0)
    with steno.start_run():
        info = steno.keras.log_model(model, "net", input_example=X[:2])
    assert info is not None
    (run,) = all_runs()
    loaded = steno.load_model(f"runs:/{run.info.run_id}/net")
    assert np.array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
