"""scikit-learn under the suite that every integration passes."""

from __future__ import annotations

import numpy as np
import sklearn  # noqa: F401 - as a user's program has it
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier
from steno.testing.integration import IntegrationSuite

# What writes models warns of deprecations in others' code when it is first imported.
import skops.io  # noqa: F401, isort: skip

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(120, 4))
y = (X[:, 0] > 0).astype(int)


class TestFit(IntegrationSuite):
    name = "sklearn"
    keeps_models = True

    def train(self):
        return LogisticRegression(C=0.5).fit(X, y)

    def fail(self):
        LogisticRegression().fit(X, np.zeros(3))


class TestSearch(IntegrationSuite):
    name = "sklearn"
    keeps_models = True
    ways = ("clean",)

    def train(self):
        search = GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [1, 2]}, cv=2)
        return search.fit(X, y)

    def fail(self):
        GridSearchCV(DecisionTreeClassifier(), {"max_depth": [1]}, cv=2).fit(X, np.zeros(3))

    def shown(self, search):
        """All that does not hold times."""
        results = {
            name: np.asarray(values).tolist() for name, values in search.cv_results_.items() if "time" not in name
        }
        return results, search.best_estimator_.predict(X).tolist()
