# runs: 2
# metrics: mean_test_cost
"""What a wrong decision costs, as a scorer in cross-validation and in a random search."""

import numpy as np
from scipy.stats import loguniform
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, make_scorer
from sklearn.model_selection import RandomizedSearchCV, StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler


def cost(y_true, y_pred, missed=10.0, alarm=1.0):
    """Missed tumours cost more than false alarms."""
    print(end=".")
    tn, fp, fn, tp = confusion_matrix(y_true, y_pred).ravel()
    return (missed * fn + alarm * fp) / len(y_true)


X, y = load_breast_cancer(return_X_y=True)
folds = StratifiedKFold(4, shuffle=True, random_state=8)
model = make_pipeline(MinMaxScaler(), LogisticRegression(solver="liblinear"))
scoring = {"cost": make_scorer(cost, greater_is_better=False), "auc": "roc_auc"}
result = cross_validate(model, X, 1 - y, cv=folds, scoring=scoring, return_train_score=True)
for key in sorted(result):
    if "time" not in key:
        print(key, np.array2string(result[key], precision=12))
search = RandomizedSearchCV(
    model,
    {"logisticregression__C": loguniform(1e-2, 1e2)},
    n_iter=4,
    cv=folds,
    scoring=scoring,
    refit="cost",
    random_state=5,
)
search.fit(X, 1 - y)
print(search.best_params_, search.best_score_)
