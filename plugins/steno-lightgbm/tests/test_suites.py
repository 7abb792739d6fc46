"""LightGBM under the suites that every integration and every flavor passes."""

from __future__ import annotations

from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from steno.testing.flavor import FlavorSuite
from steno.testing.integration import IntegrationSuite

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(120, 4))
y = (X[:, 0] + 0.3 * RANDOM.normal(size=120) > 0).astype(int)
TRAIN, TEST = (X[:80], y[:80]), (X[80:], y[80:])  # kept, so that they are what the datasets are described by
PARAMS = {"objective": "binary", "num_threads": 1, "num_leaves": 4, "min_data_in_leaf": 5, "verbose": -1}
SMALL = {"n_estimators": 3, "num_leaves": 4, "min_child_samples": 5, "n_jobs": 1, "verbose": -1}
FRAME = pd.DataFrame({"a": X[:, 0], "b": pd.Categorical(np.where(X[:, 1] > 0, "up", "down")), "c": X[:, 2]})


class LightGBMSuite(IntegrationSuite):
    name = "lightgbm"


class TestTrain(LightGBMSuite):
    def train(self) -> Any:
        train = lightgbm.Dataset(*TRAIN)
        test = lightgbm.Dataset(*TEST, reference=train)
        stop = [lightgbm.early_stopping(2, verbose=False), lightgbm.log_evaluation(1)]
        return lightgbm.train(PARAMS, train, 4, valid_sets=[train, test], callbacks=stop)

    def fail(self) -> Any:
        lightgbm.train({**PARAMS, "objective": "no such objective", "verbose": -2}, lightgbm.Dataset(X, y), 2)

    def shown(self, result: Any) -> Any:
        return result.model_to_string()


class TestCv(LightGBMSuite):
    ways = ()  # what other processes show is shown by TestTrain and TestClassifier

    def train(self) -> Any:
        return lightgbm.cv(PARAMS, lightgbm.Dataset(X, y), 3, nfold=2)

    def fail(self) -> Any:
        lightgbm.cv(PARAMS, lightgbm.Dataset(X, y), 3, nfold=2, callbacks=[None])


class TestClassifier(LightGBMSuite):
    def train(self) -> Any:
        return lightgbm.LGBMClassifier(**SMALL).fit(X, y)

    def fail(self) -> Any:
        lightgbm.LGBMClassifier(**SMALL).fit(X, y[:5])


class TestRanker(LightGBMSuite):
    ways = ()  # what other processes show is shown by TestTrain and TestClassifier

    def train(self) -> Any:
        return lightgbm.LGBMRanker(**SMALL).fit(X, y, group=[10] * 12)

    def fail(self) -> Any:
        lightgbm.LGBMRanker(**SMALL).fit(X, y)


class Own(lightgbm.LGBMClassifier):
    """A wrapper of the user's own."""


class FlavorsSuite(FlavorSuite):
    flavor = "lightgbm"

    def inputs(self) -> Any:
        return X

    def stranger(self) -> Any:
        return Own(**SMALL).fit(X, y)


class TestBooster(FlavorsSuite):
    def model(self) -> Any:
        return lightgbm.train(PARAMS, lightgbm.Dataset(X, y), 3)


class TestBoosterOfAFrame(FlavorsSuite):
    def model(self) -> Any:
        return lightgbm.train(PARAMS, lightgbm.Dataset(FRAME, y), 3)

    def inputs(self) -> Any:
        return FRAME.assign(b=FRAME["b"].astype(str))


class TestKeptClassifier(FlavorsSuite):
    options = {"pyfunc_predict_fn": "predict_proba"}  # noqa: RUF012

    def model(self) -> Any:
        return lightgbm.LGBMClassifier(**SMALL).fit(X, np.where(y, "yes", "no"))


class TestRegressor(FlavorsSuite):
    def model(self) -> Any:
        return lightgbm.LGBMRegressor(**SMALL).fit(X, X[:, 1])


class TestPickledRegressor(TestRegressor):
    pickles = True
    options = {"serialization_format": "pickle"}  # noqa: RUF012
    trusted = (
        "collections.OrderedDict",
        "collections.defaultdict",
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMRegressor",
    )
