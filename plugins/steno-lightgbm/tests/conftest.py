"""LightGBM, watched, with a store of its own for each test; and how runs are read back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import steno
from steno.tracking import context, ending, experiments, places

# What watches scikit-learn warns of deprecations in others' code when it is first imported.
import skops.io  # noqa: F401, isort: skip


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start each test in an empty folder and without anyone's settings."""
    for name in ("STENO_TRACKING_URI", "STENO_STRICT", "STENO_JOURNAL_DIR", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def tracking(tmp_path: Path) -> Iterator[str]:
    """The address of a fresh store that runs go to; afterwards the process knows nothing of it."""
    steno.set_tracking_uri(tmp_path / "runs")
    context.last.set(None)
    yield steno.get_tracking_uri()
    for run in list(ending._open.values()):
        run.end()
    steno.flush()
    experiments.forget()
    steno.set_tracking_uri("")
    places.forget_stores()


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
def data() -> tuple[Any, Any]:
    """Features, and labels that follow from them but for some noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    return X, (X[:, 0] + 0.5 * rng.normal(size=200) > 0).astype(int)
