# runs: 1
# metrics: train-rmsle, test-rmsle
"""A loss and a metric of one's own: squared error of logarithms."""

from typing import Tuple

import numpy as np
import xgboost as xgb

gradient_calls = 0


def squared_log(predt: np.ndarray, dtrain: xgb.DMatrix) -> Tuple[np.ndarray, np.ndarray]:
    global gradient_calls
    gradient_calls += 1
    y = dtrain.get_label()
    predt[predt < -1] = -1 + 1e-6
    grad = (np.log1p(predt) - np.log1p(y)) / (predt + 1)
    hess = np.maximum((-np.log1p(predt) + np.log1p(y) + 1) / (predt + 1) ** 2, 1e-6)
    return grad, hess


def rmsle(predt: np.ndarray, dmat: xgb.DMatrix) -> Tuple[str, float]:
    y = dmat.get_label()
    predt[predt < -1] = -1 + 1e-6
    return "rmsle", float(np.sqrt(np.mean((np.log1p(y) - np.log1p(predt)) ** 2)))


rng = np.random.RandomState(3)
X = rng.rand(300, 5)
y = np.expm1(X @ [1.0, 0.5, 0.2, 0.0, 0.7] + 0.05 * rng.randn(300)).clip(0)
dtrain, dtest = xgb.DMatrix(X[:200], y[:200]), xgb.DMatrix(X[200:], y[200:])
results: dict = {}
booster = xgb.train(
    {"tree_method": "hist", "seed": 3, "disable_default_eval_metric": 1, "nthread": 1},
    dtrain=dtrain,
    num_boost_round=10,
    obj=squared_log,
    custom_metric=rmsle,
    evals=[(dtrain, "train"), (dtest, "test")],
    evals_result=results,
)
print(results)
print("gradients asked for", gradient_calls, "times")
