"""What a run of `lightgbm.cv` holds."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest
import steno
from lightgbm.basic import LightGBMError

from .recorded import BINARY, arrays, children, only_run, series, top_runs

PARAMS = {**BINARY, "metric": ["binary_logloss", "auc"]}


def column(key):
    """A metric's name on the run, of a column of the result; LightGBM before 4.0 had no data in it."""
    return key.replace(" ", "-", 1)


def test_the_result_is_on_the_run_column_by_column(autolog):
    result = lightgbm.cv(PARAMS, lightgbm.Dataset(*arrays()), 5, nfold=3, seed=1, eval_train_metric=True)
    run = only_run()
    assert run.info.run_name == "cv"
    for key, values in result.items():
        assert series(run, column(key)) == list(values)
    assert (run.data.params["nfold"], run.data.params["seed"]) == ("3", "1")
    assert run.data.params["objective"] == "binary"


def test_each_fold_is_a_child_with_its_own_rounds(autolog):
    result = lightgbm.cv(PARAMS, lightgbm.Dataset(*arrays()), 4, nfold=3)
    folds = children()
    assert [run.info.run_name for run in folds] == ["fold 0", "fold 1", "fold 2"]
    assert {run.info.status for run in folds} == {"FINISHED"}
    for metric in ("binary_logloss", "auc"):
        each = np.array([series(run, f"valid-{metric}") for run in folds])
        np.testing.assert_allclose(each.mean(axis=0), result[f"valid {metric}-mean"], rtol=0, atol=1e-12)
        np.testing.assert_allclose(each.std(axis=0), result[f"valid {metric}-stdv"], rtol=0, atol=1e-12)


def test_early_stopping_is_told(autolog):
    result = lightgbm.cv({**BINARY, "early_stopping_round": 2}, lightgbm.Dataset(*arrays()), 80, nfold=3)
    metrics, best = only_run().data.metrics, len(result["valid binary_logloss-mean"])
    assert metrics["best_iteration"] == best
    assert metrics["stopped_iteration"] == best + 2
    assert metrics["valid-binary_logloss-mean"] == result["valid binary_logloss-mean"][-1]


def test_a_training_inside_a_function_of_the_users_is_part_of_it(autolog):
    def weighted(dtrain, dtest, params):
        inner = lightgbm.Dataset(*arrays(60))
        lightgbm.train(BINARY, inner, 1, valid_sets=[inner], valid_names=["inner"])
        return dtrain, dtest, params

    lightgbm.cv(BINARY, lightgbm.Dataset(*arrays(), params={"verbose": -1}), 2, nfold=2, fpreproc=weighted)
    assert not [key for key in only_run().data.metrics if key.startswith("inner")]


def test_the_result_is_the_same_without_us(autolog):
    ours = lightgbm.cv(PARAMS, lightgbm.Dataset(*arrays()), 4, nfold=2)
    steno.autolog(disable=True)
    assert ours == lightgbm.cv(PARAMS, lightgbm.Dataset(*arrays()), 4, nfold=2)


def test_a_failing_one_is_a_failed_run(autolog):
    with pytest.raises(LightGBMError):
        lightgbm.cv({**BINARY, "objective": "no such"}, lightgbm.Dataset(*arrays()), 2)
    assert [run.info.status for run in top_runs()] == ["FAILED"]
    assert children() == []


def test_without_the_private_hook_point_only_the_folds_are_missing(autolog, monkeypatch):
    steno.autolog(disable=True)
    monkeypatch.delattr(lightgbm.engine, "_agg_cv_result")
    steno.autolog(log_models=False)
    lightgbm.train(BINARY, lightgbm.Dataset(*arrays()), 2)
    assert only_run().data.metrics["num_boosted_rounds"] == 2
    steno.autolog(disable=True)
