# runs: 0
# why: Booster.update and boost are below every training function; what is to be recorded is logged by the user.
"""The loop that xgboost.train makes, made by hand."""

import numpy as np
import xgboost as xgb

rng = np.random.default_rng(6)
X = rng.normal(size=(200, 4))
y = (X[:, 0] * X[:, 1] > 0).astype(int)
dtrain = xgb.DMatrix(X[:150], y[:150])
dtest = xgb.DMatrix(X[150:], y[150:])
booster = xgb.Booster({"max_depth": 3, "objective": "binary:logistic", "nthread": 1}, [dtrain, dtest])
for i in range(5):
    booster.update(dtrain, i)
    print(booster.eval_set([(dtrain, "train"), (dtest, "test")], i))
for i in range(5, 8):
    margin = booster.predict(dtrain, output_margin=True, training=True)
    p = 1 / (1 + np.exp(-margin))
    booster.boost(dtrain, iteration=i, grad=p - dtrain.get_label(), hess=p * (1 - p))
    print(booster.eval(dtest, "test", i))
