"""XGBoost under the suite that every integration passes."""

from __future__ import annotations

import numpy as np
import xgboost
from steno.testing.integration import IntegrationSuite

# What watches scikit-learn warns of deprecations in others' code when it is first imported.
import skops.io  # noqa: F401, isort: skip

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(120, 4))
y = (X[:, 0] > 0).astype(int)
TRAIN, TEST = (X[:80], y[:80]), (X[80:], y[80:])  # kept, so that they are what the matrices are described by
PARAMS = {"objective": "binary:logistic", "nthread": 1, "max_depth": 2}


class TestTrain(IntegrationSuite):
    name = "xgboost"
    keeps_models = True
    ways = ("clean", "fork")

    def train(self):
        dtrain, dtest = xgboost.DMatrix(*TRAIN), xgboost.DMatrix(*TEST)
        return xgboost.train(PARAMS, dtrain, 4, evals=[(dtrain, "train"), (dtest, "test")])

    def fail(self):
        xgboost.train({**PARAMS, "objective": "no such objective"}, xgboost.DMatrix(X, y), 2)

    def raised(self):
        error = super().raised()
        # XGBoost puts the time, and addresses of its own code, into its messages.
        error.args = (str(error).partition("\n")[0].partition("] ")[2],)
        return error

    def shown(self, booster):
        return bytes(booster.save_raw())


class TestCv(IntegrationSuite):
    name = "xgboost"
    ways = ()

    def train(self):
        return xgboost.cv(PARAMS, xgboost.DMatrix(X, y), 3, nfold=2)

    def fail(self):
        xgboost.cv(PARAMS, xgboost.DMatrix(X, y), 3, nfold=2, callbacks=[None])


class TestClassifier(IntegrationSuite):
    name = "xgboost"
    keeps_models = True
    ways = ("clean",)

    def train(self):
        model = xgboost.XGBClassifier(n_estimators=3, max_depth=2, n_jobs=1)
        return model.fit(X, y, eval_set=[(X, y)], verbose=True)

    def fail(self):
        xgboost.XGBClassifier(n_estimators=3, n_jobs=1).fit(X, y + 1)


class TestRanker(IntegrationSuite):
    name = "xgboost"
    ways = ()

    def train(self):
        return xgboost.XGBRanker(n_estimators=3, max_depth=2, n_jobs=1).fit(X, y, qid=np.repeat(np.arange(12), 10))

    def fail(self):
        xgboost.XGBRanker(n_estimators=3, n_jobs=1).fit(X, y)
