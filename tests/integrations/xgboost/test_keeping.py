"""The trained model is with its run, as it was when training ended, and loads back."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
import steno
import xgboost
from steno.models import Manifest
from xgboost import XGBClassifier

from .conftest import BINARY, arrays, artifacts, matrices, only_run

FILES = {f"model/{name}" for name in ("MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt")}


def kept(run):
    """The manifest of the model that is with a run."""
    from pathlib import Path

    return Manifest.read(Path(steno.Client().download_artifacts(run.info.run_id, "model")))


def test_a_booster_comes_back_the_same(autolog):
    autolog(log_models=True)
    dtrain, dtest = matrices()
    booster = xgboost.train(BINARY, dtrain, 4)
    run = only_run()
    assert artifacts(run) >= {*FILES, "model/model.ubj"}
    loaded = steno.load_model(f"runs:/{run.info.run_id}/model")
    assert type(loaded) is xgboost.Booster
    np.testing.assert_array_equal(loaded.predict(dtest), booster.predict(dtest))
    (logged,) = steno.search_logged_models(output_format="list")
    assert (logged.name, logged.source_run_id, logged.status) == ("model", run.info.run_id, "READY")
    assert [made.model_id for made in run.outputs.model_outputs] == [logged.model_id]


def test_what_the_user_does_afterwards_is_not_in_it(autolog):
    autolog(log_models=True)
    dtrain, dtest = matrices()
    booster = xgboost.train(BINARY, dtrain, 2)
    before = booster.predict(dtest)
    booster.update(dtrain, 2)
    booster.set_attr(later="yes")
    loaded = steno.load_model(f"runs:/{only_run().info.run_id}/model")
    np.testing.assert_array_equal(loaded.predict(dtest), before)
    assert loaded.attr("later") is None


def test_a_wrapper_comes_back_as_its_class_with_what_was_set(autolog, data):
    autolog(log_models=True)
    X, y = data
    X = np.where(X < -1, -9.0, X)
    model = XGBClassifier(n_estimators=4, n_jobs=1, missing=-9.0, early_stopping_rounds=1)
    model.fit(X, y, eval_set=[(X, y)], verbose=False)
    run_id = only_run().info.run_id
    predicted = model.predict_proba(X)
    model.fit(X, 1 - y, eval_set=[(X, y)], verbose=False)
    loaded = steno.xgboost.load_model(f"runs:/{run_id}/model")
    assert type(loaded) is XGBClassifier
    assert (loaded.missing, loaded.n_estimators, loaded.early_stopping_rounds) == (-9.0, 4, 1)
    np.testing.assert_array_equal(loaded.predict_proba(X), predicted)


def test_the_format_can_be_chosen(autolog):
    autolog(log_models=True, model_format="json")
    xgboost.train(BINARY, matrices()[0], 2)
    run = only_run()
    assert "model/model.json" in artifacts(run)
    assert kept(run).flavors["xgboost"]["model_format"] == "json"


def test_a_format_that_does_not_exist_is_told(autolog):
    autolog(log_models=True, model_format="xgb")
    xgboost.train(BINARY, matrices()[0], 2)
    run = only_run()
    assert run.info.status == "FINISHED"
    assert "model_format is one of ubj, json" in run.data.tags["steno.model_not_kept"]


def test_a_model_that_cannot_be_written_is_told(autolog, data):
    autolog(log_models=True)

    class Inner(XGBClassifier):
        pass

    Inner(n_estimators=2, n_jobs=1).fit(*data)
    run = only_run()
    assert run.info.status == "FINISHED"
    assert "defined inside a function" in run.data.tags["steno.model_not_kept"]


def test_a_model_that_xgboost_does_not_give_away_is_told(autolog, monkeypatch):
    autolog(log_models=True)

    def refuse(self, raw_format="ubj"):
        raise MemoryError("too large")

    monkeypatch.setattr(xgboost.Booster, "save_raw", refuse)
    xgboost.train(BINARY, matrices()[0], 2)
    run = only_run()
    assert run.info.status == "FINISHED"
    assert run.data.tags["steno.model_not_kept"] == "model: MemoryError: too large"


def test_a_model_larger_than_what_is_held_is_told(autolog, monkeypatch):
    autolog(log_models=True)
    monkeypatch.setattr(sys.modules["steno_xgboost.keeping"], "MOST_BYTES", 10)
    monkeypatch.setattr(xgboost.Booster, "save_raw", None)  # which would hold it three times over, to be counted
    xgboost.train(BINARY, matrices()[0], 2)
    assert "steno.log_model keeps it" in only_run().data.tags["steno.model_not_kept"]


def test_the_signature_is_that_of_the_users_data(autolog, data):
    autolog(log_models=True)
    frame = pd.DataFrame(data[0], columns=["a", "b", "c", "d"]).assign(d=np.arange(200))
    matrix = xgboost.DMatrix(frame, data[1])
    xgboost.train(BINARY, matrix, 2)
    run = only_run()
    inputs = kept(run).signature.inputs
    assert [(column.name, str(column.type)) for column in inputs][-2:] == [("c", "double"), ("d", "long")]
    model = steno.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    assert model.predict(frame).shape == (200,)


def test_where_the_data_is_gone_a_matrix_with_names_gives_the_signature(autolog):
    autolog(log_models=True)

    def made():
        X, y = arrays()
        return xgboost.DMatrix(pd.DataFrame(X, columns=["a", "b", "c", "d"]).assign(d=np.arange(200)), y)

    xgboost.train(BINARY, made(), 2)
    inputs = kept(only_run()).signature.inputs
    assert [(column.name, str(column.type)) for column in inputs][-2:] == [("c", "double"), ("d", "long")]


def test_where_nothing_is_known_of_the_users_types_there_is_no_signature(autolog):
    autolog(log_models=True)
    X, y = arrays()
    xgboost.train(BINARY, xgboost.DMatrix(X.tolist(), y), 2)
    assert kept(only_run()).signature is None


def test_an_input_example_is_kept_on_request(autolog, data):
    autolog(log_models=True, log_input_examples=True)
    matrix = xgboost.DMatrix(*data)
    xgboost.train(BINARY, matrix, 2)
    run = only_run()
    assert "model/input_example.json" in artifacts(run)
    model = steno.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    np.testing.assert_array_equal(model.input_example, data[0][:5])


def test_a_frame_with_categories_trains_and_its_model_predicts(autolog, data):
    autolog(log_models=True)
    frame = pd.DataFrame({"a": data[0][:, 0], "b": pd.Categorical(np.where(data[0][:, 1] > 0, "up", "down"))})
    booster = xgboost.train(BINARY, xgboost.DMatrix(frame, data[1], enable_categorical=True), 3)
    run = only_run()
    loaded = steno.load_model(f"runs:/{run.info.run_id}/model")
    matrix = xgboost.DMatrix(frame, enable_categorical=True)
    np.testing.assert_array_equal(loaded.predict(matrix), booster.predict(matrix))


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("wrapper", [False, True])
def test_a_model_predicts_for_frames_arrays_and_lists(tracking, data, tmp_path, named, wrapper):
    X, y = data
    given = pd.DataFrame(X, columns=list("abcd")) if named else X
    if wrapper:
        model = xgboost.XGBRegressor(n_estimators=3, n_jobs=1).fit(given, y)
        plain = model.predict(given)
    else:
        model = xgboost.train(BINARY, xgboost.DMatrix(given, y), 3)
        plain = model.predict(xgboost.DMatrix(given))
    steno.xgboost.save_model(model, tmp_path / "model")
    loaded = steno.pyfunc.load_model(str(tmp_path / "model"))
    frame = pd.DataFrame(X, columns=list("abcd"))
    np.testing.assert_array_equal(loaded.predict(frame), plain)
    if not (wrapper and named):  # which is an error to XGBoost: names are missing
        np.testing.assert_array_equal(loaded.predict(X), plain)
        np.testing.assert_array_equal(loaded.predict(X.tolist()), plain)
