"""What a run of `lightgbm.train` holds."""

from __future__ import annotations

import sys

import lightgbm
import numpy as np
import pandas as pd
import pytest
import steno
from lightgbm import train
from scipy import sparse

from .recorded import BINARY, arrays, artifacts, content, datasets, history, inputs, only_run, series, top_runs


def fit(params=None, rounds=6, stop=None, **more):
    """Train with two evaluation sets, and return the booster and what LightGBM itself says of the rounds."""
    dtrain, dtest = datasets()
    found = {}
    callbacks = [lightgbm.record_evaluation(found), *([lightgbm.early_stopping(stop, verbose=False)] if stop else [])]
    given = {"valid_sets": [dtrain, dtest], "valid_names": ["train", "test"], "callbacks": callbacks, **more}
    return train({**BINARY, **(params or {})}, dtrain, rounds, **given), found


def test_every_metric_of_every_round_is_recorded(autolog):
    _, found = fit({"metric": ["binary_logloss", "auc"]})
    run = only_run()
    assert (run.info.run_name, run.info.status) == ("train", "FINISHED")
    for name in ("train", "test"):
        for metric in ("binary_logloss", "auc"):
            assert series(run, f"{name}-{metric}") == found[name][metric]
    assert run.data.metrics["num_boosted_rounds"] == 6


def test_params_are_the_boosters_and_the_calls(autolog):
    fit({"metric": {"auc", "binary_logloss"}, "learning_rate": 0.05})
    params = only_run().data.params
    assert params["objective"] == "binary"
    assert params["metric"] == "{'auc', 'binary_logloss'}"
    assert params["learning_rate"] == "0.05"
    assert (params["num_boost_round"], params["keep_training_booster"]) == ("6", "False")
    assert not params.keys() & {"train_set", "valid_sets", "valid_names", "callbacks", "init_model", "params"}


def test_sets_without_names_have_those_that_lightgbm_gives_them(autolog):
    dtrain, dtest = datasets()
    train(BINARY, dtrain, 2, valid_sets=[dtrain, dtest])
    run = only_run()
    assert {"training-binary_logloss", "valid_1-binary_logloss"} <= run.data.metrics.keys()
    assert set(inputs(run)) == {"dataset", "training", "valid_1"}


def test_one_set_may_come_without_a_list(autolog):
    dtrain, dtest = datasets()
    train(BINARY, dtrain, 2, valid_sets=dtest, valid_names="late")
    run = only_run()
    assert len(series(run, "late-binary_logloss")) == 2
    assert set(inputs(run)) == {"dataset", "late"}


def test_a_name_with_a_sign_that_no_key_may_have_is_written_out(autolog):
    X, y = arrays()
    ranked = lightgbm.Dataset(X, y, group=[10] * 20)
    train({**BINARY, "objective": "lambdarank", "metric": "ndcg", "eval_at": [2]}, ranked, 2, valid_sets=[ranked])
    assert len(series(only_run(), "training-ndcg_at_2")) == 2


def test_without_evaluation_sets_there_is_a_run_all_the_same(autolog):
    dtrain, _ = datasets()
    train(BINARY, dtrain, 3)
    run = only_run()
    assert run.data.metrics == {"num_boosted_rounds": 3.0}
    assert {"feature_importance_gain.json", "feature_importance_split.json"} <= artifacts(run)


@pytest.mark.parametrize("own", [False, True])
def test_early_stopping_tells_where_it_stopped_and_what_was_best(autolog, own):
    stopping = {"stop": 2} if own else {"params": {"early_stopping_round": 2}}
    booster, found = fit(rounds=80, **stopping)
    run, rounds = only_run(), len(found["test"]["binary_logloss"])
    assert rounds < 80
    assert run.data.metrics["best_iteration"] == booster.best_iteration
    assert run.data.metrics["stopped_iteration"] == rounds
    points = history(run, "test-binary_logloss")
    assert [value for _, value in points[:-1]] == found["test"]["binary_logloss"]
    assert points[-1] == (rounds, found["test"]["binary_logloss"][booster.best_iteration - 1])


def test_a_training_that_goes_on_counts_on(autolog):
    dtrain, dtest = (lightgbm.Dataset(*part, free_raw_data=False) for part in (arrays(150), arrays(50)))
    first = train(BINARY, dtrain, 3)
    train(BINARY, dtrain, 3, valid_sets=[dtest], init_model=first)
    run = top_runs()[-1]
    assert [step for step, _ in history(run, "valid_0-binary_logloss")] == [3, 4, 5]
    assert run.data.metrics["num_boosted_rounds"] == 6


def squares(predictions, dataset):
    return predictions - dataset.get_label(), np.ones(len(predictions))


def worst(predictions, dataset):
    return "worst", float(np.abs(predictions - dataset.get_label()).max()), False


def test_objectives_and_metrics_of_ones_own_are_named_and_recorded(autolog):
    _, found = fit({"objective": squares}, feval=worst)
    run = only_run()
    assert series(run, "test-worst") == found["test"]["worst"]
    assert (run.data.params["objective"], run.data.params["feval"]) == ("squares", "worst")


def test_a_metric_that_is_no_number_is_told_of_and_the_others_are_kept(autolog):
    _, found = fit(feval=lambda predictions, dataset: ("text", "many", False))
    run = only_run()
    assert series(run, "test-binary_logloss") == found["test"]["binary_logloss"]
    assert "test-text" not in run.data.metrics
    assert "-text" in run.data.tags["steno.left_out"]


def test_each_nth_round_and_the_last_are_recorded_on_request(autolog):
    autolog(every_n_steps=4)
    fit(rounds=10)
    assert [step for step, _ in history(only_run(), "test-binary_logloss")] == [0, 4, 8, 9]


def test_a_long_training_is_written_while_it_goes_on(autolog, monkeypatch):
    monkeypatch.setattr(sys.modules["steno_lightgbm.rounds"], "INTERVAL_S", 0.0)
    seen = []

    def look(env):
        run = steno.active_run()
        seen.append(len(steno.Client().get_metric_history(run.info.run_id, "test-binary_logloss")))

    fit(callbacks=[look], rounds=4)
    assert seen == [0, 1, 2, 3]
    assert len(series(only_run(), "test-binary_logloss")) == 4


def test_the_users_callbacks_keep_their_order(autolog):
    called = []

    def late(env):
        called.append("late")

    late.order = 40
    first, second = (lambda env, name=name: called.append(name) for name in ("first", "second"))
    fit(rounds=1, callbacks=[late, first, second])
    assert called == ["first", "second", "late"]
    assert [each.order for each in (first, second)] == [-2, -1]
    assert len(series(only_run(), "test-binary_logloss")) == 1


def test_callbacks_by_position_are_left_alone_and_that_is_told(autolog):
    dtrain, dtest = datasets()
    found = {}
    more = () if lightgbm.__version__ >= "4.6" else ("auto", "auto")
    given = [dtest], None, None, None, *more, False, [lightgbm.record_evaluation(found)]
    train(BINARY, dtrain, 2, *given)
    assert len(found["valid_0"]["binary_logloss"]) == 2
    run = only_run()
    assert run.info.status == "FINISHED"
    assert "by position" in run.data.tags["steno.rounds_not_kept"]


def test_importances_are_ranked_and_name_every_feature(autolog):
    booster, _ = fit()
    for kind in ("split", "gain"):
        found = content(only_run(), f"feature_importance_{kind}.json")
        assert found == dict(zip(booster.feature_name(), booster.feature_importance(kind), strict=True))
        assert list(found.values()) == sorted(found.values(), reverse=True)


def test_data_is_described_as_what_it_was_made_of(autolog):
    X, y = arrays()
    frame = pd.DataFrame(X, columns=list("abcd"))
    dtrain = lightgbm.Dataset(frame, y)
    train(BINARY, dtrain, 2, valid_sets=[lightgbm.Dataset(frame[:50], y[:50], reference=dtrain)])
    train(BINARY, dtrain, 2)  # constructed by now, and its data let go
    first, second = (inputs(run) for run in top_runs())
    assert '"num_rows": 200' in first["dataset"].profile
    assert '"num_rows": 50' in first["valid_0"].profile
    assert second["dataset"].digest == first["dataset"].digest


@pytest.mark.parametrize("kind", ["sparse", "list", "part", "file"])
def test_other_kinds_of_data_are_described_too(autolog, kind, tmp_path):
    X, y = arrays()
    np.savetxt(tmp_path / "data.csv", np.column_stack([y, X]), delimiter=",")
    whole = lightgbm.Dataset(X, y, free_raw_data=False)
    dtrain = {
        "sparse": lambda: lightgbm.Dataset(sparse.csr_matrix(X), y),
        "list": lambda: lightgbm.Dataset([X[:100], X[100:]], y),
        "part": lambda: whole.subset(list(range(100))),
        "file": lambda: lightgbm.Dataset(str(tmp_path / "data.csv"), params={"verbose": -1}),
    }[kind]()
    train(BINARY, dtrain, 2)
    run = only_run()
    assert run.info.status == "FINISHED"
    assert set(inputs(run)) == {"dataset"}


def test_a_training_that_fails_is_a_failed_run_with_its_params(autolog):
    with pytest.raises(ZeroDivisionError):
        fit(feval=lambda predictions, dataset: 1 / 0)
    run = only_run()
    assert (run.info.status, run.data.tags["steno.end_reason"]) == ("FAILED", "ZeroDivisionError")
    assert run.data.params["num_leaves"] == "4"


def test_what_lightgbm_says_and_the_models_text_are_those_without_us(autolog, capfd):
    def told():
        booster, _ = fit({"verbose": 1}, stop=2, rounds=30)
        return booster.model_to_string(), capfd.readouterr()

    ours = told()
    steno.autolog(disable=True)
    text, output = told()
    assert ours[0] == text
    without_time = [line for line in output.out.splitlines() if "seconds" not in line]
    assert [line for line in ours[1].out.splitlines() if "seconds" not in line] == without_time


@pytest.mark.parametrize("log_models", [False, True])
def test_a_booster_that_is_trained_on_says_as_little_as_before(autolog, capfd, log_models):
    autolog(log_models=log_models)

    def told():
        X = np.zeros((60, 2))
        dtrain = lightgbm.Dataset(X, np.arange(60) % 2, params={"verbose": -1}, free_raw_data=False)
        booster = train({**BINARY, "verbose": -1}, dtrain, 1, keep_training_booster=True)
        booster.update()
        return capfd.readouterr()

    ours = told()
    steno.autolog(disable=True)
    assert ours == told()
