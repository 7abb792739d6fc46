"""Whatever fails on steno's side, a training gives what it gives without steno."""

from __future__ import annotations

import hashlib
import itertools
import warnings
from collections.abc import Callable
from typing import Any

import lightgbm
import numpy as np
import pytest
import steno
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from steno.testing.faulty import FAULTS, faulty_store
from steno.tracking import ending

from .recorded import BINARY, SMALL, arrays

X, Y = arrays(120)


class Outcome:
    """What a training did, as far as its user can tell: result, error with its cause, warnings, random state."""

    def __init__(self, job: Callable[[], Any]) -> None:
        np.random.seed(7)
        self.error: tuple[Any, ...] | None = None
        self.digest = ""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                self.digest = hashlib.sha256(np.asarray(job()).tobytes()).hexdigest()
            except Exception as error:
                self.error = (type(error), str(error), type(error.__cause__), type(error.__context__))
        self.warnings = [(str(w.message), w.category, w.filename, w.lineno) for w in caught]
        self.random = np.random.get_state()[1].tobytes()


def _train(**more: Any) -> Any:
    dtrain = lightgbm.Dataset(X, Y)
    params = {**BINARY, **more.pop("params", {})}
    booster = lightgbm.train(params, dtrain, 4, valid_sets=[dtrain], **more)
    return np.frombuffer(booster.model_to_string().encode(), np.uint8)


def _raises(env: Any) -> None:
    if env.iteration == 1:
        raise ArithmeticError("the user's own", 42) from KeyError("no such")


def _own(predictions: Any, dataset: Any) -> Any:
    return predictions - dataset.get_label(), np.ones(len(predictions))


def _goes_on() -> Any:
    first = lightgbm.train(BINARY, lightgbm.Dataset(X, Y), 2)
    return lightgbm.train(BINARY, lightgbm.Dataset(X, Y), 2, init_model=first).predict(X)


def _classifier() -> Any:
    model = lightgbm.LGBMClassifier(**SMALL).fit(X, Y, eval_set=[(X, Y)])
    accuracy_score(Y, model.predict(X))
    model.score(X, Y)
    return model.predict_proba(X)


def _global_generator() -> Any:
    np.random.seed(5)
    model = lightgbm.LGBMRegressor(**SMALL, subsample=0.5, random_state=np.random.RandomState(1)).fit(X, Y)
    return np.append(model.predict(X), np.random.random())


def _user_run() -> Any:
    with steno.start_run():
        return _train()


def _cv() -> Any:
    return lightgbm.cv(BINARY, lightgbm.Dataset(X, Y), 3, nfold=2)["valid binary_logloss-mean"]


JOBS: dict[str, Callable[[], Any]] = {
    "train": _train,
    "early stopping": lambda: _train(params={"early_stopping_round": 1, "metric": "auc"}),
    "an objective and a metric of one's own": lambda: _train(
        params={"objective": _own}, feval=lambda p, d: ("odd", float("nan"), False)
    ),
    "going on with a model": _goes_on,
    "cross-validation": _cv,
    "a classifier": _classifier,
    "a regressor with a generator": _global_generator,
    "a ranker": lambda: lightgbm.LGBMRanker(**SMALL).fit(X, Y, group=[10] * 12).predict(X),
    "a search": lambda: (
        GridSearchCV(lightgbm.LGBMClassifier(**SMALL), {"num_leaves": [3, 4]}, cv=2).fit(X, Y).predict_proba(X)
    ),
    "a run of one's own": _user_run,
    "callbacks that are no list": lambda: _train(callbacks=7),
    "an iterator of callbacks": lambda: _train(callbacks=iter([_raises])),
    "a callback that raises": lambda: _train(callbacks=[_raises]),
    "a metric that is a text": lambda: _train(feval=lambda p, d: ("odd", "text", False)),
    "labels that do not fit": lambda: lightgbm.LGBMClassifier(**SMALL).fit(X, Y[:3]),
    "arguments that do not fit": lambda: lightgbm.train(BINARY, lightgbm.Dataset(X, Y), bogus=1),
    "params that are none": lambda: lightgbm.train(7, lightgbm.Dataset(X, Y), 2),
    "data that is none": lambda: lightgbm.train(BINARY, X, 2),
}
_plain: dict[str, Outcome] = {}


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize(("fault", "job"), list(itertools.product(("none", *FAULTS), JOBS)))
def test_a_training_is_what_it_is_without_steno(tracking, monkeypatch, fault, job):
    if job not in _plain:
        _plain[job] = Outcome(JOBS[job])
    if fault == "none":
        steno.autolog()
        watched = Outcome(JOBS[job])
    else:
        with faulty_store(fault, monkeypatch):
            steno.autolog()
            watched = Outcome(JOBS[job])
            steno.autolog(disable=True)
    left_open = list(ending._open.values())
    steno.autolog(disable=True)
    assert vars(watched) == vars(_plain[job])
    assert not left_open, "a training that is over leaves no run open"
