"""Whatever fails on steno's side, a training gives what it gives without steno."""

from __future__ import annotations

import itertools
import random
import re
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import catboost
import numpy as np
import pytest
import steno
from catboost import CatBoost, CatBoostClassifier, CatBoostRanker, Pool
from sklearn.model_selection import GridSearchCV
from steno.testing.faulty import FAULTS, faulty_store

from .recorded import SMALL

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 4))
y = (X[:, 0] + 0.3 * RNG.normal(size=80) > 0).astype(int)


class Raising:
    """A callback of the user's that fails in its own way."""

    def after_iteration(self, info: Any) -> bool:
        if info.iteration == 2:
            raise ArithmeticError("the user's own", 42)
        return True


class Stopping:
    """A callback of the user's that ends the training."""

    def after_iteration(self, info: Any) -> bool:
        return bool(info.iteration < 3)


class Squared:
    """An objective of the user's."""

    def calc_ders_range(self, approxes: Any, targets: Any, weights: Any) -> Any:
        return [(target - approx, -1.0) for approx, target in zip(approxes, targets, strict=True)]


def _fit(**more: Any) -> Callable[[], Any]:
    return lambda: _shown(CatBoostClassifier(**SMALL).fit(X, y, **more))


def _shown(model: Any) -> Any:
    return np.concatenate([np.ravel(model.predict(X, prediction_type="RawFormulaVal")), model.get_leaf_values()])


def _quantized() -> Any:
    pool = Pool(X, y)
    pool.quantize()
    return _shown(CatBoostClassifier(**SMALL).fit(pool))


def _user_run() -> Any:
    with steno.start_run():
        return _fit()()


JOBS: dict[str, Callable[[], Any]] = {
    "a classifier": _fit(),
    "early stopping": _fit(eval_set=(X[:20], y[:20]), early_stopping_rounds=1),
    "an objective of one's own": lambda: _shown(
        CatBoost({**SMALL, "loss_function": Squared(), "eval_metric": "RMSE"}).fit(X, y)
    ),
    "going on with a model": lambda: _fit(init_model=CatBoostClassifier(**SMALL).fit(X, y))(),
    "a ranker": lambda: CatBoostRanker(**SMALL).fit(X, y, group_id=np.arange(80) // 8).predict(X),
    "a quantized pool": _quantized,
    "the global generator": lambda: np.append(_fit()(), np.random.random()),
    "cross-validation": lambda: catboost.cv(Pool(X, y), {**SMALL, "loss_function": "Logloss"}, fold_count=2).to_numpy(),
    "a search": lambda: GridSearchCV(CatBoostClassifier(**SMALL), {"depth": [1, 2]}, cv=2).fit(X, y).predict_proba(X),
    "a run of one's own": _user_run,
    "a callback that stops": _fit(callbacks=[Stopping()]),
    "a callback that raises": _fit(callbacks=[Raising()]),
    "callbacks that are no list": _fit(callbacks=7),
    "labels that do not fit": lambda: CatBoostClassifier(**SMALL).fit(X, y[:-1]),
    "params nobody knows": lambda: CatBoost({**SMALL, "bogus": 1}).fit(X, y),
    "no data": lambda: CatBoostClassifier(**SMALL).fit(None),
}
CELLS = [(fault, job) for fault, job in itertools.product(FAULTS, JOBS)]
_plain: dict[str, Any] = {}


def outcome(job: str) -> Any:
    """What a training did, as far as its user can tell: result, error with traceback, warnings, random state."""
    np.random.seed(7)
    random.seed(7)
    error, result = None, b""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            result = np.asarray(JOBS[job]()).tobytes()
        except Exception as raised:
            frames = [
                (frame.filename, frame.name, frame.lineno) for frame in traceback.extract_tb(raised.__traceback__)
            ]
            # With each error in a callback CatBoost tells those before it once more.
            last = str(raised).rpartition("Traceback (most recent call last)")[2]
            error = type(raised), re.sub("0x[0-9a-f]+", "", last), type(raised.__context__), frames[2:]
    told = [(str(each.message), each.category, each.filename, each.lineno) for each in caught]
    return result, error, told, np.random.get_state()[1].tobytes(), random.getstate()


@pytest.mark.parametrize(("fault", "job"), CELLS)
def test_a_training_is_what_it_is_without_steno(
    fault: str, job: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    if job not in _plain:
        _plain[job] = outcome(job)
    with faulty_store(fault, monkeypatch):
        steno.autolog()
        watched = outcome(job)
        steno.autolog(disable=True)
    if job == "a run of one's own" and fault != "has no journal":
        return  # the user's own call may wait for the store, or raise
    assert watched == _plain[job]
