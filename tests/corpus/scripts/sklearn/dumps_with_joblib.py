# runs: 1
# metrics: training_score
"""Trains once, keeps the model with joblib, and uses it from the file."""

import os
import pickle

import joblib
import numpy as np
from sklearn.datasets import load_wine
from sklearn.ensemble import GradientBoostingRegressor

data = load_wine()
X, y = data.data[:, 1:], data.data[:, 0]
path = "alcohol.joblib"
if os.path.exists(path):
    model = joblib.load(path)
else:
    model = GradientBoostingRegressor(n_estimators=25, random_state=3)
    model.fit(X, y)
    joblib.dump(model, path, compress=3)
    with open("alcohol.pkl", "wb") as f:
        pickle.dump(model, f, protocol=4)

again = joblib.load(path)
with open("alcohol.pkl", "rb") as f:
    third = pickle.load(f)
assert np.array_equal(again.predict(X), model.predict(X))
assert np.array_equal(third.predict(X), model.predict(X))
print(sorted(os.path.basename(p) for p in os.listdir(".") if p.startswith("alcohol")), os.path.getsize("alcohol.pkl"))
print(third.feature_importances_.tolist())
print(model.score(X, y))
