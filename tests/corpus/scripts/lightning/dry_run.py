# runs: 1
# unlike: lightning_logs/*
"""fast_dev_run, and a model that shows its summary."""

import lightning as L
import torch
from lightning.pytorch.callbacks import ModelSummary
from lightning.pytorch.demos.boring_classes import BoringDataModule


class Deep(L.LightningModule):
    example_input_array = torch.zeros(1, 32)

    def __init__(self, depth: int = 2, act: str = "ReLU"):
        super().__init__()
        self.save_hyperparameters(ignore=["act"])
        self.body = torch.nn.Sequential(
            *[torch.nn.Sequential(torch.nn.Linear(32, 32), getattr(torch.nn, act)()) for _ in range(depth)]
        )
        self.head = torch.nn.Linear(32, 2)

    def forward(self, x):
        return self.head(self.body(x))

    def training_step(self, batch, batch_idx):
        loss = self(batch).pow(2).mean()
        self.log_dict({"loss/train": loss, "size/batch": float(len(batch))})
        return loss

    def validation_step(self, batch, batch_idx):
        self.log("loss/val", self(batch).abs().mean())

    test_step = validation_step

    def configure_optimizers(self):
        return torch.optim.Adagrad(self.parameters())


L.seed_everything(9)
trainer = L.Trainer(fast_dev_run=2, callbacks=[ModelSummary(max_depth=3)], enable_progress_bar=False)
model = Deep()
trainer.fit(model, datamodule=BoringDataModule())
print(trainer.logged_metrics, trainer.fast_dev_run, len(trainer.loggers), model.hparams)
