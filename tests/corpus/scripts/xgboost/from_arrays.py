# runs: 1
# metrics: train-rmse, valid-rmse, valid-mae
"""The native way: arrays into a DMatrix, a dict of params, a watchlist."""

import numpy as np
import xgboost as xgb

rng = np.random.RandomState(1994)
X = rng.randn(500, 8)
y = X[:, 0] * 2 - np.abs(X[:, 1]) + 0.1 * rng.randn(500)
dtrain = xgb.DMatrix(X[:350], label=y[:350])
dvalid = xgb.DMatrix(X[350:], label=y[350:])

param = {"max_depth": 3, "eta": 0.3, "objective": "reg:squarederror", "eval_metric": ["rmse", "mae"], "nthread": 1}
history = {}
bst = xgb.train(param, dtrain, 15, evals=[(dtrain, "train"), (dvalid, "valid")], evals_result=history)
preds = bst.predict(dvalid)
print("last:", history["valid"]["rmse"][-1], len(history["train"]["mae"]))
print("first predictions:", preds[:5].tolist())
print(param)
