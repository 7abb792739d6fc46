"""XGBoost, watched, with a store of its own for each test; and how runs are read back."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import steno
import xgboost
from steno.records import Tags

# Its import warns of deprecations in others' code, once in a process.
import skops.io  # noqa: F401, isort: skip

BINARY = {"objective": "binary:logistic", "nthread": 1, "max_depth": 3}


@pytest.fixture
def autolog(tracking: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Switch watching on, with options; off again afterwards. The budget is ample, or a busy machine would matter."""
    monkeypatch.setenv("STENO_OVERHEAD_FLOOR_MS", "60000")

    def switch_on(**options: Any) -> None:
        steno.autolog(**{"log_models": False, **options})

    switch_on()
    yield switch_on
    steno.autolog(disable=True)


def arrays(rows: int = 200, columns: int = 4) -> tuple[Any, Any]:
    """Features, and labels that follow from them but for some noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(rows, columns))
    return X, (X[:, 0] + 0.5 * rng.normal(size=rows) > 0).astype(int)


@pytest.fixture
def data() -> tuple[Any, Any]:
    return arrays()


def matrices() -> tuple[Any, Any]:
    """A matrix to train with and one to evaluate with."""
    X, y = arrays()
    return xgboost.DMatrix(X[:150], y[:150]), xgboost.DMatrix(X[150:], y[150:])


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


def artifacts(run: Any, path: str | None = None) -> set[str]:
    """The paths of all artifacts of a run."""
    found: set[str] = set()
    for entry in steno.Client().list_artifacts(run.info.run_id, path):
        found |= artifacts(run, entry.path) if entry.is_dir else {entry.path}
    return found


def content(run: Any, path: str) -> Any:
    """What an artifact of JSON holds."""
    return json.loads(Path(steno.Client().download_artifacts(run.info.run_id, path)).read_text("utf-8"))
