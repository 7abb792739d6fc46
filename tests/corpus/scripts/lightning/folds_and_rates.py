# runs: 3
# metrics: val_loss
"""A trainer for each fold, and a search for the rate before the last."""

import logging

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

import lightning.pytorch as pl
import torch
from torch.utils.data import DataLoader, Subset, TensorDataset


class Net(pl.LightningModule):
    def __init__(self, lr=0.05):
        super().__init__()
        self.lr = lr
        self.net = torch.nn.Linear(5, 1)

    def step(self, batch):
        return torch.nn.functional.mse_loss(self.net(batch[0])[:, 0], batch[1])

    def training_step(self, batch, i):
        return self.step(batch)

    def validation_step(self, batch, i):
        self.log("val_loss", self.step(batch))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.lr)


pl.seed_everything(0, verbose=False)
x = torch.randn(60, 5)
data = TensorDataset(x, x @ torch.arange(5.0))
quiet = dict(logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False)
for fold in range(3):
    inside = [i for i in range(60) if i % 3 != fold]
    outside = [i for i in range(60) if i % 3 == fold]
    train, val = DataLoader(Subset(data, inside), 10), DataLoader(Subset(data, outside), 20)
    model = Net()
    trainer = pl.Trainer(max_epochs=8, **quiet)
    if fold == 2:
        from lightning.pytorch.tuner import Tuner

        found = Tuner(trainer).lr_find(model, train, num_training=30, min_lr=1e-4, max_lr=1.0)
        print("suggested", found.suggestion(), model.lr, len(found.results["loss"]))
    trainer.fit(model, train, val)
    print(fold, trainer.callback_metrics["val_loss"].item(), torch.rand(1).item())
