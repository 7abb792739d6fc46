# runs: 2
# metrics: test-error
"""cv three ways: printed, as a frame, with stopping."""

import pandas as pd
import xgboost as xgb
from sklearn.datasets import make_classification

pd.set_option("display.width", 120, "display.max_columns", 10, "display.precision", 10)
X, y = make_classification(300, 10, n_informative=4, flip_y=0.1, random_state=5)
dtrain = xgb.DMatrix(X, label=y)
param = {"max_depth": 2, "eta": 1, "objective": "binary:logistic", "nthread": 1}
print("printed")
frame = xgb.cv(param, dtrain, 4, nfold=4, metrics=("error",), seed=0, verbose_eval=True)
print(frame)
print("with stopping")
result = xgb.cv(
    param,
    dtrain,
    num_boost_round=30,
    nfold=3,
    stratified=True,
    metrics=["error", "auc"],
    seed=1,
    callbacks=[xgb.callback.EvaluationMonitor(period=3, show_stdv=False), xgb.callback.EarlyStopping(3)],
    as_pandas=False,
)
print({key: [round(v, 10) for v in values] for key, values in result.items()})
