"""What autologging adds to `xgboost.train`: 300 rounds and two metrics, beside the plain training, by turns.

usage: python tests/benchmarks/xgboost_fit.py [ROUNDS]
"""

from __future__ import annotations

import numpy as np
import xgboost

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(20_000, 20)).astype("float32")
y = (X @ RANDOM.normal(size=20) + RANDOM.normal(size=20_000) > 0).astype("int64")
PARAMS = {"objective": "binary:logistic", "eval_metric": ["logloss", "auc"], "max_depth": 3, "nthread": 1}


def fit() -> None:
    """Train on one thread."""
    matrix = xgboost.DMatrix(X, y)
    xgboost.train(PARAMS, matrix, 300, evals=[(matrix, "train")], verbose_eval=False)


if __name__ == "__main__":
    import turns

    turns.main(fit, 20)
