# runs: 4, 1 FAILED
"""Catches what is warned, counts it, and shows some of it twice."""

import logging
import sys
import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning, UndefinedMetricWarning
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.metrics import precision_score
from sklearn.preprocessing import StandardScaler

rng = np.random.default_rng(1)
X = rng.normal(size=(60, 5)) * [1, 10, 100, 1000, 10000]
y = np.r_[np.zeros(50), np.ones(10)].astype(int)

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    LogisticRegression(max_iter=2).fit(X, y)
    precision_score(y, np.zeros(60))
print([w.category.__name__ for w in caught], caught[0].filename.rsplit("/", 1)[-1])

for _ in range(2):  # once by default
    LogisticRegression(max_iter=2).fit(StandardScaler().fit_transform(X) * 100, y)

with warnings.catch_warnings():
    warnings.filterwarnings("error", category=ConvergenceWarning)
    try:
        Perceptron(max_iter=1, random_state=0).fit(X, y)
    except ConvergenceWarning as error:
        print("raised:", error)

logging.captureWarnings(True)
logging.basicConfig(stream=sys.stdout, format="%(name)s %(levelname)s")
Perceptron(max_iter=1, random_state=1).fit(X, y)
logging.captureWarnings(False)
print(len(warnings.filters), warnings.showwarning.__module__, UndefinedMetricWarning.__name__)
