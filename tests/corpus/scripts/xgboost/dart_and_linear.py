# runs: 2
# metrics: eval-error, eval-mae
"""Two boosters besides the usual: trees that drop out, and a line."""

import numpy as np
import xgboost as xgb

rng = np.random.default_rng(10)
X = rng.normal(size=(240, 5))
w = np.array([1.0, -2.0, 0.0, 0.5, 0.0])
weights = rng.uniform(0.5, 1.5, 240)
d1 = xgb.DMatrix(X[:160], label=(X[:160] @ w > 0).astype(int), weight=weights[:160], missing=np.nan)
d2 = xgb.DMatrix(X[160:], label=(X[160:] @ w > 0).astype(int))
dart = {"booster": "dart", "rate_drop": 0.2, "skip_drop": 0.3, "objective": "binary:logistic", "seed": 1, "nthread": 1}
bst = xgb.train({**dart, "eval_metric": "error"}, d1, num_boost_round=8, evals=[(d2, "eval")])
print(bst.predict(d2, iteration_range=(0, 8))[:4].tolist())

line1, line2 = xgb.DMatrix(X[:160], X[:160] @ w), xgb.DMatrix(X[160:], X[160:] @ w)
linear = {"booster": "gblinear", "updater": "coord_descent", "feature_selector": "cyclic", "eval_metric": "mae"}
bst = xgb.train({**linear, "alpha": 0.01, "nthread": 1}, line1, 12, [(line2, "eval")], verbose_eval=3)
print(bst.get_dump()[0])
