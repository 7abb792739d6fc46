# runs: 3
# metrics: train-rmse
"""Trains for some rounds, saves, and goes on from the file and from the object."""

import os

import numpy as np
import xgboost as xgb

rng = np.random.default_rng(0)
X = rng.uniform(-3, 3, (256, 3)).astype(np.float32)
y = np.sin(X[:, 0]) + 0.3 * X[:, 1]
d = xgb.DMatrix(X, y)
params = {"eta": 0.2, "max_depth": 3, "nthread": 1, "eval_metric": "rmse"}
watch = [(d, "train")]

first = xgb.train(params, d, 5, watch)
first.save_model("first.json")
from_object = xgb.train(params, d, 5, watch, xgb_model=first)
from_file = xgb.train({**params, "process_type": "default"}, d, 5, watch, xgb_model="first.json")
a, b = from_object.predict(d), from_file.predict(d)
print("the same either way:", np.array_equal(a, b), from_object.num_boosted_rounds())
from_file.save_model("second.ubj")
third = xgb.Booster(model_file="second.ubj")
print(np.array_equal(third.predict(d), b), sorted(os.listdir())[:2], os.path.getsize("second.ubj"))
print(first[:3].predict(d)[:3].tolist())
