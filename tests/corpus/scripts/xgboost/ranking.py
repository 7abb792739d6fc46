# runs: 2
# metrics: test-ndcg_at_3, validation_0-ndcg_at_5
"""Learning to rank: queries with graded answers, natively and by the ranker."""

import numpy as np
import xgboost as xgb

rng = np.random.default_rng(2021)
queries, each = 30, 12
X = rng.normal(size=(queries * each, 6))
relevance = np.clip(np.round(X[:, 0] + 0.5 * X[:, 3] + rng.normal(0, 0.3, len(X)) + 1), 0, 4).astype(int)
qid = np.repeat(np.arange(queries), each)
cut = 20 * each

dtrain = xgb.DMatrix(X[:cut], relevance[:cut], qid=qid[:cut])
dtest = xgb.DMatrix(X[cut:], relevance[cut:])
dtest.set_group([each] * 10)
params = {"objective": "rank:ndcg", "eval_metric": ["ndcg@3", "auc"], "lambdarank_num_pair_per_sample": 4}
params |= {"lambdarank_pair_method": "topk", "max_depth": 3, "nthread": 1, "seed": 1}
out = {}
xgb.train(params, dtrain, 8, evals=[(dtest, "test")], evals_result=out, verbose_eval=2)
print(out)

ranker = xgb.XGBRanker(n_estimators=8, max_depth=3, n_jobs=1, eval_metric="ndcg@5", random_state=1)
ranker.fit(X[:cut], relevance[:cut], qid=qid[:cut], eval_set=[(X[cut:], relevance[cut:])], eval_qid=[qid[cut:]])
print(ranker.evals_result(), np.argsort(-ranker.predict(X[cut : cut + each])).tolist())
