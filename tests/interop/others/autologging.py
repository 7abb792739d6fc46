"""MLflow's own autolog() for scikit-learn and XGBoost, with models logged, registered and loaded back."""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import xgboost
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV

warnings.simplefilter("ignore")
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("autologging")
generator = np.random.default_rng(0)
inputs = pd.DataFrame(generator.normal(size=(80, 3)), columns=["a", "b", "c"])
labels = (inputs.a + inputs.b > 0).astype(int)

mlflow.sklearn.autolog(registered_model_name="forest", log_input_examples=True, silent=True)
with mlflow.start_run(run_name="forest") as run:
    forest = RandomForestClassifier(5, random_state=0).fit(inputs, labels)
    score = forest.score(inputs, labels)
    Path("reports/deep").mkdir(parents=True)
    Path("reports/deep/a.txt").write_text("as it was")
    Path("reports/b.bin").write_bytes(bytes(1000))
    mlflow.log_artifacts("reports", "reports")
with mlflow.start_run(run_name="search") as search:
    GridSearchCV(RandomForestClassifier(random_state=0), {"n_estimators": [2, 3], "max_depth": [1, 2]}, cv=2).fit(
        inputs, labels
    )
mlflow.sklearn.autolog(disable=True)

mlflow.xgboost.autolog(registered_model_name="trees", log_input_examples=True, silent=True)
with mlflow.start_run(run_name="trees") as boosted:
    data = xgboost.DMatrix(inputs, label=labels)
    trees = xgboost.train(
        {"max_depth": 2, "objective": "binary:logistic", "eval_metric": ["logloss", "auc"]},
        data,
        num_boost_round=6,
        evals=[(data, "train")],
        verbose_eval=False,
    )
with mlflow.start_run(run_name="classifier") as classifier:
    xgboost.XGBClassifier(n_estimators=3, max_depth=2).fit(inputs, labels)

table = mlflow.search_runs(experiment_names=["autologging"], order_by=["attributes.start_time ASC"])
forest_back = mlflow.sklearn.load_model("models:/forest/1")
trees_back = mlflow.xgboost.load_model("models:/trees/1")
generic = mlflow.pyfunc.load_model("models:/forest/1")
local = mlflow.artifacts.download_artifacts(f"runs:/{run.info.run_id}/reports")
print(
    json.dumps(
        {
            "runs": {"forest": run.info.run_id, "search": search.info.run_id, "trees": boosted.info.run_id},
            "names": list(table["tags.mlflow.runName"]),
            "parents": int((table["tags.mlflow.parentRunId"] == search.info.run_id).sum()),
            "same": [
                bool((forest_back.predict(inputs) == forest.predict(inputs)).all()),
                bool(np.allclose(trees_back.predict(data), trees.predict(data))),
                bool((generic.predict(inputs) == forest.predict(inputs)).all()),
            ],
            "score": float(score),
            "text": (Path(local) / "deep/a.txt").read_text(),
            "versions": sorted(
                [version.name, str(version.version), version.run_id] for version in mlflow.search_model_versions()
            ),
        }
    )
)
