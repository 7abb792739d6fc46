"""PyTorch loops, watched, with a store of their own for each test; and how runs are read back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import steno
import torch
from steno_torch.archive_export import WRITES
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

# What writes models imports it first when a run ends.
import safetensors.torch  # noqa: F401, isort: skip


exports = pytest.mark.skipif(not WRITES, reason="exported programs are kept with PyTorch 2.8 and later")


@pytest.fixture
def autolog(tracking: str) -> Iterator[Callable[..., None]]:
    """Switch watching on, with options; off again afterwards."""

    def switch_on(**options: Any) -> None:
        steno.autolog(**{"log_models": False, **options})

    steno.autolog(disable=True)
    switch_on()
    yield switch_on
    steno.autolog(disable=True)


def net(inputs: int = 3) -> nn.Module:
    """A small network; the same each time."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(inputs, 4), nn.ReLU(), nn.Linear(4, 1))


def loader(rows: int = 24, batch_size: int = 8, **options: Any) -> DataLoader[Any]:
    """Batches of features and what follows from them."""
    generator = torch.Generator().manual_seed(1)
    X = torch.randn(rows, 3, generator=generator)
    return DataLoader(TensorDataset(X, X.sum(1, keepdim=True)), batch_size=batch_size, **options)


def steps(model: nn.Module, optimizer: Any, count: int) -> list[float]:
    """Train on one batch, and return the losses."""
    X = torch.linspace(0.0, 1.0, 12).reshape(4, 3)
    seen = []
    for _ in range(count):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(X), X.sum(1, keepdim=True))
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    return seen


def all_runs() -> list[Any]:
    """Every run of the store, oldest first."""
    steno.flush()
    return sorted(steno.search_runs(output_format="list"), key=lambda run: (run.info.start_time, run.info.run_id))


def only_run() -> Any:
    """The one run there is."""
    (run,) = all_runs()
    return run


def history(run: Any, key: str) -> list[tuple[int, float]]:
    """(step, value) of each point of a metric."""
    return [(point.step, point.value) for point in steno.Client().get_metric_history(run.info.run_id, key)]


def artifacts(run: Any, path: str | None = None) -> set[str]:
    """The paths of all artifacts of a run."""
    found: set[str] = set()
    for entry in steno.Client().list_artifacts(run.info.run_id, path):
        found |= artifacts(run, entry.path) if entry.is_dir else {entry.path}
    return found
