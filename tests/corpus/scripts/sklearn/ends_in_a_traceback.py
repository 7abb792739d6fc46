# runs: 1, 1 FAILED
# metrics: training_score
# exit: 1
"""The second file of the data is broken, and nobody catches it."""

import numpy as np
from sklearn.linear_model import LinearRegression


def load(number):
    X = np.arange(20.0).reshape(10, 2)
    if number == 2:
        X[3, 1] = np.nan
    return X, X.sum(axis=1)


def train(number):
    X, y = load(number)
    model = LinearRegression().fit(X, y)
    print(number, model.coef_.round(6).tolist())


for number in range(1, 4):
    train(number)
