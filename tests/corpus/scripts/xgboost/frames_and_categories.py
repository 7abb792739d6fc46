# runs: 1
# metrics: validation_0-logloss
"""A frame with categories goes straight into the classifier."""

import numpy as np
import pandas as pd
import xgboost as xgb
from sklearn.metrics import roc_auc_score

rng = np.random.default_rng(7)
n = 600
df = pd.DataFrame(
    {
        "district": pd.Categorical(rng.choice(["north", "south", "east", "west"], n)),
        "rooms": rng.integers(1, 7, n),
        "area": rng.gamma(4.0, 20.0, n),
        "heating": pd.Categorical(rng.choice(["gas", "oil", "wood"], n)),
    }
)
y = ((df["area"] > 80) ^ (df["district"].isin(["north", "east"]) & (df["rooms"] > 3))).astype(int)
split = 450
clf = xgb.XGBClassifier(
    n_estimators=20, tree_method="hist", enable_categorical=True, max_cat_to_onehot=3, n_jobs=1, random_state=7
)
clf.fit(df[:split], y[:split], eval_set=[(df[split:], y[split:])], verbose=5)
proba = clf.predict_proba(df[split:])[:, 1]
print(f"auc {roc_auc_score(y[split:], proba):.10f}")
print(dict(zip(clf.feature_names_in_, clf.feature_importances_.tolist())))
print(clf.get_booster().feature_types, clf.n_features_in_, clf.classes_)
