# runs: 0
# why: there is no integration of LightGBM; its own training functions are not watched.
"""A first model: data sets, a dict of params, early stopping, a file."""

import lightgbm as lgb
import numpy as np

rng = np.random.default_rng(0)
X = rng.normal(size=(300, 6))
y = X[:, 0] + np.sin(X[:, 1]) + rng.normal(0, 0.1, 300)
lgb_train = lgb.Dataset(X[:200], y[:200])
lgb_eval = lgb.Dataset(X[200:], y[200:], reference=lgb_train)
params = {
    "boosting_type": "gbdt",
    "objective": "regression",
    "metric": {"l2", "l1"},
    "num_leaves": 15,
    "learning_rate": 0.1,
    "feature_fraction": 0.9,
    "bagging_fraction": 0.8,
    "bagging_freq": 5,
    "num_threads": 1,
    "deterministic": True,
    "verbose": -1,
}
gbm = lgb.train(
    params,
    lgb_train,
    num_boost_round=40,
    valid_sets=lgb_eval,
    callbacks=[lgb.early_stopping(stopping_rounds=5), lgb.log_evaluation(10)],
)
gbm.save_model("model.txt")
y_pred = gbm.predict(X[200:], num_iteration=gbm.best_iteration)
print(f"rmse {float(np.sqrt(np.mean((y_pred - y[200:]) ** 2))):.10f} at {gbm.best_iteration}")
print(gbm.feature_importance().tolist())
