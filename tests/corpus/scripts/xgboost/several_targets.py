# runs: 2
# metrics: validation_0-rmse
"""Several targets at once: a tree for each, or one tree with vectors in its leaves."""

import numpy as np
import xgboost as xgb

rng = np.random.RandomState(1)
turn = np.sort(2 * np.pi * rng.rand(150, 1), axis=0)
X = (turn / np.pi).astype(np.float32)
y = np.c_[np.cos(turn), np.sin(turn)] + 0.01 * rng.randn(150, 2)
for strategy in ("one_output_per_tree", "multi_output_tree"):
    reg = xgb.XGBRegressor(
        tree_method="hist", n_estimators=12, n_jobs=1, max_depth=4, multi_strategy=strategy, learning_rate=0.5
    )
    reg.fit(X, y, eval_set=[(X, y)], verbose=False)
    print(strategy, reg.evals_result()["validation_0"]["rmse"])
    print(reg.predict(X[::50]).tolist())
