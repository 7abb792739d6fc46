"""XGBoost's models under the suite that every flavor passes."""

from __future__ import annotations

import numpy as np
import xgboost
from steno.testing.flavor import FlavorSuite

X = np.random.default_rng(0).normal(size=(60, 3))
y = (X[:, 0] > 0).astype(int)
PARAMS = {"objective": "binary:logistic", "nthread": 1, "max_depth": 2}


class Own(xgboost.XGBClassifier):
    """A wrapper of the user's own."""


class XGBoostSuite(FlavorSuite):
    flavor = "xgboost"

    def inputs(self):
        return X

    def stranger(self):
        return Own(n_estimators=2, n_jobs=1).fit(X, y)


class TestBooster(XGBoostSuite):
    def model(self):
        return xgboost.train(PARAMS, xgboost.DMatrix(X, y), 3)


class TestBoosterAsJson(TestBooster):
    options = {"model_format": "json"}  # noqa: RUF012


class TestClassifier(XGBoostSuite):
    options = {"pyfunc_predict_fn": "predict_proba"}  # noqa: RUF012

    def model(self):
        return xgboost.XGBClassifier(n_estimators=3, max_depth=2, n_jobs=1).fit(X, y)


class TestForest(XGBoostSuite):
    def model(self):
        return xgboost.XGBRFRegressor(n_estimators=3, max_depth=2, n_jobs=1).fit(X, X[:, 1])


class TestLinear(XGBoostSuite):
    def model(self):
        params = {"booster": "gblinear", "objective": "reg:squarederror", "nthread": 1}
        return xgboost.train(params, xgboost.DMatrix(X, X[:, 1]), 3)
