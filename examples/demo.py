"""What `make demo` runs: scikit-learn training, recorded by autologging into a local store, then looked at."""

from __future__ import annotations

import time
from typing import Any

import steno
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_breast_cancer
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

console = Console()


def train() -> tuple[str, Any, Any]:
    """Fit a pipeline, then search its settings; returns the search's run id, its model and the test data."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X_train, X_test, y_train, y_test = train_test_split(X, y, stratify=y, random_state=0)
    steps = [("scale", StandardScaler()), ("pca", PCA()), ("model", LogisticRegression(max_iter=500))]
    pipeline = Pipeline(steps)
    pipeline.fit(X_train, y_train)
    pipeline.score(X_test, y_test)
    grid = {"pca__n_components": [5, 10, 20], "model__C": [0.01, 0.1, 1.0, 10.0]}
    search = GridSearchCV(pipeline, grid, cv=5).fit(X_train, y_train)
    run_id = steno.last_active_run().info.run_id
    search.score(X_test, y_test)
    return run_id, search, X_test


def show_runs(run_id: str) -> Any:
    """Print the run table and return the best candidate of a search."""
    candidates = steno.search_runs(
        filter_string=f"tags.mlflow.parentRunId = '{run_id}'",
        order_by=["metrics.mean_test_score DESC"],
        output_format="list",
    )
    table = Table("run", "params", "score", "± over folds", "fit, ms", title=f"{len(candidates)} candidates")
    for run in candidates:
        params = ", ".join(f"{key}={run.data.params[key]}" for key in ("pca__n_components", "model__C"))
        metrics = run.data.metrics
        numbers = (metrics["mean_test_score"], metrics["std_test_score"], 1000 * metrics["mean_fit_time"])
        table.add_row(run.info.run_name, params, *(f"{number:.4f}" for number in numbers))
    console.print(table)
    return candidates[0]


def show_run(title: str, run: Any) -> None:
    """Print the params and metrics of one run."""
    table = Table("", "value", title=f"{title}: {run.info.run_name} ({run.info.status})")
    for key, value in sorted(run.data.params.items()):
        table.add_row(f"param {key}", value[:60])
    for key, number in sorted(run.data.metrics.items()):
        table.add_row(f"metric {key}", f"{number:.6g}")
    console.print(table)


def main() -> None:
    """Train, show what was recorded, and say how to look further."""
    began = time.perf_counter()
    steno.set_experiment("demo")
    steno.autolog()
    console.print("training a pipeline and a grid search on scikit-learn's breast cancer data …")
    run_id, search, X_test = train()
    console.print(f"trained and recorded in {time.perf_counter() - began:.1f} s, in {steno.get_tracking_uri()}\n")
    best = show_runs(run_id)
    show_run("the best candidate", best)
    show_run("the search", steno.get_run(run_id))

    model = steno.sklearn.load_model(f"runs:/{run_id}/model")
    same = bool((model.predict(X_test) == search.predict(X_test)).all())
    console.print(f"\nThe model, loaded back from the store, predicts the same: {same}")
    console.print("Look further, in this folder:")
    for command in ("runs list", f"runs show {run_id}", f"artifacts list {run_id}", "plugins"):
        console.print(f"  .venv/bin/steno {command}", highlight=False)


if __name__ == "__main__":
    main()
