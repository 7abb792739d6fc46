"""The fitted model is with its run, as it was when the fit ended, and loads back."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import steno
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from .conftest import artifacts, only_run, top_runs

FILES = {f"model/{name}" for name in ("MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt")}


def test_a_small_model_comes_back_the_same(autolog, iris):
    X, y = iris
    autolog(log_models=True)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(X, y)
    run = only_run()
    assert artifacts(run) >= {*FILES, "model/model.skops"}
    loaded = steno.load_model(f"runs:/{run.info.run_id}/model")
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))
    (logged,) = steno.search_logged_models(output_format="list")
    assert (logged.name, logged.source_run_id, logged.status) == ("model", run.info.run_id, "READY")
    assert [made.model_id for made in run.outputs.model_outputs] == [logged.model_id]


def test_a_large_model_is_kept_as_it_was(autolog, iris):
    X, y = iris
    autolog(log_models=True)
    model = RandomForestClassifier(60, random_state=0).fit(X, y)
    before = model.predict_proba(X)
    model.estimators_.clear()  # the user goes on with it at once
    run = only_run()
    loaded = steno.load_model(f"runs:/{run.info.run_id}/model")
    np.testing.assert_array_equal(loaded.predict_proba(X), before)
    assert len(run.outputs.model_outputs) == 1


def test_the_signature_tells_columns_and_result(autolog, iris):
    X, y = iris
    autolog(log_models=True)
    DecisionTreeClassifier().fit(pd.DataFrame(X, columns=list("abcd")), y)
    loaded = steno.pyfunc.load_model(f"runs:/{only_run().info.run_id}/model")
    assert loaded.metadata.signature.inputs.input_names() == list("abcd")
    assert loaded.metadata.signature.outputs is not None


def test_an_input_example_is_kept_on_request(autolog, iris):
    autolog(log_models=True, log_input_examples=True)
    DecisionTreeClassifier().fit(*iris)
    assert "model/input_example.json" in artifacts(only_run())


def test_a_search_keeps_itself_and_its_best(autolog, iris):
    autolog(log_models=True)
    search = GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2]}, cv=2).fit(*iris)
    (run,) = top_runs()
    best = steno.load_model(f"runs:/{run.info.run_id}/best_estimator")
    assert best.get_params() == search.best_estimator_.get_params()
    assert steno.load_model(f"runs:/{run.info.run_id}/model").best_params_ == search.best_params_
    logged = steno.search_logged_models(output_format="list")
    assert sorted(model.name for model in logged) == ["best_estimator", "model"]


def test_what_cannot_be_kept_is_told(autolog, iris):
    autolog(log_models=True)
    make_pipeline(FunctionTransformer(lambda X: 2 * X), DecisionTreeClassifier()).fit(*iris)
    run = only_run()
    assert run.info.status == "FINISHED"
    assert "serialization_format='cloudpickle'" in run.data.tags["steno.model_not_kept"]
    assert steno.search_logged_models(output_format="list") == []


def test_a_function_of_the_users_is_kept_by_cloudpickle(autolog, iris):
    autolog(log_models=True, serialization_format="cloudpickle")
    make_pipeline(FunctionTransformer(lambda X: 2 * X), DecisionTreeClassifier()).fit(*iris)
    assert "model/model.pkl" in artifacts(only_run())


def test_models_of_the_users_run_stay_on_its_list(autolog, iris):
    autolog(log_models=True)
    with steno.start_run():
        model = DecisionTreeClassifier().fit(*iris)
        steno.sklearn.log_model(model, "mine")
        LogisticRegression(max_iter=500).fit(*iris)
    logged = steno.search_logged_models(output_format="list")
    assert sorted(model.name for model in logged) == ["mine", "model", "model"]
    assert {model.model_id for model in logged} == {made.model_id for made in only_run().outputs.model_outputs}


@pytest.mark.parametrize("log_models", [False])
def test_models_can_be_left_out(autolog, iris, log_models):
    autolog(log_models=log_models)
    DecisionTreeClassifier().fit(*iris)
    assert not any(path.startswith("model/") for path in artifacts(only_run()))


def test_a_model_that_is_kept_brings_no_other_framework(tmp_path):
    """skops looks for every estimator as it is imported, and scikit-learn's search would import PyTorch."""
    script = """
import sys, steno; steno.autolog()
from sklearn.linear_model import LinearRegression
LinearRegression().fit([[0.], [1.]], [0., 1.])
run = steno.last_active_run()
assert any(file.path == "model" for file in steno.Client().list_artifacts(run.info.run_id))
assert "skops" in sys.modules
print([name for name in ("torch", "tensorflow", "jax", "dask", "cupy") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
