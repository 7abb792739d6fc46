"""Lightning, watched, with a store of its own for each test; a tiny module, and how runs are read back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import lightning
import pytest
import pytorch_lightning
import steno
import torch

# Imported before any test looks at warnings: they warn of others' deprecations once in a process.
import torch._dynamo  # isort: skip
from torch.utils.data import DataLoader, TensorDataset  # isort: skip

PACKAGES = {"lightning": lightning.pytorch, "pytorch_lightning": pytorch_lightning}
ROWS, BATCH = 32, 8

generator = torch.Generator().manual_seed(0)
X = torch.randn(ROWS, 3, generator=generator)
Y = X.sum(1, keepdim=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let Lightning warn its users of small data, few workers and the like."""
    for item in items:
        if "integrations/lightning" in str(item.path):
            item.add_marker(pytest.mark.filterwarnings("default"))


@pytest.fixture
def autolog(tracking: str) -> Iterator[Callable[..., None]]:
    """Switch watching on, with options; off again afterwards."""

    def switch_on(**options: Any) -> None:
        steno.lightning.autolog(**{"log_models": False, **options})

    switch_on()
    yield switch_on
    steno.autolog(disable=True)


@pytest.fixture(params=list(PACKAGES))
def package(request: Any) -> Any:
    """One of the two packages."""
    return PACKAGES[request.param]


def data() -> DataLoader[Any]:
    """Four batches, always the same."""
    return DataLoader(TensorDataset(X, Y), batch_size=BATCH)


def module_of(package: Any) -> type[Any]:
    """A tiny regression, on one of the packages' base class."""

    class Tiny(package.LightningModule):  # type: ignore[name-defined, misc]
        def __init__(self, hidden: int = 2, lr: float = 0.1) -> None:
            super().__init__()
            self.save_hyperparameters()
            torch.manual_seed(1)
            self.layers = torch.nn.Sequential(torch.nn.Linear(3, hidden), torch.nn.Tanh(), torch.nn.Linear(hidden, 1))
            self.losses: list[float] = []
            self.val_losses: list[float] = []

        def forward(self, x: Any) -> Any:
            return self.layers(x)

        def loss(self, batch: Any) -> Any:
            x, y = batch
            return torch.nn.functional.mse_loss(self(x), y)

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            loss = self.loss(batch)
            self.losses.append(loss.item())
            self.log("train_loss", loss, on_step=True, on_epoch=True)
            return loss

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            loss = self.loss(batch)
            self.val_losses.append(loss.item())
            self.log("val_loss", loss)

        def test_step(self, batch: Any, batch_idx: int) -> None:
            self.log("test_loss", self.loss(batch))

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)

    return Tiny


Tiny: Any = module_of(lightning.pytorch)


def trainer_of(package: Any = lightning.pytorch, **options: Any) -> Any:
    """A trainer that is quiet and leaves no files."""
    quiet = {
        "accelerator": "cpu",
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "max_epochs": 2,
    }
    return package.Trainer(**{**quiet, **options})


def all_runs() -> list[Any]:
    """Every run of the store, oldest first."""
    steno.flush()
    return sorted(
        steno.search_runs(search_all_experiments=True, output_format="list"),
        key=lambda run: (run.info.start_time, run.info.run_id),
    )


def _age(run: Any) -> tuple[int, str]:
    return run.info.start_time, run.info.run_id


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


def steps(run: Any, key: str) -> list[int]:
    """The step of each point of a metric."""
    return [step for step, _ in history(run, key)]


def values(run: Any, key: str) -> list[float]:
    """The value of each point of a metric."""
    return [value for _, value in history(run, key)]
