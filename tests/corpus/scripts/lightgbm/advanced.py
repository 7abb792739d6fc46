# runs: 0
# why: there is no integration of LightGBM; its own training functions are not watched.
"""Goes on from a model, with rates that decay, an objective and a metric of one's own."""

import json

import lightgbm as lgb
import numpy as np

rng = np.random.default_rng(3)
X = rng.normal(size=(200, 5))
X[:, 4] = rng.integers(0, 4, 200)
y = (X[:, 0] + (X[:, 4] == 2) + rng.normal(0, 0.4, 200) > 0.3).astype(int)
train = lgb.Dataset(
    X, y, weight=np.ones(200), feature_name=list("abcde"), categorical_feature=["e"], free_raw_data=False
)
base = {"objective": "binary", "metric": "binary_logloss", "num_leaves": 7, "num_threads": 1, "verbose": 0}
base |= {"deterministic": True, "force_row_wise": True, "verbosity": -1}
gbm = lgb.train(base, train, 6, valid_sets=[train], callbacks=[lgb.log_evaluation(2)])
print(json.dumps(gbm.dump_model()["feature_names"]), gbm.num_trees())
gbm = lgb.train(base, train, 4, init_model=gbm, callbacks=[lgb.reset_parameter(learning_rate=lambda n: 0.1 * 0.9**n)])


def loglikelihood(preds, data):
    p = 1 / (1 + np.exp(-preds))
    return p - data.get_label(), p * (1 - p)


def error(preds, data):
    return "error", float(np.mean(data.get_label() != (preds > 0))), False


seen = {}
own = lgb.train(
    {**base, "objective": loglikelihood},
    train,
    5,
    valid_sets=[train],
    valid_names=["t"],
    feval=error,
    callbacks=[lgb.record_evaluation(seen)],
)
print({k: dict(v) for k, v in seen.items()}, own.predict(X[:3]).tolist(), gbm.num_trees())
