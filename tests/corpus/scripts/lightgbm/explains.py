# runs: 1
"""Contributions, leaves and importances of a classifier on a frame with categories."""

import lightgbm as lgb
import numpy as np
import pandas as pd

rng = np.random.default_rng(5)
df = pd.DataFrame({"x": rng.normal(size=150), "kind": pd.Categorical(rng.choice(list("uvw"), 150))})
y = ((df["x"] > 0) & (df["kind"] != "v")).astype(int)
clf = lgb.LGBMClassifier(n_estimators=8, num_leaves=4, n_jobs=1, importance_type="gain", verbose=-1)
clf.fit(df, y, categorical_feature=["kind"])
print(clf.feature_importances_.tolist(), clf.predict_proba(df[:3]).tolist())
print(clf.predict(df[:3], pred_contrib=True).tolist(), clf.predict(df[:3], pred_leaf=True).tolist())
print(clf.booster_.trees_to_dataframe().head(3).to_string())
