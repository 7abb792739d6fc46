# runs: 2, 1 FAILED
# metrics: training_score
"""A module that is its own test.

>>> X, y = line(6)
>>> model = fitted(X, y)
>>> model
LinearRegression()
>>> model.coef_.round(6).tolist()
[3.0]
>>> fitted(X, y, positive=True).intercept_.round(6).item()
-1.0
>>> fitted(X[:0], y[:0])
Traceback (most recent call last):
    ...
ValueError: Found array with 0 sample(s) (shape=(0, 1)) while a minimum of 1 is required by LinearRegression.
"""

import doctest

import numpy as np
from sklearn.linear_model import LinearRegression


def line(n):
    """Points on a line.

    >>> line(2)[1].tolist()
    [-1.0, 2.0]
    """
    X = np.arange(n, dtype=float).reshape(-1, 1)
    return X, 3 * X[:, 0] - 1


def fitted(X, y, **params):
    return LinearRegression(**params).fit(X, y)


result = doctest.testmod(verbose=True)
print(result)
