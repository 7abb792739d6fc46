"""CatBoost, watched, with a store of its own for each test; and how runs are read back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import steno
from steno import settings

# What watches scikit-learn warns of deprecations in others' code when it is first imported.
import skops.io  # noqa: F401, isort: skip


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Start each test in an empty folder, with an empty store and without anyone's settings."""
    for name in settings.variables():
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STENO_TRACKING_URI", f"sqlite:///{tmp_path}/runs.db")
    monkeypatch.setenv("STENO_JOURNAL_DIR", str(tmp_path / "journals"))
    yield
    steno.autolog(disable=True)
    steno.flush()


@pytest.fixture
def autolog(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Switch watching on, with options. The budget is ample, or a busy machine would matter."""
    monkeypatch.setenv("STENO_OVERHEAD_FLOOR_MS", "60000")
    monkeypatch.setenv("STENO_STRICT", "1")

    def switch_on(**options: Any) -> None:
        steno.autolog(**{"log_models": False, **options})

    switch_on()
    return switch_on


@pytest.fixture
def data() -> tuple[Any, Any]:
    """Features, and labels that follow from them but for some noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    return X, (X[:, 0] + 0.5 * rng.normal(size=200) > 0).astype(int)
