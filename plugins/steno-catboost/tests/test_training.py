"""What a run of a fit holds."""

from __future__ import annotations

import re
import time

import catboost
import numpy as np
import pandas as pd
import pytest
import steno
from catboost import CatBoost, CatBoostClassifier, CatBoostRanker, CatBoostRegressor, Pool
from steno.models import load_model

from .recorded import SMALL, artifacts, content, history, inputs, only_run, series, top_runs

SETS = ("learn", "validation_0", "validation_1")


def fit(data, **more):
    """Fit with two evaluation sets."""
    X, y = data
    return CatBoostClassifier(**{**SMALL, **more}).fit(X[:150], y[:150], eval_set=[(X[150:], y[150:]), (X, y)])


def test_every_metric_of_every_iteration_is_recorded(autolog, data):
    found = fit(data, custom_metric=["AUC:hints=skip_train~false"]).get_evals_result()
    run = only_run()
    assert (run.info.run_name, run.info.status) == ("CatBoostClassifier", "FINISHED")
    for name in SETS:
        assert set(found[name]) == {"Logloss", "AUC"}
        for metric, values in found[name].items():
            # The model is its best iteration's: those metrics stand once more after the last.
            assert [value for _, value in history(run, f"{name}-{metric}")][: len(values)] == values
    assert run.data.metrics["tree_count"] == 6


def test_a_metric_period_keeps_the_true_iterations(autolog, data):
    X, y = data
    model = CatBoostClassifier(**{**SMALL, "iterations": 11, "metric_period": 3}, learning_rate=0.1)
    model.fit(X, y, eval_set=(X, y), use_best_model=False)
    assert [step for step, _ in history(only_run(), "learn-Logloss")] == [0, 3, 6, 9, 10]


def test_a_metric_that_ignores_the_period_keeps_its_own_iterations(autolog, data, capfd):
    X, y = data
    model = CatBoostClassifier(**{**SMALL, "iterations": 8, "metric_period": 3}, custom_metric=["Accuracy"])
    found = model.fit(X, y, eval_set=(X, y), early_stopping_rounds=7, use_best_model=False).get_evals_result()
    run = only_run()
    for metric, values in found["validation"].items():
        assert [value for _, value in history(run, f"validation-{metric}")] == values
    assert [step for step, _ in history(run, "validation-Accuracy")] == [0, 3, 6, 7]
    assert [step for step, _ in history(run, "validation-Logloss")] == list(range(8))


def test_each_nth_iteration_and_the_last_are_kept_on_demand(autolog, data):
    autolog(every_n_steps=4)
    fit(data, use_best_model=False)
    assert [step for step, _ in history(only_run(), "learn-Logloss")] == [0, 4, 5]


def test_early_stopping_is_told(autolog, data):
    X, y = data
    model = CatBoostClassifier(**{**SMALL, "iterations": 100}, learning_rate=1.0, od_type="Iter", od_wait=3)
    model.fit(X[:80], y[:80], eval_set=(X[80:], y[80:]))
    run, scores = only_run(), model.get_evals_result()["validation"]["Logloss"]
    best = model.best_iteration_
    assert len(scores) < 100
    assert run.data.metrics["stopped_iteration"] == len(scores) - 1 == best + 3
    assert (run.data.metrics["best_iteration"], run.data.metrics["best_score"]) == (best, min(scores))
    assert run.data.metrics["tree_count"] == best + 1
    assert run.data.metrics["validation-Logloss"] == min(scores), "a table of last values shows the model's"
    assert history(run, "validation-Logloss")[-1] == (len(scores), min(scores))


def test_the_last_of_several_sets_decides_what_is_best(autolog, data):
    model = fit(data)
    run = only_run()
    assert run.data.metrics["best_score"] == model.best_score_["validation_1"]["Logloss"]
    assert "stopped_iteration" not in run.data.metrics


def test_params_are_those_given_and_what_catboost_settled_on(autolog, data):
    X, _ = data
    model = CatBoostRegressor(n_estimators=4, max_depth=2, verbose=False, thread_count=1)
    model.fit(X, X[:, 1], eval_set=(X, X[:, 1]), early_stopping_rounds=3)
    params = only_run().data.params
    assert (params["n_estimators"], params["max_depth"], params["early_stopping_rounds"]) == ("4", "2", "3")
    settled = model.get_all_params()
    assert (params["iterations"], params["depth"]) == ("4", "2")
    assert float(params["learning_rate"]) == settled["learning_rate"]
    assert params["loss_function"] == "RMSE"
    assert not params.keys() & {"X", "y", "eval_set", "callbacks", "init_model", "plot"}


def test_iterations_that_are_added_to_a_model_go_on_counting(autolog, data):
    X, y = data
    first = CatBoostClassifier(**SMALL).fit(X, y)
    CatBoostClassifier(**SMALL).fit(X, y, init_model=first)
    _, run = top_runs()
    assert [step for step, _ in history(run, "learn-Logloss")] == [6, 7, 8, 9, 10, 11]
    assert run.data.metrics["tree_count"] == 12


def test_train_is_the_fit_inside_it(autolog, data):
    model = catboost.train(Pool(*data), {**SMALL, "loss_function": "Logloss"}, num_boost_round=None)
    run = only_run()
    assert run.info.run_name == "CatBoost"
    assert series(run, "learn-Logloss") == model.get_evals_result()["learn"]["Logloss"]
    assert run.data.params["loss_function"] == "Logloss"


def test_a_ranker_has_names_no_key_may_have(autolog, data):
    X, y = data
    model = CatBoostRanker(**SMALL, custom_metric=["NDCG:top=3"])
    model.fit(X, y, group_id=np.arange(200) // 10, eval_set=Pool(X, y, group_id=np.arange(200) // 10))
    run, found = only_run(), model.get_evals_result()["validation"]
    name = next(name for name in found if name.startswith("NDCG"))
    assert "=" in name
    assert series(run, "validation-" + re.sub("[=;]", "_", name))[:6] == found[name]
    assert "feature_importance_PredictionValuesChange.json" in artifacts(run)


def test_importances_are_catboosts_own(autolog, data):
    X, y = data
    frame = pd.DataFrame(X, columns=list("abcd"))
    autolog(importance_types=["PredictionValuesChange", "Interaction"])
    model = CatBoostClassifier(**SMALL).fit(frame, y)
    run = only_run()
    scores = content(run, "feature_importance_PredictionValuesChange.json")
    assert scores == dict(zip("abcd", model.feature_importances_, strict=True))
    assert list(scores.values()) == sorted(scores.values(), reverse=True)
    assert all(", " in pair for pair in content(run, "feature_importance_Interaction.json"))


def test_an_importance_that_cannot_be_had_is_told(autolog, data):
    autolog(importance_types="ShapValues")
    fit(data)
    assert only_run().data.tags["steno.importance_not_kept"].startswith("ShapValues: ")


def test_data_is_described_as_the_user_holds_it(autolog, data):
    X, y = data
    frame = pd.DataFrame(X, columns=list("abcd")).assign(kind=np.where(y > 0, "p", "q"))
    pool = Pool(frame, y, cat_features=["kind"])
    CatBoostClassifier(**SMALL).fit(pool, eval_set=Pool(frame[:50], y[:50], cat_features=["kind"]))
    CatBoostClassifier(**SMALL).fit(frame, y, cat_features=["kind"])
    of_pool, of_frame = (inputs(run) for run in top_runs())
    assert set(of_pool) == {"dataset", "validation"}
    assert of_pool["dataset"].digest == of_frame["dataset"].digest
    assert '"name": "kind"' in of_pool["dataset"].schema
    assert '"name": "kind"' in of_pool["validation"].schema, "what it was made of is gone; the pool knows its columns"


def test_a_pool_can_be_used_again(autolog, data):
    pool = Pool(*data)
    first, second = (CatBoostClassifier(**SMALL).fit(pool) for _ in range(2))
    assert pool.shape == (200, 4)
    assert np.array_equal(first.get_leaf_values(), second.get_leaf_values())
    one, other = (inputs(run)["dataset"].digest for run in top_runs())
    assert one == other


def test_the_trees_and_the_files_are_the_same(autolog, data, tmp_path, capfd):
    def train(name, **more):
        model = fit(data, train_dir=str(tmp_path / name), verbose=2, **more)
        files = sorted(str(path.relative_to(tmp_path / name)) for path in (tmp_path / name).rglob("*"))
        text = re.sub(r"[\d.]+(us|ms|s)\b", "T", capfd.readouterr().out)
        return model.get_leaf_values().tobytes(), model.get_evals_result(), files, text

    watched, silent = train("watched"), train("w", allow_writing_files=False)
    steno.autolog(disable=True)
    assert watched == train("plain")
    assert silent == train("p", allow_writing_files=False)
    assert not (tmp_path / "w" / "learn_error.tsv").exists()


def test_each_iteration_has_its_own_time_where_catboost_writes_it_down(autolog, data):
    class Slow:
        """An objective of the user's that takes its time."""

        def calc_ders_range(self, approxes, targets, weights):
            time.sleep(0.02)
            return [(target - approx, -1.0) for approx, target in zip(approxes, targets, strict=True)]

    def times(**more):
        began_ms = time.time() * 1000
        X, y = data
        CatBoost({**SMALL, "loss_function": Slow(), "eval_metric": "RMSE", **more}).fit(X, y, eval_set=(X, y))
        points = steno.Client().get_metric_history(top_runs()[-1].info.run_id, "learn-RMSE")[:6]
        return began_ms, [point.timestamp for point in points], time.time() * 1000

    with pytest.warns(UserWarning, match="numba"):
        began_ms, known, ended_ms = times()
    with pytest.warns(UserWarning, match="numba"):
        _, told, _ = times(allow_writing_files=False)
    assert known == sorted(known)
    assert began_ms - 1 <= known[0] < known[-1] <= ended_ms
    assert known[-1] - known[0] >= 80
    assert len(set(told)) == 1, "nothing is known but when it was told"


def test_what_was_measured_before_an_error_is_kept(autolog, data):
    class Failing:
        """A metric of the user's that fails in the end."""

        calls = 0

        def get_final_error(self, error, weight):
            return error / weight

        def is_max_optimal(self):
            return True

        def evaluate(self, approxes, target, weight):
            self.calls += 1
            if self.calls > 9:
                raise ArithmeticError("the user's own")
            return 0.5 * len(target), float(len(target))

    X, y = data
    with pytest.raises(catboost.CatBoostError, match="the user's own"), pytest.warns(UserWarning, match="numba"):
        CatBoostClassifier(**SMALL, eval_metric=Failing()).fit(X, y, eval_set=[(X, y), (X[:90], y[:90])])
    run = only_run()
    assert run.info.status == "FAILED"
    assert [step for step, _ in history(run, "learn-Logloss")] == [0, 1, 2]
    assert history(run, "validation_1-Failing") == [(0, 0.5), (1, 0.5), (2, 0.5)]


def test_tables_of_an_earlier_training_are_not_taken_for_this_ones(autolog, data):
    X, y = data
    CatBoostClassifier(**SMALL).fit(X, y)
    time.sleep(0.1)
    with pytest.raises(catboost.CatBoostError):
        CatBoostClassifier(**SMALL).fit(X, y, eval_set=(X[:, :2], y))
    failed = next(run for run in top_runs() if run.info.status == "FAILED")
    assert failed.data.metrics == {}


def test_the_model_comes_back_with_its_signature(autolog, data):
    X, y = data
    frame = pd.DataFrame(X, columns=list("abcd")).assign(kind=np.where(y > 0, "p", "q"))
    autolog(log_models=True, log_input_examples=True)
    model = CatBoostClassifier(**SMALL, cat_features=["kind"]).fit(frame, y)
    expected = model.predict_proba(frame)
    run = only_run()
    folder = steno.Client().download_artifacts(run.info.run_id, "model")
    assert {f"model/{name}" for name in ("model.cb", "MLmodel", "input_example.json")} <= artifacts(run)
    loaded = load_model(folder)
    assert type(loaded) is CatBoostClassifier
    assert np.array_equal(loaded.predict_proba(frame), expected)
    assert loaded.get_params()["iterations"] == 6
    served = steno.pyfunc.load_model(f"runs:/{run.info.run_id}/model")
    assert served.predict(frame).tolist() == model.predict(frame).tolist()


def test_a_model_is_kept_as_it_was(autolog, data):
    X, y = data
    autolog(log_models=True)
    model = CatBoostClassifier(**SMALL).fit(X, y)
    expected = model.predict_proba(X)
    model.shrink(1)
    loaded = steno.catboost.load_model(f"runs:/{only_run().info.run_id}/model")
    assert np.array_equal(loaded.predict_proba(X), expected)
