"""Lightning, both packages of it, under the suite that every integration passes."""

from __future__ import annotations

from typing import Any

import lightning
import pytest
import pytorch_lightning
import torch
from steno.testing.integration import IntegrationSuite
from torch.utils.data import DataLoader, TensorDataset

# What Lightning imports late warns of deprecations in others' code.
import torch._dynamo  # isort: skip

pytestmark = pytest.mark.filterwarnings("default")

X = torch.randn(16, 3, generator=torch.Generator().manual_seed(0))
Y = X.sum(1, keepdim=True)


def _module(package: Any) -> type[Any]:
    class Tiny(package.LightningModule):  # type: ignore[name-defined, misc]
        def __init__(self, fails: bool = False) -> None:
            super().__init__()
            torch.manual_seed(1)
            self.fails = fails
            self.layer = torch.nn.Linear(3, 1)

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            if self.fails:
                try:
                    {}["no such"]
                except KeyError as error:
                    raise ArithmeticError("the user's own") from error
            x, y = batch
            loss = torch.nn.functional.mse_loss(self.layer(torch.nn.functional.dropout(x)), y)
            self.log("loss", loss)
            return loss

        def validation_step(self, batch: Any, batch_idx: int) -> None:
            x, y = batch
            self.log("val_loss", torch.nn.functional.mse_loss(self.layer(x), y))

        test_step = validation_step

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    return Tiny


class _Lightning(IntegrationSuite):
    name = "lightning"
    package: Any

    def trainer(self) -> Any:
        quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
        return self.package.Trainer(accelerator="cpu", max_epochs=2, enable_model_summary=False, **quiet)

    def data(self) -> Any:
        return DataLoader(TensorDataset(X, Y), batch_size=8)

    def shown(self, module: Any) -> Any:
        """The weights, bit for bit."""
        return {name: value.numpy().tobytes() for name, value in module.state_dict().items()}

    def train(self) -> Any:
        module = _module(self.package)()
        self.trainer().fit(module, self.data(), self.data())
        return module

    def fail(self) -> None:
        self.trainer().fit(_module(self.package)(fails=True), self.data())


class TestLightning(_Lightning):
    package = lightning.pytorch
    # Not "clean": the module's class is this file's own, so what is kept of it is a state dict for who has the class.
    ways = ("fork",)


class TestPytorchLightning(_Lightning):
    package = pytorch_lightning
    ways = ()


class TestTheTest(_Lightning):
    package = lightning.pytorch
    ways = ()

    def train(self) -> Any:
        return self.trainer().test(_module(self.package)(), self.data(), verbose=False)

    def shown(self, result: Any) -> Any:
        """The metrics."""
        return result

    def fail(self) -> None:
        self.trainer().test(_module(self.package)(), [(X, Y), (X, None)], verbose=False)
