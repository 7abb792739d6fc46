"""What the runs of LightGBM's scikit-learn wrappers hold: one for each fit, whatever it is made of."""

from __future__ import annotations

import json
import subprocess
import sys

import lightgbm
import numpy as np
import pandas as pd
import pytest
import steno
from joblib import Parallel, delayed
from lightgbm import LGBMClassifier, LGBMRanker, LGBMRegressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .recorded import SMALL, artifacts, children, history, inputs, only_run, series, top_runs

pytestmark = pytest.mark.filterwarnings(
    "ignore:.*'eval_set' is deprecated", "ignore:X does not have valid feature names", "ignore:.*valid feature names"
)


class Mine(LGBMClassifier):
    """A wrapper of the user's own, with a fit of its own."""

    def fit(self, X, y, **more):
        return super().fit(X, 1 - y, **more)


@pytest.mark.parametrize(
    ("model", "more"),
    [
        (LGBMClassifier(**SMALL), {}),
        (LGBMRegressor(**SMALL), {}),
        (LGBMRanker(**SMALL), {"group": [10] * 20}),
        (lightgbm.LGBMModel(**SMALL, objective="binary"), {}),
        (Mine(**SMALL), {}),
    ],
    ids=lambda given: type(given).__name__,
)
def test_a_fit_is_one_run_of_lightgbms(autolog, data, model, more):
    model.fit(*data, **more)
    run = only_run()
    assert (run.info.run_name, run.info.status) == (type(model).__name__, "FINISHED")
    assert run.data.tags["mlflow.autologging"] == "lightgbm"
    assert (run.data.params["num_leaves"], run.data.params["n_estimators"]) == ("4", "4")
    assert run.data.params["num_boost_round"] == "4"
    assert run.data.metrics["num_boosted_rounds"] == model.booster_.current_iteration()
    assert "feature_importance_gain.json" in artifacts(run)
    assert set(inputs(run)) == {"dataset"}


def test_what_lightgbm_chose_is_told_where_the_user_did_not(autolog, data):
    LGBMClassifier(**SMALL).fit(*data)
    params = only_run().data.params
    assert (params["objective"], params["metric"]) == ("binary", "['binary']")
    assert "steno.left_out" not in only_run().data.tags


def test_every_round_of_every_evaluation_set_is_recorded(autolog, data):
    X, y = data
    model = LGBMClassifier(**SMALL)
    train, test = (X[:150], y[:150]), (X[150:], y[150:])
    model.fit(*train, eval_set=[train, test], eval_metric=["auc"])
    run = only_run()
    for name, metrics in model.evals_result_.items():
        for metric, values in metrics.items():
            assert series(run, f"{name}-{metric}") == values
    assert set(inputs(run)) == {"dataset", "training", "valid_1"}


def test_early_stopping_is_told(autolog, data):
    X, y = data
    model = LGBMClassifier(**{**SMALL, "n_estimators": 80})
    model.fit(X[:150], y[:150], eval_set=[(X[150:], y[150:])], callbacks=[lightgbm.early_stopping(2, verbose=False)])
    metrics = only_run().data.metrics
    assert metrics["best_iteration"] == model.best_iteration_
    assert metrics["stopped_iteration"] == len(model.evals_result_["valid_0"]["binary_logloss"])


def test_a_training_that_goes_on_counts_on(autolog, data):
    first = LGBMClassifier(**SMALL).fit(*data)
    LGBMClassifier(**SMALL).fit(*data, init_model=first, eval_set=[data])
    assert [step for step, _ in history(top_runs()[-1], "training-binary_logloss")] == [4, 5, 6, 7]


def test_a_generator_of_the_users_is_drawn_from_as_ever(autolog, data):
    def drawn():
        generator = np.random.RandomState(3)
        model = LGBMRegressor(**SMALL, subsample=0.5, subsample_freq=1, random_state=generator).fit(*data)
        return model.booster_.model_to_string(), generator.get_state()[1].tolist()

    ours = drawn()
    run = only_run()
    steno.autolog(disable=True)
    assert ours == drawn()
    assert run.data.params["random_state"] == "RandomState"


def test_metrics_after_the_fit_find_its_run(autolog, data):
    X_test, y_test = data[0][150:], data[1][150:]
    model = LGBMClassifier(**SMALL).fit(data[0][:150], data[1][:150])
    predicted = model.predict(X_test)
    other = LGBMClassifier(**SMALL, random_state=1).fit(*data)
    accuracy = accuracy_score(y_test, predicted)
    area = roc_auc_score(y_test, model.predict_proba(X_test)[:, 1])
    score = other.score(X_test, y_test)
    first, second = top_runs()
    assert first.data.metrics["accuracy_score_X_test"] == accuracy
    assert first.data.metrics["roc_auc_score_X_test"] == area
    assert second.data.metrics["LGBMClassifier_score_X_test"] == score


def test_a_pipeline_is_one_run_with_the_rounds_inside(autolog, data):
    autolog(log_models=True)
    X, y = data
    pipeline = make_pipeline(StandardScaler(), LGBMClassifier(**SMALL))
    pipeline.fit(X, y, lgbmclassifier__eval_set=[(X, y)])
    run = only_run()
    assert (run.info.run_name, run.data.tags["mlflow.autologging"]) == ("Pipeline", "sklearn")
    assert series(run, "valid_0-binary_logloss") == pipeline[-1].evals_result_["valid_0"]["binary_logloss"]
    assert run.data.params["lgbmclassifier__num_leaves"] == "4"
    assert len(run.outputs.model_outputs) == 1


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_search_is_one_run_with_a_child_for_each_candidate(autolog, data, n_jobs):
    search = GridSearchCV(LGBMClassifier(**SMALL), {"num_leaves": [3, 4]}, cv=2, n_jobs=n_jobs).fit(*data)
    run = only_run()
    assert (run.info.run_name, run.data.tags["mlflow.autologging"]) == ("GridSearchCV", "sklearn")
    assert run.data.metrics["best_cv_score"] == search.best_score_
    assert "num_boosted_rounds" not in run.data.metrics
    found = [(child.data.params["num_leaves"], child.data.metrics["mean_test_score"]) for child in children()]
    scores = search.cv_results_["mean_test_score"]
    assert sorted(found) == [("3", pytest.approx(scores[0], abs=1e-12)), ("4", pytest.approx(scores[1], abs=1e-12))]


@pytest.mark.parametrize(
    "train",
    [
        lambda X, y: cross_val_score(LGBMClassifier(**SMALL), X, y, cv=2),
        lambda X, y: CalibratedClassifierCV(LGBMClassifier(**SMALL), cv=2).fit(X, y),
        lambda X, y: VotingClassifier([("a", LGBMClassifier(**SMALL)), ("b", Mine(**SMALL))]).fit(X, y),
    ],
    ids=["cross-validation", "calibration", "voting"],
)
def test_many_fits_of_one_call_are_one_run(autolog, data, train):
    train(*data)
    assert "num_boosted_rounds" not in only_run().data.metrics


def test_fits_in_threads_are_runs_of_their_own(autolog, data):
    models = Parallel(2, backend="threading")(delayed(LGBMClassifier(**SMALL).fit)(*data) for _ in range(3))
    assert len(models) == len(top_runs()) == 3


def test_a_frame_is_described_by_its_columns(autolog, data):
    frame = pd.DataFrame(data[0], columns=["a", "b", "c", "d"])
    LGBMClassifier(**SMALL).fit(frame, data[1])
    schema = json.loads(inputs(only_run())["dataset"].schema)
    assert [column["name"] for column in schema["mlflow_colspec"]] == ["a", "b", "c", "d"]


def test_a_bad_fit_is_a_failed_run(autolog, data):
    with pytest.raises(ValueError, match="inconsistent"):
        LGBMRegressor(**SMALL).fit(data[0], data[1][:5])
    run = only_run()
    assert run.info.status == "FAILED"
    assert run.data.params["num_leaves"] == "4"


WITHOUT = """
import sys, steno
steno.set_tracking_uri(sys.argv[1])
steno.autolog(log_models=False)
import numpy as np
from lightgbm import LGBMClassifier
X = np.arange(80.0).reshape(40, 2)
LGBMClassifier(n_estimators=2, n_jobs=1, verbose=-1).fit(X, X[:, 0] > 40)
steno.flush()
print([run.data.tags["mlflow.autologging"] for run in steno.search_runs(output_format="list")])
"""


@pytest.mark.parametrize(("blocked", "who"), [("", "lightgbm"), ("lightgbm", "sklearn"), ("sklearn", "lightgbm")])
def test_a_fit_is_one_run_whoever_is_there_to_record_it(tracking, monkeypatch, blocked, who):
    monkeypatch.setenv("STENO_BLOCK_PLUGINS", blocked)
    command = [sys.executable, "-W", "ignore", "-c", WITHOUT, tracking]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.stdout.strip() == f"['{who}']", done.stderr
