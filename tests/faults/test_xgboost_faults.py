"""The fault matrix for XGBoost: whatever fails on steno's side, a training gives what it gives without steno."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import steno
import xgboost
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from steno.tracking import ending
from xgboost.callback import EarlyStopping, TrainingCallback

from .kinds import FAULTS
from .test_sklearn_faults import Outcome

RNG = np.random.default_rng(0)
X = RNG.normal(size=(80, 4))
Y = (X[:, 0] + 0.3 * RNG.normal(size=80) > 0).astype(int)
PARAMS = {"objective": "binary:logistic", "nthread": 1, "max_depth": 2}
SMALL = {"n_estimators": 3, "max_depth": 2, "n_jobs": 1}


class Raising(TrainingCallback):
    """A callback of the user's that fails in its own way."""

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        if epoch == 1:
            raise ArithmeticError("the user's own", 42) from KeyError("no such")
        return False


def _train(**more: Any) -> Any:
    dtrain = xgboost.DMatrix(X, Y)
    booster = xgboost.train(PARAMS, dtrain, 4, evals=[(dtrain, "train")], verbose_eval=False, **more)
    return booster.predict(dtrain), np.frombuffer(bytes(booster.save_raw()), np.uint8)


def _job(**more: Any) -> Callable[[], Any]:
    return lambda: np.concatenate([part.astype(float) for part in _train(**more)])


def _objective(predictions: Any, matrix: Any) -> Any:
    return predictions - matrix.get_label(), np.ones(len(predictions))


def _goes_on() -> Any:
    dtrain = xgboost.DMatrix(X, Y)
    first = xgboost.train(PARAMS, dtrain, 2)
    return xgboost.train(PARAMS, dtrain, 2, xgb_model=first).predict(dtrain)


def _classifier() -> Any:
    model = xgboost.XGBClassifier(**SMALL).fit(X, Y, eval_set=[(X, Y)], verbose=False)
    accuracy_score(Y, model.predict(X))
    model.score(X, Y)
    return model.predict_proba(X)


def _global_generator() -> Any:
    np.random.seed(5)
    model = xgboost.XGBRegressor(**SMALL, subsample=0.5, random_state=np.random.RandomState(1)).fit(X, Y)
    return np.append(model.predict(X), np.random.random())


def _search() -> Any:
    search = GridSearchCV(xgboost.XGBClassifier(**SMALL), {"max_depth": [1, 2]}, cv=2)
    return search.fit(X, Y).predict_proba(X)


def _user_run() -> Any:
    with steno.start_run():
        return _job()()


JOBS: dict[str, Callable[[], Any]] = {
    "train": _job(),
    "early stopping": lambda: _job(callbacks=[EarlyStopping(rounds=1)])(),
    "an objective and a metric of one's own": _job(obj=_objective, custom_metric=lambda p, d: ("odd", float("nan"))),
    "going on with a model": _goes_on,
    "cross-validation": lambda: xgboost.cv(PARAMS, xgboost.DMatrix(X, Y), 3, nfold=2).to_numpy(),
    "a classifier": _classifier,
    "a regressor with a generator": _global_generator,
    "a ranker": lambda: xgboost.XGBRanker(**SMALL).fit(X, Y, qid=np.repeat(np.arange(8), 10)).predict(X),
    "a forest": lambda: xgboost.XGBRFClassifier(**SMALL).fit(X, Y).predict_proba(X),
    "a search": _search,
    "a run of one's own": _user_run,
    "callbacks that are no list": _job(callbacks=7),
    "a callback that raises": lambda: _job(callbacks=[Raising()])(),
    "a metric that is a text": _job(custom_metric=lambda p, d: ("odd", "text")),
    "labels that do not fit": lambda: xgboost.XGBClassifier(**SMALL).fit(X, Y + 3),
    "params nobody knows": lambda: xgboost.train({**PARAMS, "bogus": 1}, xgboost.DMatrix(X, Y), 2).predict(
        xgboost.DMatrix(X)
    ),
}
CELLS = [cell for cell in itertools.product(FAULTS, JOBS) if cell != ("a setting is nonsense", "a run of one's own")]
_plain: dict[str, Outcome] = {}


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("fault", "job"), CELLS, indirect=["fault"])
def test_a_training_is_what_it_is_without_steno(fault: None, job: str) -> None:
    with_steno = Outcome(JOBS[job])
    left_open = list(ending._open.values())
    steno.autolog(disable=True)
    if job not in _plain:
        _plain[job] = Outcome(JOBS[job])
    for outcome in (with_steno, _plain[job]):
        _without_times(outcome)
    assert with_steno == _plain[job]
    assert not left_open, "a training that is over leaves no run open"


def _without_times(outcome: Outcome) -> None:
    """XGBoost begins its own messages with the time."""
    outcome.warnings = [(text.partition("] ")[2] or text, *rest) for text, *rest in outcome.warnings]
