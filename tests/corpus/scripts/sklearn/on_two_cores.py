# runs: 4
# metrics: training_score
"""The same work on two cores: a forest, scores by fold, a search, and a plain joblib loop."""

import numpy as np
from joblib import Parallel, delayed
from sklearn.datasets import make_regression
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Lasso
from sklearn.model_selection import GridSearchCV, cross_val_score

X, y = make_regression(150, 12, noise=5.0, random_state=21)

forest = RandomForestRegressor(30, n_jobs=2, random_state=21).fit(X, y)
print("forest", forest.predict(X[:3]).round(9).tolist())

scores = cross_val_score(Lasso(0.5), X, y, cv=4, n_jobs=2)
print("folds", scores.tolist())

search = GridSearchCV(Lasso(), {"alpha": np.logspace(-2, 1, 4)}, cv=3, n_jobs=2).fit(X, y)
print("search", search.best_params_, search.best_score_)


def squares(a):
    return float((a**2).sum())


print("loop", Parallel(n_jobs=2, prefer="threads")(delayed(squares)(row) for row in X[:5]))
print("last", Lasso(0.1).fit(X, y).coef_.tolist())
