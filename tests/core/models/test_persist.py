"""Saving and loading: what lies in the folder, what is refused, and that it is whole or absent."""

from __future__ import annotations

import os
import threading

import numpy as np
import pandas as pd
import pytest
import yaml
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from steno.errors import AlreadyExists, InvalidValue, ModelError
from steno.hookspecs import hookimpl
from steno.models import Manifest, ModelSignature, infer_signature, load_model, load_pyfunc, save_model
from steno.plugins import plugins

X = pd.DataFrame({"a": [1.0, 2.0, 3.0, 4.0] * 5, "b": ["x", "y", "x", "y"] * 5})
y = [0, 1, 0, 1] * 5


def linear():
    return LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])


def test_a_search_over_a_pipeline_of_columns_comes_back_without_a_question(tmp_path):
    model = make_pipeline(
        ColumnTransformer([("n", StandardScaler(), ["a"]), ("c", OneHotEncoder(), ["b"])]), LogisticRegression()
    )
    grid = {"logisticregression__C": [0.1, 1.0]}
    model = GridSearchCV(model, grid, cv=StratifiedKFold(2), scoring=["f1", "accuracy"], refit="f1").fit(X, y)
    save_model(model, tmp_path / "model", input_example=X.head(2))
    loaded = load_pyfunc(tmp_path / "model")
    assert loaded.predict(X).tolist() == model.predict(X).tolist()
    assert loaded.get_raw_model().cv_results_["mean_test_f1"].tolist() == model.cv_results_["mean_test_f1"].tolist()


def test_the_folder_holds_mlflows_files(tmp_path):
    save_model(linear(), tmp_path / "model", input_example=np.zeros((1, 1)), metadata={"team": "a"})
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "MLmodel",
        "conda.yaml",
        "input_example.json",
        "model.skops",
        "output_example.json",
        "python_env.yaml",
        "requirements.txt",
        "serving_input_example.json",
    ]
    content = yaml.safe_load((tmp_path / "model" / "MLmodel").read_text())
    assert content["metadata"] == {"team": "a"}
    assert content["flavors"]["sklearn"].keys() == {
        "pickled_model",
        "sklearn_version",
        "serialization_format",
        "code",
        "skops_trusted_types",
    }
    assert content["flavors"]["python_function"]["loader_module"] == "mlflow.sklearn"
    assert content["flavors"]["python_function"]["model_path"] == "model.skops"
    assert content["flavors"]["python_function"]["predict_fn"] == "predict"


def test_where_it_was_logged_is_written_down(tmp_path):
    saved = save_model(linear(), tmp_path / "model", run_id="r1", artifact_path="model", model_id="m-1")
    assert Manifest.read(tmp_path / "model") == saved
    assert (saved.run_id, saved.artifact_path, saved.model_id, saved.model_uuid) == ("r1", "model", "m-1", "m-1")


def test_mlflows_readers_are_told_the_types_skops_asks_for(tmp_path):
    from sklearn.tree import DecisionTreeRegressor

    saved = save_model(DecisionTreeRegressor().fit([[0.0], [1.0]], [0, 1]), tmp_path / "model")
    assert saved.flavors["sklearn"]["skops_trusted_types"] == ["sklearn.tree._tree.Tree"]


def test_a_signature_is_inferred_from_the_example_unless_it_is_given_or_declined(tmp_path):
    example = np.zeros((1, 1))
    inferred = save_model(linear(), tmp_path / "a", input_example=example).signature
    assert inferred == infer_signature(example, np.zeros(1))
    own = ModelSignature(infer_signature([1.0]).inputs)
    assert save_model(linear(), tmp_path / "b", input_example=example, signature=own).signature == own
    assert save_model(linear(), tmp_path / "c", input_example=example, signature=False).signature is None
    assert save_model(linear(), tmp_path / "d").signature is None


@pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
def test_the_method_that_predicts_can_be_chosen(method, tmp_path):
    model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    save_model(model, tmp_path / "model", pyfunc_predict_fn=method)
    np.testing.assert_array_equal(load_pyfunc(tmp_path / "model").predict([[0.5]]), getattr(model, method)([[0.5]]))


def test_a_method_that_a_file_names_must_be_public(tmp_path):
    save_model(linear(), tmp_path / "model")
    manifest = Manifest.read(tmp_path / "model")
    manifest.flavors["python_function"]["predict_fn"] = "__reduce__"
    manifest.write(tmp_path / "model")
    with pytest.raises(ModelError, match="no method '__reduce__'"):
        load_pyfunc(tmp_path / "model").predict([[1.0]])


def test_a_transformer_is_kept_and_says_that_it_cannot_predict(tmp_path):
    saved = save_model(StandardScaler().fit([[0.0], [1.0]]), tmp_path / "model", input_example=[[0.0]])
    assert saved.pyfunc is None
    assert load_model(tmp_path / "model").mean_.tolist() == [0.5]
    with pytest.raises(ModelError, match="it cannot predict"):
        load_pyfunc(tmp_path / "model")


def test_a_model_trained_on_arrays_predicts_frames_without_a_warning(tmp_path):
    save_model(linear(), tmp_path / "model", signature=infer_signature(pd.DataFrame({"a": [0.0]})))
    assert load_pyfunc(tmp_path / "model").predict(pd.DataFrame({"a": [0.5]})).tolist() == pytest.approx([0.5])


@pytest.mark.parametrize("occupied", ["file", "folder"])
def test_a_place_that_is_taken_is_left_alone(occupied, tmp_path):
    place = tmp_path / "model"
    content = place if occupied == "file" else place / "mine"
    content.parent.mkdir(exist_ok=True)
    content.write_text("mine")
    with pytest.raises(AlreadyExists):
        save_model(linear(), place)
    assert content.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_an_empty_folder_is_filled_and_missing_parents_are_made(tmp_path):
    (tmp_path / "empty").mkdir()
    save_model(linear(), tmp_path / "empty")
    save_model(linear(), tmp_path / "a" / "b" / "model")
    assert load_model(tmp_path / "a" / "b" / "model").coef_.tolist() == load_model(tmp_path / "empty").coef_.tolist()


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"serialization_format": "joblib"}, InvalidValue),
        ({"no_such": 1}, InvalidValue),
        ({"input_example": object(), "signature": False}, InvalidValue),
        ({"input_example": [["text"]]}, ValueError),
        ({"code_paths": "one/path"}, InvalidValue),
        ({"code_paths": ["no/such/path"]}, InvalidValue),
        ({"pip_requirements": ["a"], "conda_env": {"dependencies": []}}, InvalidValue),
        ({"metadata": {"x": object()}}, ModelError),
        ({"flavor": "no_such"}, ModelError),
    ],
)
def test_a_failed_save_raises_and_leaves_nothing(options, error, tmp_path):
    with pytest.raises(error):
        save_model(linear(), tmp_path / "model", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_model_nobody_owns_names_the_flavors_there_are(tmp_path):
    with pytest.raises(ModelError, match=r"no model flavor for builtins\.dict .*sklearn"):
        save_model({}, tmp_path / "model")


def test_a_function_without_a_name_is_refused_where_it_could_not_be_found_again(tmp_path):
    model = FunctionTransformer(lambda values: values).fit([[1.0]])
    with pytest.raises(ModelError, match=r"a lambda has no name.*serialization_format='cloudpickle'"):
        save_model(model, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_many_threads_save_to_their_own_places(tmp_path):
    threads = [threading.Thread(target=save_model, args=(linear(), tmp_path / str(n))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(path.name for path in tmp_path.iterdir()) == [str(n) for n in range(8)]
    assert all(load_model(tmp_path / str(n)).coef_ == pytest.approx(1.0) for n in range(8))


def test_saving_is_seen_by_observers_once_it_is_complete(tmp_path):
    seen = []

    class Watcher:
        @hookimpl
        def steno_model_saved(self, model, run_id):
            seen.append((model.model_uuid, run_id, os.listdir(tmp_path)))

    plugins().register(Watcher(), "watcher")
    try:
        saved = save_model(linear(), tmp_path / "model", run_id="r1")
    finally:
        plugins().unregister("watcher")
    assert seen == [(saved.model_uuid, "r1", ["model"])]


@pytest.mark.parametrize("form", ["pickle", "cloudpickle"])
def test_a_pickle_is_written_on_request_only_and_loads_with_its_types_named(form, tmp_path):
    from steno.errors import UntrustedTypes

    saved = save_model(linear(), tmp_path / "model", serialization_format=form)
    assert saved.flavors["sklearn"]["pickled_model"] == "model.pkl"
    assert "skops_trusted_types" not in saved.flavors["sklearn"]
    with pytest.raises(UntrustedTypes) as caught:
        load_model(tmp_path / "model")
    assert load_model(tmp_path / "model", trusted=caught.value.types).coef_ == pytest.approx(1.0)


def test_a_model_of_an_old_writer_without_its_own_section_is_read_by_its_loaders_name(tmp_path):
    save_model(linear(), tmp_path / "model")
    manifest = Manifest.read(tmp_path / "model")
    del manifest.flavors["sklearn"]
    manifest.write(tmp_path / "model")
    assert load_pyfunc(tmp_path / "model").predict([[0.5]]).tolist() == pytest.approx([0.5])


def test_a_folder_without_an_mlmodel_file_is_no_model(tmp_path):
    with pytest.raises(ModelError, match="has no MLmodel file"):
        load_model(tmp_path)
