"""Search: every candidate of a grid search is a run, found again with a filter."""

from __future__ import annotations

import steno
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GridSearchCV


def main() -> None:
    """Search a grid, then ask the store which candidates were good and cheap."""
    X, y = load_breast_cancer(return_X_y=True)
    steno.autolog()
    steno.set_experiment("breast-cancer")
    grid = {"learning_rate": [0.03, 0.1, 0.3], "max_leaf_nodes": [4, 16]}
    GridSearchCV(HistGradientBoostingClassifier(max_iter=40, random_state=0), grid, cv=3).fit(X, y)

    search = steno.last_active_run()
    candidates = steno.search_runs(
        filter_string=f"tags.mlflow.parentRunId = '{search.info.run_id}' and metrics.mean_test_score > 0.9",
        order_by=["metrics.mean_test_score DESC", "metrics.mean_fit_time ASC"],
        output_format="list",
    )
    print(f"search {search.info.run_id}: best_cv_score = {search.data.metrics['best_cv_score']:.4f}")
    for run in candidates:
        params, metrics = run.data.params, run.data.metrics
        settings = ", ".join(f"{name}={params[name]}" for name in grid)
        print(f"  {metrics['mean_test_score']:.4f} in {metrics['mean_fit_time']:.3f} s  {settings}")


if __name__ == "__main__":
    main()
