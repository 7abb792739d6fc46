"""The trained model is with its run, as it was when training ended, and loads back."""

from __future__ import annotations

import sys

import lightgbm
import numpy as np
import pandas as pd
import pytest
import steno
from lightgbm import LGBMClassifier
from scipy import sparse
from steno.errors import InvalidValue, ModelError
from steno.models import Manifest

from .recorded import BINARY, SMALL, arrays, artifacts, datasets, only_run

FILES = {f"model/{name}" for name in ("MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt")}


def kept(run):
    """The manifest of the model that is with a run."""
    from pathlib import Path

    return Manifest.read(Path(steno.Client().download_artifacts(run.info.run_id, "model")))


def test_a_booster_comes_back_the_same(autolog):
    autolog(log_models=True)
    booster = lightgbm.train(BINARY, datasets()[0], 4)
    run = only_run()
    assert artifacts(run) >= {*FILES, "model/model.lgb"}
    loaded = steno.load_model(f"runs:/{run.info.run_id}/model")
    assert type(loaded) is lightgbm.Booster
    assert loaded.model_to_string() == booster.model_to_string()
    section = kept(run).flavors["lightgbm"]
    assert (section["data"], section["model_class"]) == ("model.lgb", "lightgbm.basic.Booster")
    (logged,) = steno.search_logged_models(output_format="list")
    assert (logged.name, logged.source_run_id, logged.status) == ("model", run.info.run_id, "READY")
    assert [made.model_id for made in run.outputs.model_outputs] == [logged.model_id]


def test_a_booster_that_stopped_early_is_kept_up_to_its_best_round(autolog):
    autolog(log_models=True)
    dtrain, dtest = datasets()
    stop = [lightgbm.early_stopping(2, verbose=False)]
    booster = lightgbm.train(BINARY, dtrain, 80, valid_sets=[dtest], callbacks=stop, keep_training_booster=True)
    loaded = steno.load_model(f"runs:/{only_run().info.run_id}/model")
    assert loaded.current_iteration() == booster.best_iteration < booster.current_iteration()
    np.testing.assert_array_equal(loaded.predict(arrays()[0]), booster.predict(arrays()[0]))


def test_what_the_user_does_afterwards_is_not_in_it(autolog):
    autolog(log_models=True)
    X = arrays()[0]
    booster = lightgbm.train(BINARY, datasets()[0], 2, keep_training_booster=True)
    before = booster.predict(X)
    booster.update()
    booster.set_leaf_output(0, 0, 9.0)
    loaded = steno.load_model(f"runs:/{only_run().info.run_id}/model")
    np.testing.assert_array_equal(loaded.predict(X), before)


def test_a_wrapper_comes_back_as_its_class_with_what_was_set_and_found(autolog, data):
    autolog(log_models=True)
    X, y = data[0], np.where(data[1], "yes", "no")
    model = LGBMClassifier(**SMALL, class_weight={"yes": 2.0, "no": 1.0}, importance_type="gain").fit(X, y)
    run_id = only_run().info.run_id
    predicted, importances = model.predict_proba(X), model.feature_importances_
    model.set_params(verbose=0, num_leaves=3).fit(X, y[::-1])
    loaded = steno.lightgbm.load_model(f"runs:/{run_id}/model")
    assert type(loaded) is LGBMClassifier
    assert (loaded.num_leaves, loaded.class_weight) == (4, {"yes": 2.0, "no": 1.0})
    assert loaded.get_params()["verbose"] == -1
    assert loaded.classes_.tolist() == ["no", "yes"]
    np.testing.assert_array_equal(loaded.predict_proba(X), predicted)
    np.testing.assert_array_equal(loaded.feature_importances_, importances)
    assert set(loaded.predict(X)) == {"no", "yes"}


def test_a_wrapper_without_a_way_to_be_written_is_told(autolog, data):
    autolog(log_models=True)

    class Inner(LGBMClassifier):
        pass

    Inner(**SMALL).fit(*data)
    run = only_run()
    assert run.info.status == "FINISHED"
    assert "defined inside a function" in run.data.tags["steno.model_not_kept"]


def test_the_format_of_wrappers_can_be_chosen(autolog, data):
    autolog(log_models=True, serialization_format="cloudpickle")
    model = LGBMClassifier(**SMALL).fit(*data)
    run = only_run()
    assert "model/model.pkl" in artifacts(run)
    folder = steno.Client().download_artifacts(run.info.run_id, "model")
    names = steno.models.untrusted_types(folder)
    assert "lightgbm.basic.Booster" in names
    loaded = steno.load_model(folder, trusted=names)
    np.testing.assert_array_equal(loaded.predict(data[0]), model.predict(data[0]))


def test_a_model_that_lightgbm_does_not_give_away_is_told(autolog, monkeypatch):
    autolog(log_models=True)

    def refuse(self, **more):
        raise MemoryError("too large")

    dtrain = datasets()[0]
    monkeypatch.setattr(lightgbm.Booster, "model_to_string", refuse)
    lightgbm.train(BINARY, dtrain, 2, keep_training_booster=True)
    run = only_run()
    assert run.info.status == "FINISHED"
    assert run.data.tags["steno.model_not_kept"] == "model: MemoryError: too large"


def test_a_model_larger_than_what_is_held_is_told(autolog, monkeypatch):
    autolog(log_models=True)
    monkeypatch.setattr(sys.modules["steno_lightgbm.keeping"], "MOST_BYTES", 10)
    lightgbm.train(BINARY, datasets()[0], 2)
    assert "steno.log_model keeps it" in only_run().data.tags["steno.model_not_kept"]


def test_the_signature_is_that_of_the_users_data(autolog, data):
    autolog(log_models=True, log_input_examples=True)
    frame = pd.DataFrame(data[0], columns=list("abcd")).assign(d=np.arange(200))
    booster = lightgbm.train(BINARY, lightgbm.Dataset(frame, data[1]), 2)
    run = only_run()
    found = kept(run).signature
    assert [(column.name, str(column.type)) for column in found.inputs][-2:] == [("c", "double"), ("d", "long")]
    assert found.outputs is not None
    model = steno.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    np.testing.assert_array_equal(model.predict(frame), booster.predict(frame))
    assert "model/input_example.json" in artifacts(run)


@pytest.mark.parametrize("wrapper", [False, True])
def test_a_model_with_categories_predicts_from_categories_and_from_texts(tracking, data, tmp_path, wrapper):
    kinds = np.random.default_rng(1).choice(["u", "v", "w"], 200)
    frame = pd.DataFrame({"a": data[0][:, 0], "b": pd.Categorical(kinds)})
    labels = (data[1] ^ (kinds == "v")).astype(int)
    params = {**BINARY, "min_data_per_group": 5, "cat_smooth": 1}
    if wrapper:
        model = LGBMClassifier(**SMALL, min_data_per_group=5, cat_smooth=1).fit(frame, labels)
    else:
        model = lightgbm.train(params, lightgbm.Dataset(frame, labels), 3)
    steno.lightgbm.save_model(model, tmp_path / "model")
    loaded = steno.pyfunc.load_model(str(tmp_path / "model"))
    for same in (frame, frame.assign(b=kinds), frame.assign(b=frame["b"].astype(object))):
        np.testing.assert_array_equal(loaded.predict(same), model.predict(frame))


@pytest.mark.parametrize("named", [False, True])
def test_a_booster_predicts_for_frames_arrays_lists_and_sparse_matrices(tracking, data, tmp_path, named):
    X, y = data
    given = pd.DataFrame(X, columns=list("abcd")) if named else X
    booster = lightgbm.train(BINARY, lightgbm.Dataset(given, y), 3)
    steno.lightgbm.save_model(booster, tmp_path / "model")
    loaded = steno.pyfunc.load_model(str(tmp_path / "model"))
    for same in (X, X.tolist(), pd.DataFrame(X, columns=list("abcd")), sparse.csr_matrix(X)):
        np.testing.assert_array_equal(loaded.predict(same), booster.predict(X))


def test_a_files_name_is_no_input(tracking, data, tmp_path):
    steno.lightgbm.save_model(lightgbm.train(BINARY, lightgbm.Dataset(*data), 2), tmp_path / "model")
    with pytest.raises(InvalidValue, match="not the name of a file"):
        steno.pyfunc.load_model(str(tmp_path / "model")).predict("/etc/hostname")


@pytest.mark.parametrize("model", [LGBMClassifier(), lightgbm.CVBooster()], ids=["untrained", "several"])
def test_what_is_no_trained_model_is_refused(tracking, tmp_path, model):
    with pytest.raises(ModelError):
        steno.lightgbm.save_model(model, tmp_path / "model")
    assert not (tmp_path / "model").exists()
