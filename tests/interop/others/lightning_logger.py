"""Lightning's MLFlowLogger, as its users write it: a fit, a checkpoint logged, the best score."""

from __future__ import annotations

import json
import sys

import lightning as L  # noqa: N812
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import MLFlowLogger


class Line(L.LightningModule):
    def __init__(self, lr=0.1):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(2, 1)

    def training_step(self, batch, index):
        loss = torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1])
        self.log("train_loss", loss, on_step=True, on_epoch=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)


torch.manual_seed(0)
inputs = torch.randn(64, 2)
batches = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(inputs, inputs.sum(1, keepdim=True)), 8)
logger = MLFlowLogger("lightning", "fit", tracking_uri=sys.argv[1], tags={"team": "a"}, log_model=True)
trainer = L.Trainer(
    max_epochs=3,
    logger=logger,
    callbacks=[ModelCheckpoint("checkpoints", monitor="train_loss")],
    log_every_n_steps=2,
    enable_progress_bar=False,
    enable_model_summary=False,
    accelerator="cpu",
)
trainer.fit(Line(), batches)
logger.log_metrics({"after": 1.5}, step=7)
logger.finalize("success")
print(json.dumps({"run_id": logger.run_id, "experiment_id": logger.experiment_id, "steps": trainer.global_step}))
