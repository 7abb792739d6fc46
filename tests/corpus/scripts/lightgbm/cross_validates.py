# runs: 0
# why: there is no integration of LightGBM; its own training functions are not watched.
"""lightgbm.cv with folds from scikit-learn, the boosters kept."""

import lightgbm as lgb
import numpy as np
from sklearn.model_selection import StratifiedKFold

rng = np.random.default_rng(8)
X = rng.normal(size=(240, 4))
y = np.digitize(X[:, 0] * X[:, 1], [-0.3, 0.3])
params = {"objective": "multiclass", "num_class": 3, "metric": "multi_error", "num_threads": 1, "verbosity": -1}
folds = StratifiedKFold(3, shuffle=True, random_state=8)
result = lgb.cv(params | {"num_leaves": 5}, lgb.Dataset(X, y), 8, folds=folds, return_cvbooster=True)
booster = result.pop("cvbooster")
print(result, len(booster.boosters), booster.best_iteration)
