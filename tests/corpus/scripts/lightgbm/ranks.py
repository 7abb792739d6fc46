# runs: 1
"""The ranker, by groups."""

import lightgbm as lgb
import numpy as np

rng = np.random.default_rng(11)
X = rng.normal(size=(200, 5))
y = np.clip(np.round(X[:, 0] + 1), 0, 3).astype(int)
ranker = lgb.LGBMRanker(n_estimators=10, num_leaves=6, n_jobs=1, verbose=-1, deterministic=True)
ranker.fit(X[:150], y[:150], group=[15] * 10, eval_set=[(X[150:], y[150:])], eval_group=[[10] * 5], eval_at=[1, 3])
print(dict(ranker.best_score_["valid_0"]), ranker.predict(X[150:155]).tolist())
