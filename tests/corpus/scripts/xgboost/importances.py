# runs: 1
# metrics: train-logloss
"""Which features mattered, by every account, and what each said of single rows."""

import json

import numpy as np
import pandas as pd
import xgboost as xgb
from sklearn.datasets import load_wine

wine = load_wine(as_frame=True)
y = (wine.target == 1).astype(int)
d = xgb.DMatrix(wine.data, label=y, feature_names=[name.replace("/", " ") for name in wine.feature_names])
bst = xgb.train(
    {"objective": "binary:logistic", "max_depth": 3, "nthread": 1}, d, 6, evals=[(d, "train")], verbose_eval=False
)
for kind in ("weight", "gain", "cover", "total_gain", "total_cover"):
    print(kind, json.dumps(bst.get_score(importance_type=kind), sort_keys=True))
contribs = bst.predict(d, pred_contribs=True)
interactions = bst.predict(d, pred_interactions=True)
leaves = bst.predict(d, pred_leaf=True)
margin = bst.predict(d, output_margin=True)
print(np.abs(contribs.sum(axis=1) - margin).max() < 1e-4, interactions.shape, leaves[:3].tolist())
table = bst.trees_to_dataframe()
print(table[table.Tree == 0].to_string())
print(bst.get_dump(dump_format="text")[-1])
pd.DataFrame(contribs).abs().mean().round(5).to_csv("contributions.csv")
