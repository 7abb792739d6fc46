"""Keras, watched, with a store of its own for each test; and how runs are read back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest
import steno

# Keras 3.15 asks TensorFlow's variables for arrays in a way that NumPy 2 warns of.
NUMPY_WARNS = "ignore:__array__ implementation:DeprecationWarning"
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(64, 4)).astype("float32")
y = (X[:, 0] > 0).astype("int64")


@pytest.fixture
def autolog(tracking: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Switch watching on, with options; off again afterwards. The budget is ample, or a busy machine would matter."""
    monkeypatch.setenv("STENO_OVERHEAD_FLOOR_MS", "60000")
    monkeypatch.setenv("STENO_STRICT", "1")

    def switch_on(**options: Any) -> None:
        steno.autolog(**{"log_models": False, **options})

    switch_on()
    yield switch_on
    steno.autolog(disable=True)


def net(*layers: Any, optimizer: Any = "adam", loss: Any = "binary_crossentropy", **more: Any) -> Any:
    """A small compiled model, the same each time; eager, for a graph takes a second to build."""
    keras.utils.set_random_seed(3)
    made = keras.Sequential([keras.layers.Input((4,)), *layers, keras.layers.Dense(1, "sigmoid")])
    made.compile(optimizer, loss, **{"metrics": ["accuracy"], "run_eagerly": True, **more})
    return made


def weights_of(model: Any) -> str:
    """A digest of all weights."""
    return hashlib.sha256(b"".join(weight.tobytes() for weight in model.get_weights())).hexdigest()


def all_runs() -> list[Any]:
    """Every run of the store, oldest first."""
    steno.flush()
    return sorted(steno.search_runs(output_format="list"), key=lambda run: (run.info.start_time, run.info.run_id))


def only_run() -> Any:
    """The one run there is."""
    (run,) = all_runs()
    return run


def artifacts(run: Any, path: str | None = None) -> set[str]:
    """The paths of all artifacts of a run."""
    found: set[str] = set()
    for entry in steno.Client().list_artifacts(run.info.run_id, path):
        found |= artifacts(run, entry.path) if entry.is_dir else {entry.path}
    return found


def history(run: Any, key: str) -> list[tuple[int, float]]:
    """(step, value) of each point of a metric."""
    return [(point.step, point.value) for point in steno.Client().get_metric_history(run.info.run_id, key)]
