# runs: 2, 1 FAILED
# metrics: validation_0-mlogloss
"""A random forest, then a parameter that does not exist, then a metric that fails half way."""

import numpy as np
import xgboost as xgb
from sklearn.datasets import load_iris

X, y = load_iris(return_X_y=True)
forest = xgb.XGBRFClassifier(n_estimators=12, subsample=0.8, n_jobs=1, random_state=2)
forest.fit(X, y, eval_set=[(X, y)], verbose=True)
print(forest.predict_proba(X[::60]).tolist())

d = xgb.DMatrix(X, (y == 1).astype(int))
xgb.train({"max_depth": 2, "bogus_param": 7, "nthread": 1}, d, 2)
calls = []


def sometimes(predt, dmat):
    calls.append(len(predt))
    if len(calls) == 4:
        raise ArithmeticError(f"call {len(calls)}")
    return "half", float(np.mean(predt > 0.5))


try:
    xgb.train({"nthread": 1}, d, 10, evals=[(d, "t")], custom_metric=sometimes)
except ArithmeticError as error:
    print("stopped by", repr(error), error.__traceback__.tb_frame.f_code.co_name, error.__context__)
