# runs: 1
# metrics: validation-auc, best_iteration
# needs: xgboost>=3.1
"""Stops when the validation set says so, and predicts with the best round."""

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split
from xgboost import DMatrix, train

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
X_train, X_val, y_train, y_val = train_test_split(X, y, test_size=0.3, random_state=13, stratify=y)
dtrain, dval = DMatrix(X_train, y_train), DMatrix(X_val, y_val)

params = dict(objective="binary:logistic", eval_metric="auc", max_depth=2, learning_rate=0.4, nthread=1, seed=13)
booster = train(
    params,
    dtrain,
    num_boost_round=200,
    evals=[(dtrain, "train"), (dval, "validation")],
    early_stopping_rounds=6,
    verbose_eval=4,
)
print("best iteration", booster.best_iteration, "best score", booster.best_score)
print("rounds in the booster", booster.num_boosted_rounds())
upto = booster.predict(dval, iteration_range=(0, booster.best_iteration + 1))
print(np.round(upto[:6], 8).tolist())
print(sorted(booster.get_score(importance_type="gain").items(), key=lambda item: -item[1])[:3])
print(sorted(booster.attributes().items()))
