"""Autologging of Lightning: every metric, the settings and the best checkpoint of a fit; and a logger, without it."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import steno
import torch
from lightning.pytorch import LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from sklearn.datasets import load_wine
from torch.utils.data import DataLoader, TensorDataset, random_split

Batch = tuple[torch.Tensor, torch.Tensor]


class Classifier(LightningModule):
    """A small network that tells three kinds of wine apart."""

    def __init__(self, hidden: int = 16, lr: float = 0.01) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layers = torch.nn.Sequential(torch.nn.Linear(13, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores of the three kinds, (n_samples, 3)."""
        return self.layers(x)

    def training_step(self, batch: Batch, batch_idx: int) -> torch.Tensor:
        """Log the loss by step and by epoch."""
        x, y = batch
        loss = torch.nn.functional.cross_entropy(self(x), y)
        self.log("train_loss", loss, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        """Log loss and accuracy."""
        x, y = batch
        scores = self(x)
        self.log("val_loss", torch.nn.functional.cross_entropy(scores, y))
        self.log("val_accuracy", (scores.argmax(1) == y).float().mean())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return Adam."""
        return torch.optim.Adam(self.parameters(), lr=self.hparams["lr"])


def trainer(logger: Any = False) -> Trainer:
    """Return a trainer that says little, stops early and keeps the best checkpoint."""
    calls = [EarlyStopping("val_loss", patience=3), ModelCheckpoint("checkpoints", monitor="val_loss")]
    quiet = {"enable_progress_bar": False, "enable_model_summary": False}
    return Trainer(max_epochs=40, accelerator="cpu", callbacks=calls, logger=logger, log_every_n_steps=1, **quiet)


def main() -> None:
    """Train watched, load the best model back; then train with the logger."""
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module="lightning")
    seed_everything(0, verbose=False)
    X, y = load_wine(return_X_y=True)
    X = (X - X.mean(0)) / X.std(0)
    rows = TensorDataset(torch.tensor(X, dtype=torch.float32), torch.tensor(y))
    train, val = random_split(rows, [0.8, 0.2])
    loaders = DataLoader(train, batch_size=32, shuffle=True), DataLoader(val, batch_size=64)

    steno.autolog()
    trainer().fit(Classifier(), *loaders)

    run = steno.last_active_run()
    params, metrics = run.data.params, run.data.metrics
    print(f"run {run.info.run_id} {run.info.status}: {params['optimizer_name']} with lr={params['lr']}")
    print(f"  val_accuracy {metrics['val_accuracy']:.3f} after {metrics['epoch'] + 1:.0f} epochs")
    steps = steno.Client().get_metric_history(run.info.run_id, "train_loss_step")
    print(f"  {len(steps)} steps, loss {steps[0].value:.3f} -> {steps[-1].value:.3f}")
    print(f"  best checkpoint: val_loss {float(run.data.tags['best_model_score']):.3f}")

    model = steno.pytorch.load_model(f"runs:/{run.info.run_id}/model", trusted=["__main__.Classifier"])
    model.eval()
    with torch.no_grad():
        scores = torch.cat([model(x) for x, _ in loaders[1]])
    truth = torch.cat([kinds for _, kinds in loaders[1]])
    print(f"  the model kept is the best: val_loss {torch.nn.functional.cross_entropy(scores, truth):.3f}")

    steno.autolog(disable=True)
    logger = steno.lightning.StenoLogger(run_name="explicit")
    trainer(logger).fit(Classifier(hidden=8), *loaders)
    explicit = steno.get_run(logger.run_id)
    print(f"run {explicit.info.run_name} {explicit.info.status}: hidden={explicit.data.params['hidden']}")


if __name__ == "__main__":
    main()
