"""Models by their names: every form of URI, what it loads, and what is said where there is nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import steno
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from steno.errors import InvalidValue, ModelError, NotFound


def test_the_quickstart_of_mlflows_users_runs_with_steno_in_its_place(tracking):
    mlflow = steno
    X, y = load_iris(return_X_y=True)
    mlflow.set_experiment("MLflow Quickstart")
    params = {"solver": "lbfgs", "max_iter": 1000, "random_state": 8888}
    with mlflow.start_run() as run:
        model = LogisticRegression(**params).fit(X, y)
        mlflow.log_params(params)
        mlflow.log_metric("accuracy", model.score(X, y))
        mlflow.set_tag("Training Info", "Basic LR model for iris data")
        signature = mlflow.models.infer_signature(X, model.predict(X))
        info = mlflow.sklearn.log_model(
            sk_model=model, name="iris_model", signature=signature, input_example=X[:3], registered_model_name="quick"
        )
    assert np.array_equal(mlflow.pyfunc.load_model(info.model_uri).predict(X), model.predict(X))

    version = mlflow.register_model(f"runs:/{run.info.run_id}/iris_model", "MyModel")
    assert (version.name, version.version, version.run_id) == ("MyModel", "1", run.info.run_id)
    client = mlflow.MlflowClient()
    client.set_registered_model_alias("MyModel", "champion", version.version)
    client.set_registered_model_tag("MyModel", "task", "classification")
    client.transition_model_version_stage(name="MyModel", version=1, stage="Production")
    for uri in ("models:/MyModel/1", "models:/MyModel@champion", "models:/MyModel/Production", "models:/quick/latest"):
        assert np.array_equal(mlflow.pyfunc.load_model(uri).predict(X), model.predict(X))
        assert np.array_equal(mlflow.sklearn.load_model(uri).predict_proba(X), model.predict_proba(X))
    assert client.get_model_version_by_alias("MyModel", "champion").current_stage == "Production"
    assert [model.name for model in mlflow.search_registered_models()] == ["MyModel", "quick"]
    assert [each.name for each in mlflow.search_model_versions(filter_string="name = 'MyModel'")] == ["MyModel"]


def test_each_form_of_uri_loads_the_version_it_names(registered, slope):
    forms = {
        "models:/churn/1": 1.0,
        "models:/churn/2": 2.0,
        "models:/churn/latest": 3.0,
        "models:/churn@latest": 3.0,
        "models:/churn@champion": 2.0,
        "models:/churn/Production": 2.0,
        "models:/churn/production": 2.0,
        "models:/churn/None": 3.0,
        f"models:/{registered.infos[0].model_id}": 1.0,
    }
    assert {uri: slope(uri) for uri in forms} == forms


def test_what_an_alias_or_stage_loads_moves_with_it(client, registered, slope):
    client.set_registered_model_alias("churn", "champion", 3)
    client.transition_model_version_stage("churn", 1, "Production", archive_existing_versions=True)
    assert slope("models:/churn@champion") == 3.0
    assert slope("models:/churn/Production") == 1.0
    assert slope("models:/churn/Archived") == 2.0


def test_a_registered_model_loads_in_every_framework_function(registered):
    assert steno.load_model("models:/churn/1").coef_ == pytest.approx([1.0, 1.0])
    assert steno.sklearn.load_model("models:/churn/1").coef_ == pytest.approx([1.0, 1.0])


def test_a_registered_model_is_copied_where_one_wants_it(registered, tmp_path):
    steno.sklearn.load_model("models:/churn/1", dst_path=tmp_path / "here")
    assert (tmp_path / "here" / "MLmodel").is_file()
    assert steno.sklearn.load_model(tmp_path / "here").coef_ == pytest.approx([1.0, 1.0])


def test_files_of_a_registered_model_are_listed_and_fetched(registered, tmp_path):
    names = [each.path for each in steno.artifacts.list_artifacts("models:/churn@champion")]
    assert "MLmodel" in names
    path = steno.artifacts.download_artifacts("models:/churn/2/MLmodel", dst_path=tmp_path / "one")
    assert Path(path) == tmp_path / "one" / "MLmodel"
    assert registered.run_ids[1] in Path(path).read_text()
    assert Path(steno.artifacts.download_artifacts(artifact_uri="models:/churn/2"), "MLmodel").is_file()


@pytest.mark.parametrize(
    ("uri", "error", "said"),
    [
        ("models:/nobody/1", NotFound, "no registered model 'nobody'"),
        ("models:/nobody@champion", NotFound, "no registered model 'nobody'"),
        ("models:/nobody/latest", NotFound, "no registered model 'nobody'"),
        ("models:/churn/9", NotFound, "no version '9'"),
        ("models:/churn/Staging", NotFound, "no version in stage Staging"),
        ("models:/churn@nobody", InvalidValue, "no alias 'nobody'"),
        ("models:/churn/live", InvalidValue, "models:/churn@live"),
        ("models:/", InvalidValue, "of the form"),
        ("models:/m-00000000000000000000000000000000", NotFound, "no model was logged"),
        ("models:/churn", NotFound, "no model was logged"),
        ("models:/100%", NotFound, "no model was logged"),
        ("models:/churn/2/nothing", NotFound, "nothing"),
        ("models:/churn/2/../x", InvalidValue, "climbs"),
    ],
)
def test_what_is_not_there_is_said_in_one_sentence(registered, uri, error, said):
    for load in (steno.pyfunc.load_model, steno.load_model, steno.sklearn.load_model):
        with pytest.raises(error, match=said) as refused:
            load(uri)
        assert refused.value.message.count("\n") == 0


def test_a_mere_name_is_answered_with_how_to_write_it(registered):
    with pytest.raises(NotFound, match="models:/churn/latest"):
        steno.load_model("models:/churn")


def test_a_version_whose_files_are_gone_says_so(client, registered):
    shutil.rmtree(client.get_model_version_download_uri("churn", 1))
    with pytest.raises(NotFound, match=r"models:/churn/1 is registered, and its files are gone"):
        steno.load_model("models:/churn/1")


def test_a_model_that_was_overwritten_is_not_taken_for_the_one_registered(client, log, registered):
    place = Path(client.get_model_version_download_uri("churn", 1))
    shutil.rmtree(place)
    shutil.copytree(client.get_model_version_download_uri("churn", 2), place)
    with pytest.raises(ModelError, match="another model than the one registered as version 1 of 'churn'"):
        steno.load_model("models:/churn/1")


def test_of_two_models_of_one_name_each_is_found_by_its_id_and_the_newest_by_the_name(tracking, slope):
    with steno.start_run() as run:
        infos = [steno.sklearn.log_model(fitted, name="model") for fitted in _fitted(1.0, 2.0)]
    assert [slope(info.model_uri) for info in infos] == [1.0, 2.0]
    assert slope(f"runs:/{run.info.run_id}/model") == 2.0
    steno.Client().delete_logged_model(infos[1].model_id)
    assert slope(f"runs:/{run.info.run_id}/model") == 1.0
    with pytest.raises(NotFound, match="deleted"):
        steno.load_model(infos[1].model_uri)


def _fitted(*slopes):
    X = [[1.0, 1.0], [2.0, 3.0]]
    return [LinearRegression(fit_intercept=False).fit(X, [2 * slope, 5 * slope]) for slope in slopes]


def test_registering_needs_no_run(client, tmp_path, slope, registered):
    steno.sklearn.save_model(steno.load_model("models:/churn/2"), tmp_path / "saved")
    version = steno.register_model(str(tmp_path / "saved"), "churn")
    assert (version.version, version.run_id, version.source) == ("4", "", str(tmp_path / "saved"))
    assert slope("models:/churn/4") == 2.0


def test_a_relative_path_means_the_same_folder_from_elsewhere(registered, tmp_path, monkeypatch, slope):
    steno.sklearn.save_model(steno.load_model("models:/churn/2"), "saved")
    assert steno.register_model("saved", "churn").source == str(tmp_path / "saved")
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    assert slope("models:/churn/4") == 2.0
