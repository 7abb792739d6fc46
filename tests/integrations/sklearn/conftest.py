"""scikit-learn, watched, with a store of its own for each test; and how runs are read back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sklearn  # noqa: F401 - imported before any test looks at warnings
import steno
from sklearn.datasets import load_breast_cancer, load_iris
from steno.records import Tags

# Their import warns of deprecations in others' code, once in a process.
import skops.io  # noqa: F401, isort: skip


@pytest.fixture
def autolog(tracking: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Switch watching on, with options; off again afterwards. The budget is ample, or a busy machine would matter."""
    monkeypatch.setenv("STENO_OVERHEAD_FLOOR_MS", "60000")

    def switch_on(**options: Any) -> None:
        steno.autolog(**{"log_models": False, **options})

    switch_on()
    yield switch_on
    steno.autolog(disable=True)


@pytest.fixture
def iris() -> tuple[Any, Any]:
    return load_iris(return_X_y=True)


@pytest.fixture
def cancer() -> tuple[Any, Any]:
    return load_breast_cancer(return_X_y=True)


def all_runs() -> list[Any]:
    """Every run of the store, oldest first."""
    steno.flush()
    return sorted(steno.search_runs(output_format="list"), key=lambda run: (run.info.start_time, run.info.run_id))


def only_run() -> Any:
    """The one run there is."""
    (run,) = all_runs()
    return run


def top_runs() -> list[Any]:
    """The runs that are no one's child."""
    return [run for run in all_runs() if Tags.PARENT_RUN_ID not in run.data.tags]


def children_of(parent: Any) -> list[Any]:
    """The children of a run, in the order of their names' numbers."""
    found = [run for run in all_runs() if run.data.tags.get(Tags.PARENT_RUN_ID) == parent.info.run_id]
    return sorted(found, key=lambda run: int(run.info.run_name.rpartition(" ")[2]))


def artifacts(run: Any, path: str | None = None) -> set[str]:
    """The paths of all artifacts of a run."""
    found: set[str] = set()
    for entry in steno.Client().list_artifacts(run.info.run_id, path):
        found |= artifacts(run, entry.path) if entry.is_dir else {entry.path}
    return found


def tree() -> list[tuple[str, str, int]]:
    """What ran: (name, status, number of children) of each top run."""
    return [(run.info.run_name, run.info.status, len(children_of(run))) for run in top_runs()]


def history(run: Any, key: str) -> list[tuple[int, float]]:
    """(step, value) of each point of a metric."""
    return [(point.step, point.value) for point in steno.Client().get_metric_history(run.info.run_id, key)]
