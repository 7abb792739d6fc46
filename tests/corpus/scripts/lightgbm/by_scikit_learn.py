# runs: 2
"""The wrappers: a regressor with a metric of its own, a classifier in a search."""

import lightgbm as lgb
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import GridSearchCV, train_test_split

X, y = load_breast_cancer(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.2, random_state=1)


def rmsle(y_true, y_pred):
    return "RMSLE", float(np.sqrt(np.mean(np.power(np.log1p(y_pred.clip(0)) - np.log1p(y_true), 2)))), False


gbm = lgb.LGBMRegressor(num_leaves=8, learning_rate=0.2, n_estimators=15, n_jobs=1, verbose=-1)
gbm.fit(X_train, y_train, eval_set=[(X_test, y_test)], eval_metric=rmsle, callbacks=[lgb.early_stopping(5)])
print(gbm.best_iteration_, dict(gbm.best_score_["valid_0"]))
grid = GridSearchCV(
    lgb.LGBMClassifier(n_jobs=1, verbose=-1, deterministic=True),
    {"learning_rate": [0.05, 0.5], "n_estimators": [5, 10]},
    cv=3,
)
grid.fit(X_train, y_train)
print(grid.best_params_, grid.best_score_, grid.score(X_test, y_test))
