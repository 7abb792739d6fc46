# runs: 2 FAILED, 1
# metrics: training_score
"""Treats every warning as an error, and finds the number of iterations that raises none."""

import warnings

warnings.simplefilter("error")

import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

np.seterr(all="raise", under="ignore")
X, y = load_digits(return_X_y=True)
X, y = X[:120] / 16.0, y[:120]
for iterations in (2, 8, 400):
    model = MLPClassifier((12,), max_iter=iterations, tol=1e-2, n_iter_no_change=3, random_state=6)
    try:
        model.fit(X, y)
    except ConvergenceWarning as warning:
        print(iterations, "->", warning)
    else:
        print(iterations, "-> enough:", model.n_iter_, model.loss_)
        break
print(np.geterr(), len(warnings.filters) > 0, warnings.filters[0][0])
