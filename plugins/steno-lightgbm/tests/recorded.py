"""How runs are read back, and what LightGBM is trained with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import steno
from steno.records import Tags

BINARY = {"objective": "binary", "num_threads": 1, "num_leaves": 4, "min_data_in_leaf": 5, "verbose": -1}
SMALL = {"n_estimators": 4, "num_leaves": 4, "min_child_samples": 5, "n_jobs": 1, "verbose": -1}


def arrays(rows: int = 200, columns: int = 4) -> tuple[Any, Any]:
    """Features, and labels that follow from them but for some noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, columns))
    return X, (X[:, 0] + 0.5 * rng.normal(size=rows) > 0).astype(int)


def datasets() -> tuple[Any, Any]:
    """A dataset to train with and one to evaluate with."""
    X, y = arrays()
    train = lightgbm.Dataset(X[:150], y[:150])
    return train, lightgbm.Dataset(X[150:], y[150:], reference=train)


def all_runs() -> list[Any]:
    """Every run of the store, oldest first."""
    steno.flush()
    return sorted(steno.search_runs(output_format="list"), key=lambda run: (run.info.start_time, run.info.run_id))


def top_runs() -> list[Any]:
    """The runs that are no one's child."""
    return [run for run in all_runs() if Tags.PARENT_RUN_ID not in run.data.tags]


def only_run() -> Any:
    """The one run there is that is no one's child."""
    (run,) = top_runs()
    return run


def children() -> list[Any]:
    """The runs that are someone's child, by name."""
    found = [run for run in all_runs() if Tags.PARENT_RUN_ID in run.data.tags]
    return sorted(found, key=lambda run: run.info.run_name)


def history(run: Any, key: str) -> list[tuple[int, float]]:
    """(step, value) of each point of a metric."""
    return [(point.step, point.value) for point in steno.Client().get_metric_history(run.info.run_id, key)]


def series(run: Any, key: str) -> list[float]:
    """The values of a metric, which must be at the steps 0, 1, 2, …"""
    points = history(run, key)
    assert [step for step, _ in points] == list(range(len(points)))
    return [value for _, value in points]


def inputs(run: Any) -> dict[str, Any]:
    """The datasets of a run by name."""
    return {given.dataset.name: given.dataset for given in steno.get_run(run.info.run_id).inputs.dataset_inputs}


def artifacts(run: Any, path: str | None = None) -> set[str]:
    """The paths of all artifacts of a run."""
    found: set[str] = set()
    for entry in steno.Client().list_artifacts(run.info.run_id, path):
        found |= artifacts(run, entry.path) if entry.is_dir else {entry.path}
    return found


def content(run: Any, path: str) -> Any:
    """What an artifact of JSON holds."""
    return json.loads(Path(steno.Client().download_artifacts(run.info.run_id, path)).read_text("utf-8"))
