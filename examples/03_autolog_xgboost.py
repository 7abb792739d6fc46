"""XGBoost: every round of a training with early stopping, a cross-validation fold by fold, and the model back."""

from __future__ import annotations

import numpy as np
import steno
import xgboost
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split


def main() -> None:
    """Train with early stopping, look at the run, and load its model; then cross-validate the same params."""
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    dtrain, dtest = xgboost.DMatrix(X_train, y_train), xgboost.DMatrix(X_test, y_test)
    params = {"objective": "reg:squarederror", "eval_metric": ["mae", "rmse"], "eta": 0.1, "max_depth": 3}

    steno.autolog()
    steno.set_experiment("diabetes")
    booster = xgboost.train(
        params, dtrain, 200, evals=[(dtrain, "train"), (dtest, "test")], early_stopping_rounds=10, verbose_eval=False
    )

    run = steno.last_active_run()
    client = steno.Client()
    best = run.data.metrics["best_iteration"]
    print(f"run {run.info.run_id} {run.info.status}: best round {best:.0f} of {run.data.params['num_boost_round']}")
    curve = client.get_metric_history(run.info.run_id, "test-rmse")
    print(f"  test-rmse of {len(curve)} points, from {curve[0].value:.1f} down to {run.data.metrics['best_score']:.1f}")
    print("  artifacts:", ", ".join(sorted(entry.path for entry in client.list_artifacts(run.info.run_id))))

    loaded = steno.xgboost.load_model(f"runs:/{run.info.run_id}/model")
    same = np.array_equal(loaded.predict(dtest), booster.predict(dtest))
    print("the loaded model predicts the same:", same)

    xgboost.cv(params, dtrain, 40, nfold=4, seed=0)
    parent = steno.last_active_run()
    folds = steno.search_runs(filter_string=f"tags.mlflow.parentRunId = '{parent.info.run_id}'", output_format="list")
    print(f"cross-validation {parent.info.run_id}: test-rmse {parent.data.metrics['test-rmse-mean']:.1f} on average")
    for fold in sorted(folds, key=lambda run: run.info.run_name):
        print(f"  {fold.info.run_name}: test-rmse {fold.data.metrics['test-rmse']:.1f}")


if __name__ == "__main__":
    main()
