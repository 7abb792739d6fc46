"""The flavors that ship here under the published suite."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from steno.testing.flavor import FlavorSuite

X = np.random.default_rng(0).normal(size=(40, 3))
y = (X[:, 0] > 0).astype(int)


def halve(values):
    return values / 2


class SklearnSuite(FlavorSuite):
    flavor = "sklearn"

    def inputs(self):
        return X

    def stranger(self):
        return make_pipeline(FunctionTransformer(halve), LinearRegression()).fit(X, y)


class TestSklearnPipeline(SklearnSuite):
    def model(self):
        return make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)


class TestSklearnTrees(SklearnSuite):
    def model(self):
        return GradientBoostingClassifier(n_estimators=3, random_state=0).fit(X, y)


class TestSklearnCloudpickle(SklearnSuite):
    options = {"serialization_format": "cloudpickle"}  # noqa: RUF012
    pickles = True
    trusted = (
        "numpy._core.multiarray.scalar",
        "numpy._core.numeric._frombuffer",
        "numpy.dtype",
        "sklearn.linear_model._base.LinearRegression",
    )

    def model(self):
        return LinearRegression().fit(X, y)
