# runs: 2
"""Constraints: a price that only falls with age, features that may not meet; and no evaluation at all."""

import numpy as np
import xgboost as xgb

rng = np.random.default_rng(64)
age, miles, doors = rng.uniform(0, 20, 400), rng.uniform(0, 200, 400), rng.integers(2, 6, 400)
price = 30 * np.exp(-age / 8) - 0.03 * miles + rng.normal(0, 1.5, 400)
X = np.c_[age, miles, doors]
free = {"max_depth": 4, "eta": 0.3, "tree_method": "hist", "nthread": 1}
tied = {**free, "monotone_constraints": (-1, -1, 0), "interaction_constraints": [["age", "miles"], ["doors"]]}
names = ["age", "miles", "doors"]
line = xgb.DMatrix(np.c_[np.linspace(0, 20, 60), np.full(60, 80.0), np.full(60, 4.0)], feature_names=names)
for label, params in (("free", free), ("tied", tied)):
    booster = xgb.train(params, xgb.DMatrix(X, price, feature_names=names), num_boost_round=12)
    steps = np.diff(booster.predict(line))
    print(label, "rises", int((steps > 0).sum()), "times; sum", float(booster.predict(line).sum()))
