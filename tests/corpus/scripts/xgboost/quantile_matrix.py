# runs: 2
# metrics: val-logloss, validation_0-quantile
# needs: xgboost>=3.0
"""Data by batches from an iterator, into a quantile matrix and an external one; and quantile regression."""

import os
import tempfile

import numpy as np
import xgboost as xgb


class Parts(xgb.DataIter):
    """Hands over one part after the other."""

    def __init__(self, parts, prefix=None):
        self.parts, self.at, self.passes = parts, 0, 0
        super().__init__(cache_prefix=prefix)

    def next(self, input_data):
        if self.at == len(self.parts):
            return False
        X, y = self.parts[self.at]
        input_data(data=X, label=y)
        self.at += 1
        return True

    def reset(self):
        self.at, self.passes = 0, self.passes + 1


rng = np.random.default_rng(5)
parts = []
for _ in range(4):
    X = rng.normal(size=(100, 4))
    parts.append((X, (X.sum(axis=1) + rng.normal(0, 0.5, 100) > 0).astype(float)))
source = Parts(parts)
dtrain = xgb.QuantileDMatrix(source, max_bin=32)
dval = xgb.QuantileDMatrix(parts[0][0], parts[0][1], ref=dtrain, max_bin=32)
made = source.passes
params = {"objective": "binary:logistic", "max_bin": 32, "nthread": 1, "eval_metric": "logloss"}
bst = xgb.train(params, dtrain, 6, evals=[(dval, "val")])
print(dtrain.num_row(), dtrain.num_col(), "passes while training:", source.passes - made)

alpha = [0.1, 0.5, 0.9]
reg = xgb.XGBRegressor(objective="reg:quantileerror", quantile_alpha=np.array(alpha), n_estimators=10, n_jobs=1)
X, y = rng.uniform(0, 5, (200, 1)), rng.normal(size=200)
reg.fit(X, y, eval_set=[(X, y)], verbose=False)
print(reg.predict(X[:3]).tolist())

with tempfile.TemporaryDirectory() as folder:
    outside = xgb.ExtMemQuantileDMatrix(Parts(parts, os.path.join(folder, "cache")), max_bin=32)
    print("external", outside.num_row(), outside.num_nonmissing())
    del outside
