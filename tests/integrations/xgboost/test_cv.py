"""What a run of `xgboost.cv` holds."""

from __future__ import annotations

import numpy as np
import pytest
import steno
import xgboost

from .conftest import BINARY, children, matrices, only_run, series, top_runs

PARAMS = {**BINARY, "eval_metric": ["logloss", "auc"]}


def test_the_result_is_on_the_run_column_by_column(autolog):
    dtrain, _ = matrices()
    table = xgboost.cv(PARAMS, dtrain, 5, nfold=3, seed=1)
    run = only_run()
    assert run.info.run_name == "cv"
    for column in table.columns:
        assert series(run, column) == table[column].tolist()
    assert run.data.params["nfold"] == "3"
    assert run.data.params["seed"] == "1"
    assert run.data.params["objective"] == "binary:logistic"


def test_each_fold_is_a_child_with_its_own_rounds(autolog):
    dtrain, _ = matrices()
    table = xgboost.cv(PARAMS, dtrain, 4, nfold=3)
    folds = children()
    assert [run.info.run_name for run in folds] == ["fold 0", "fold 1", "fold 2"]
    assert {run.info.status for run in folds} == {"FINISHED"}
    for metric in ("train-logloss", "test-auc"):
        each = np.array([series(run, metric) for run in folds])
        np.testing.assert_allclose(each.mean(axis=0), table[f"{metric}-mean"], rtol=0, atol=1e-12)
        np.testing.assert_allclose(each.std(axis=0), table[f"{metric}-std"], rtol=0, atol=1e-12)


def test_early_stopping_is_told(autolog):
    dtrain, _ = matrices()
    table = xgboost.cv(BINARY, dtrain, 80, nfold=3, early_stopping_rounds=2)
    metrics = only_run().data.metrics
    assert metrics["best_iteration"] == len(table) - 1
    assert metrics["best_score"] == pytest.approx(table["test-logloss-mean"].iloc[-1], abs=1e-12)
    assert metrics["stopped_iteration"] == metrics["best_iteration"] + 2
    assert metrics["test-logloss-mean"] == table["test-logloss-mean"].iloc[-1]


def test_a_training_inside_a_function_of_the_users_is_part_of_it(autolog):
    def weighted(dtrain, dtest, params):
        xgboost.train(BINARY, dtrain, 1, evals=[(dtrain, "inner")], verbose_eval=False)
        return dtrain, dtest, params

    dtrain, _ = matrices()
    xgboost.cv(BINARY, dtrain, 2, nfold=2, fpreproc=weighted)
    run = only_run()
    assert not [key for key in run.data.metrics if key.startswith("inner")]


def test_the_result_is_the_same_without_us(autolog, capfd):
    dtrain, _ = matrices()
    ours = xgboost.cv(PARAMS, dtrain, 4, nfold=2, verbose_eval=True)
    printed = capfd.readouterr()
    steno.autolog(disable=True)
    plain = xgboost.cv(PARAMS, dtrain, 4, nfold=2, verbose_eval=True)
    assert ours.equals(plain)
    assert printed == capfd.readouterr()


def test_a_failing_one_is_a_failed_run(autolog):
    dtrain, _ = matrices()
    with pytest.raises(xgboost.core.XGBoostError):
        xgboost.cv({"objective": "no such"}, dtrain, 2)
    assert [run.info.status for run in top_runs()] == ["FAILED"]
    assert children() == []
