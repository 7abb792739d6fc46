"""What a run of `xgboost.train` holds."""

from __future__ import annotations

import json
import sys
from functools import partial

import numpy as np
import pytest
import steno
import xgboost
from xgboost import train
from xgboost.callback import EarlyStopping, LearningRateScheduler, TrainingCallback

from .conftest import BINARY, artifacts, content, history, matrices, only_run, series, top_runs

TYPES = ("weight", "gain", "cover", "total_gain", "total_cover")


def fit(params=None, rounds=6, **more):
    """Train with two evaluation sets, and return the booster and what XGBoost itself says of the rounds."""
    dtrain, dtest = matrices()
    found = {}
    given = {"evals": [(dtrain, "train"), (dtest, "test")], "evals_result": found, "verbose_eval": False, **more}
    return train({**BINARY, **(params or {})}, dtrain, rounds, **given), found


def test_every_metric_of_every_round_is_recorded(autolog):
    _, found = fit({"eval_metric": ["logloss", "auc"]})
    run = only_run()
    assert (run.info.run_name, run.info.status) == ("train", "FINISHED")
    for name in ("train", "test"):
        for metric in ("logloss", "auc"):
            assert series(run, f"{name}-{metric}") == found[name][metric]
    assert run.data.metrics["num_boosted_rounds"] == 6


def test_params_are_the_boosters_and_the_calls(autolog):
    fit({"eval_metric": ["logloss", "auc"], "eta": 0.1})
    params = only_run().data.params
    assert params["objective"] == "binary:logistic"
    assert params["eval_metric"] == "['logloss', 'auc']"
    assert params["eta"] == "0.1"
    assert params["num_boost_round"] == "6"
    assert params["early_stopping_rounds"] == "None"
    assert params["verbose_eval"] == "False"
    assert not params.keys() & {"dtrain", "evals", "evals_result", "callbacks", "xgb_model", "params"}


def test_params_may_be_pairs(autolog):
    dtrain, _ = matrices()
    train([*BINARY.items(), ("eval_metric", "auc"), ("eval_metric", "error")], dtrain, 2, evals=[(dtrain, "train")])
    run = only_run()
    assert run.data.params["eval_metric"] == "['auc', 'error']"
    assert {"train-auc", "train-error"} <= run.data.metrics.keys()


def test_a_name_with_a_sign_that_no_key_may_have_is_written_out(autolog):
    X = np.random.default_rng(0).normal(size=(60, 3))
    dtrain = xgboost.DMatrix(X, (X[:, 0] > 0).astype(int), qid=np.repeat(np.arange(6), 10))
    train({"objective": "rank:ndcg", "eval_metric": "ndcg@2", "nthread": 1}, dtrain, 2, evals=[(dtrain, "train")])
    assert len(series(only_run(), "train-ndcg_at_2")) == 2


def test_without_evaluation_sets_there_is_a_run_all_the_same(autolog):
    dtrain, _ = matrices()
    train(BINARY, dtrain, 3)
    run = only_run()
    assert run.data.metrics == {"num_boosted_rounds": 3.0}
    assert "feature_importance_gain.json" in artifacts(run)


@pytest.mark.parametrize("own", [False, True])
def test_early_stopping_tells_where_it_stopped_and_what_was_best(autolog, own):
    stopping = {"callbacks": [EarlyStopping(rounds=2)]} if own else {"early_stopping_rounds": 2}
    booster, found = fit(rounds=60, **stopping)
    run, rounds = only_run(), len(found["test"]["logloss"])
    assert rounds < 60
    assert run.data.metrics["best_iteration"] == booster.best_iteration
    assert run.data.metrics["best_score"] == booster.best_score
    assert run.data.metrics["stopped_iteration"] == rounds - 1
    points = history(run, "test-logloss")
    assert [value for _, value in points[:-1]] == found["test"]["logloss"]
    assert points[-1] == (rounds, found["test"]["logloss"][booster.best_iteration])


def test_a_model_cut_to_its_best_says_how_long_it_is(autolog):
    booster, found = fit(rounds=60, callbacks=[EarlyStopping(rounds=2, save_best=True)])
    metrics = only_run().data.metrics
    assert metrics["num_boosted_rounds"] == booster.num_boosted_rounds() == metrics["best_iteration"] + 1
    assert metrics["stopped_iteration"] == len(found["test"]["logloss"]) - 1


def test_a_training_that_goes_on_counts_on(autolog):
    first, _ = fit(rounds=60, early_stopping_rounds=2)
    before = first.num_boosted_rounds()
    _, found = fit(rounds=3, xgb_model=first)
    run = top_runs()[-1]
    assert history(run, "test-logloss") == list(enumerate(found["test"]["logloss"], before))
    # The booster still knows the best round of its first training.
    assert "best_iteration" not in run.data.metrics


@pytest.mark.filterwarnings("ignore:.*manually specified the `updater`")
def test_a_model_that_is_gone_through_anew_counts_from_zero(autolog):
    first, _ = fit(rounds=3)
    fit({"process_type": "update", "updater": "refresh"}, rounds=3, xgb_model=first)
    assert len(series(top_runs()[-1], "test-logloss")) == 3


def test_objectives_and_metrics_of_ones_own_are_named_and_recorded(autolog):
    def squares(predictions, matrix):
        return predictions - matrix.get_label(), np.ones(len(predictions))

    def worst(predictions, matrix):
        return "worst", float(np.abs(predictions - matrix.get_label()).max())

    _, found = fit({"objective": "reg:squarederror"}, obj=squares, custom_metric=worst)
    run = only_run()
    assert series(run, "test-worst") == found["test"]["worst"]
    assert run.data.params["obj"].endswith("squares")
    assert run.data.params["custom_metric"].endswith("worst")


def test_a_metric_that_comes_and_goes_is_recorded_when_it_comes(autolog):
    rounds = []

    def now_and_then(predictions, matrix):
        rounds.append(len(rounds))
        return [("always", 1.0)] + ([("rarely", float(len(rounds)))] if len(rounds) % 3 == 1 else [])

    dtrain, _ = matrices()
    train(BINARY, dtrain, 6, evals=[(dtrain, "train")], custom_metric=now_and_then, verbose_eval=False)
    assert history(only_run(), "train-rarely") == [(0, 1.0), (3, 4.0)]


def test_a_metric_that_is_not_a_number_is_kept_as_that(autolog):
    fit(custom_metric=lambda predictions, matrix: ("nothing", float("nan")))
    points = history(only_run(), "test-nothing")
    assert len(points) == 6
    assert all(value != value for _, value in points)


def test_a_metric_that_is_a_text_is_the_users_error(autolog):
    with pytest.raises(TypeError):
        fit(custom_metric=lambda predictions, matrix: ("bad", "many"))
    run = only_run()
    assert (run.info.status, run.data.tags["steno.end_reason"]) == ("FAILED", "TypeError")


def test_a_name_that_no_key_may_have_is_told_to_be_left_out(autolog):
    dtrain, dtest = matrices()
    train(BINARY, dtrain, 2, evals=[(dtrain, "fine"), (dtest, "what?!")], verbose_eval=False)
    run = only_run()
    assert len(series(run, "fine-logloss")) == 2
    assert "what?!" in run.data.tags["steno.left_out"]


def test_every_nth_round_and_the_last_are_recorded_on_request(autolog):
    autolog(every_n_steps=4)
    _, found = fit(rounds=7)
    assert history(only_run(), "test-logloss") == [(at, found["test"]["logloss"][at]) for at in (0, 4, 6)]


class Telling(TrainingCallback):
    """A callback of the user's, which sees what it would see without steno."""

    def __init__(self, told):
        super().__init__()
        self.told = told

    def after_iteration(self, model, epoch, evals_log):
        self.told.append((epoch, {name: list(metrics) for name, metrics in evals_log.items()}))
        return False


@pytest.mark.parametrize("form", [list, tuple, iter, set, lambda given: (each for each in given)])
def test_callbacks_come_in_any_form_and_are_called_as_ever(autolog, form):
    told = []
    _, found = fit(callbacks=form([Telling(told), LearningRateScheduler(lambda epoch: 0.3)]))
    assert [epoch for epoch, _ in told] == list(range(6))
    assert series(only_run(), "test-logloss") == found["test"]["logloss"]


def test_a_list_of_the_users_is_not_added_to(autolog):
    callbacks = [LearningRateScheduler([0.3] * 6)]
    fit(callbacks=callbacks)
    assert len(callbacks) == 1


@pytest.mark.parametrize("wrong", [5, Telling([]), "no", [1], [Telling]])
def test_what_is_no_list_of_callbacks_is_the_same_error(autolog, wrong):
    with pytest.raises(TypeError) as ours:
        fit(callbacks=wrong)
    steno.autolog(disable=True)
    with pytest.raises(TypeError) as plain:
        fit(callbacks=wrong)
    assert str(ours.value) == str(plain.value)
    run = only_run()
    assert (run.info.status, run.data.tags["steno.end_reason"]) == ("FAILED", "TypeError")
    assert run.data.params["num_boost_round"] == "6"


def test_a_callback_that_raises_stops_the_training_as_ever(autolog):
    class Raising(TrainingCallback):
        def after_iteration(self, model, epoch, evals_log):
            return 1 / (2 - epoch) < 0

    with pytest.raises(ZeroDivisionError):
        fit(callbacks=[Raising()])
    run = only_run()
    assert run.info.status == "FAILED"
    assert len(series(run, "test-logloss")) == 3


def test_the_printed_lines_are_the_same(autolog, capfd):
    fit(verbose_eval=2)
    ours = capfd.readouterr()
    steno.autolog(disable=True)
    fit(verbose_eval=2)
    assert ours == capfd.readouterr()


def test_a_booster_is_the_same_to_the_last_bit(autolog):
    ours, _ = fit({"subsample": 0.5, "seed": 3})
    steno.autolog(disable=True)
    plain, _ = fit({"subsample": 0.5, "seed": 3})
    assert ours.save_raw() == plain.save_raw()


def test_importances_of_every_type_are_kept(autolog):
    booster, _ = fit()
    run = only_run()
    for kind in TYPES:
        kept = content(run, f"feature_importance_{kind}.json")
        assert kept == booster.get_score(importance_type=kind)
        assert list(kept.values()) == sorted(kept.values(), reverse=True)


def test_importances_are_those_that_were_chosen(autolog):
    autolog(importance_types=["gain"])
    fit()
    found = {path for path in artifacts(only_run()) if path.startswith("feature_importance")}
    assert found == {"feature_importance_gain.json"}


def test_an_importance_that_does_not_exist_is_told(autolog):
    autolog(importance_types=["gain", "magic"])
    fit()
    run = only_run()
    assert run.info.status == "FINISHED"
    assert run.data.tags["steno.importance_not_kept"].startswith("magic: ")


def test_a_linear_booster_has_the_one_importance_it_knows(autolog):
    dtrain, _ = matrices()
    train({"booster": "gblinear", "objective": "reg:squarederror", "nthread": 1}, dtrain, 2)
    run = only_run()
    assert {path for path in artifacts(run) if path.startswith("feature")} == {"feature_importance_weight.json"}
    assert "steno.importance_not_kept" not in run.data.tags


@pytest.mark.parametrize(
    "call",
    [train, xgboost.training.train, partial(train), {"train": train}["train"], staticmethod(train)],
    ids=["by name", "by module", "partial", "in a dict", "static"],
)
def test_it_is_seen_under_every_name(autolog, call):
    dtrain, _ = matrices()
    call(BINARY, dtrain, 2)
    assert only_run().info.run_name == "train"


def test_in_a_run_of_ones_own_everything_goes_there(autolog):
    with steno.start_run() as mine:
        _, found = fit()
    run = only_run()
    assert run.info.run_id == mine.info.run_id
    assert series(run, "test-logloss") == found["test"]["logloss"]


def test_a_rank_other_than_the_first_records_nothing(autolog, monkeypatch):
    collective = sys.modules["xgboost.collective"]
    monkeypatch.setattr(collective, "is_distributed", lambda: True)
    monkeypatch.setattr(collective, "get_rank", lambda: 1)
    fit()
    assert top_runs() == []


def test_data_is_described_by_what_it_was_made_of(autolog, data):
    X, y = data
    dtrain, dtest = xgboost.DMatrix(X, y), xgboost.DMatrix(X[:50].copy(), y[:50].copy())
    train(BINARY, dtrain, 1, evals=[(dtrain, "again"), (dtest, "test")], verbose_eval=False)
    run = steno.get_run(only_run().info.run_id)
    found = {given.dataset.name: given for given in run.inputs.dataset_inputs}
    assert found.keys() == {"dataset", "again", "test"}
    schema = json.loads(found["dataset"].dataset.schema)
    assert "float64" in schema["mlflow_tensorspec"]["features"]  # what the user had, not what XGBoost makes of it
    assert found["again"].dataset.digest == found["dataset"].dataset.digest
    # The arrays of this one are gone: the matrix speaks for itself.
    assert json.loads(found["test"].dataset.profile)["features_shape"] == [50, 4]


def test_data_that_is_gone_has_a_digest_of_its_own(autolog):
    X, y = np.ones((300, 3)), np.zeros(300)
    digests = set()
    for row in (None, 0, 299):
        changed = X.copy()
        if row is not None:
            changed[row, 1] = 2.0
        matrix = xgboost.DMatrix(changed, y)
        del changed
        train(BINARY, matrix, 1)
        run = steno.get_run(top_runs()[-1].info.run_id)
        digests.add(run.inputs.dataset_inputs[0].dataset.digest)
    assert len(digests) == 3


def test_a_quantized_matrix_is_described_too(autolog, data):
    matrix = xgboost.QuantileDMatrix(data[0].tolist(), data[1].tolist())
    train(BINARY, matrix, 1)
    run = steno.get_run(only_run().info.run_id)
    assert json.loads(run.inputs.dataset_inputs[0].dataset.profile)["features_shape"] == [200, 4]


def test_no_matrix_and_no_array_is_kept_alive(autolog, data):
    import gc
    import weakref

    X, y = data[0].copy(), data[1].copy()
    matrix = xgboost.DMatrix(X, y)
    train(BINARY, matrix, 2)
    gone = [weakref.ref(X), weakref.ref(matrix)]
    del X, y, matrix
    gc.collect()
    assert [each() for each in gone] == [None, None]
