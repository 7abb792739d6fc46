"""CatBoost under the suites that every integration and every flavor passes."""

from __future__ import annotations

import tempfile

import catboost
import numpy as np
import pandas as pd
from steno.testing.flavor import FlavorSuite
from steno.testing.integration import IntegrationSuite

from .recorded import SMALL

STILL = {**SMALL, "allow_writing_files": False}
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(120, 4))
y = (X[:, 0] > 0).astype(int)
GROUPS = np.repeat(np.arange(12), 10)
POOL = catboost.Pool(X, y)
FRAME = pd.DataFrame(X, columns=list("abcd")).assign(kind=RANDOM.choice(list("pqrs"), 120))
TEXTS = pd.DataFrame({"a": X[:, 0], "words": [" ".join(RANDOM.choice(["red", "big", "cat"], 3)) for _ in X]})


class Own(catboost.CatBoostClassifier):
    """A classifier of the user's own."""


class CatBoostIntegrationSuite(IntegrationSuite):
    name = "catboost"
    ways = ()

    def shown(self, model):
        # The pickle holds the time and a random id.
        return bytes(np.asarray(model.predict(X))), bytes(model.get_leaf_values()), model.get_evals_result()


class TestClassifier(CatBoostIntegrationSuite):
    keeps_models = True
    ways = IntegrationSuite.ways

    def train(self):
        return catboost.CatBoostClassifier(**SMALL).fit(X, y, eval_set=(X, y))

    def fail(self):
        catboost.CatBoostClassifier(**SMALL).fit(X, y[:-1])


class TestRanker(CatBoostIntegrationSuite):
    def train(self):
        return catboost.CatBoostRanker(**SMALL).fit(X, y, group_id=GROUPS)

    def fail(self):
        catboost.CatBoostRanker(**SMALL).fit(X, y)


class TestTrain(CatBoostIntegrationSuite):
    def train(self):
        return catboost.train(POOL, {**SMALL, "loss_function": "Logloss"})

    def fail(self):
        catboost.train(catboost.Pool(X, y), {**SMALL, "loss_function": "Nothing"})


class TestCv(CatBoostIntegrationSuite):
    def train(self):
        # Two that make one folder at a time get in each other's way, in CatBoost itself.
        folder = tempfile.mkdtemp(dir=".")
        params = {**SMALL, "loss_function": "Logloss", "logging_level": "Silent", "train_dir": folder}
        del params["verbose"]
        return catboost.cv(catboost.Pool(X, y), params, fold_count=2)

    def fail(self):
        catboost.cv(catboost.Pool(X, y), {**SMALL, "loss_function": "Nothing"}, fold_count=2)

    def shown(self, table):
        return table.to_json()


class TestSearch(CatBoostIntegrationSuite):
    def train(self):
        return catboost.CatBoostClassifier(**SMALL).grid_search({"depth": [1, 2]}, X, y, cv=2, verbose=False)

    def fail(self):
        catboost.CatBoostClassifier(**SMALL).grid_search({"loss_function": ["Logloss"]}, X, y)

    def shown(self, found):
        return repr(found)


class CatBoostFlavorSuite(FlavorSuite):
    flavor = "catboost"

    def inputs(self):
        return X

    def stranger(self):
        return Own(**STILL).fit(X, y)


class TestClassifierModel(CatBoostFlavorSuite):
    options = {"pyfunc_predict_fn": "predict_proba"}  # noqa: RUF012

    def model(self):
        return catboost.CatBoostClassifier(**STILL).fit(X, y)


class TestRegressorModel(CatBoostFlavorSuite):
    def model(self):
        return catboost.CatBoostRegressor(**STILL, grow_policy="Lossguide").fit(X, X[:, 1])


class TestBaseModel(CatBoostFlavorSuite):
    def model(self):
        return catboost.CatBoost({**STILL, "loss_function": "MultiRMSE"}).fit(X, X[:, :2])


class TestModelOfCategories(CatBoostFlavorSuite):
    def model(self):
        labels = (FRAME["kind"] < "r").astype(int) + (X[:, 0] > 0)
        return catboost.CatBoostClassifier(**STILL, cat_features=["kind"], one_hot_max_size=2).fit(FRAME, labels)

    def inputs(self):
        return FRAME


class TestModelOfTexts(CatBoostFlavorSuite):
    trusted = ("catboost.text_process_v2",)

    def model(self):
        return catboost.CatBoostClassifier(**STILL, text_features=["words"]).fit(TEXTS, y)

    def inputs(self):
        return TEXTS
