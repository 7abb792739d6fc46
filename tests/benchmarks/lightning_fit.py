"""What autologging adds to a fit of Lightning: 60 epochs of a small net, beside the plain fit, by turns.

usage: python tests/benchmarks/lightning_fit.py [ROUNDS]
"""

from __future__ import annotations

import torch
from lightning.pytorch import LightningModule, Trainer
from torch.utils.data import DataLoader, TensorDataset

X = torch.randn(2_000, 20, generator=torch.Generator().manual_seed(0))
Y = (X.sum(1) > 0).float()
QUIET = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}


class Net(LightningModule):
    """A classifier of 353 weights."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(20, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1))

    def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], batch_idx: int) -> torch.Tensor:
        """Log the loss by step and by epoch."""
        x, y = batch
        loss = torch.nn.functional.binary_cross_entropy_with_logits(self.layers(x).squeeze(1), y)
        self.log("train_loss", loss, on_epoch=True)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam."""
        return torch.optim.Adam(self.parameters())


def fit() -> None:
    """Train for 480 steps."""
    torch.manual_seed(0)
    loader = DataLoader(TensorDataset(X, Y), batch_size=256)
    Trainer(max_epochs=60, accelerator="cpu", **QUIET).fit(Net(), loader)


if __name__ == "__main__":
    import turns

    torch.set_num_threads(1)
    turns.main(fit, 20)
