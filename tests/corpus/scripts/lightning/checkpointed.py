# runs: 2
# metrics: train_loss, val_loss, val_acc
# unlike: best/*.ckpt
"""Stops early, keeps the best, loads it back, and tests it."""

import lightning.pytorch as pl
import torch
import torch.nn.functional as F
from lightning.pytorch.callbacks import EarlyStopping, LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch.utils.data import DataLoader, TensorDataset, random_split


class Classifier(pl.LightningModule):
    def __init__(self, width=16, lr=0.02):
        super().__init__()
        self.save_hyperparameters()
        self.net = torch.nn.Sequential(torch.nn.Linear(4, width), torch.nn.Tanh(), torch.nn.Linear(width, 3))

    def forward(self, x):
        return self.net(x)

    def _step(self, batch, stage):
        x, y = batch
        logits = self(x)
        loss = F.cross_entropy(logits, y)
        self.log(f"{stage}_loss", loss, prog_bar=True, on_epoch=True, on_step=False)
        if stage != "train":
            self.log(f"{stage}_acc", (logits.argmax(1) == y).float().mean(), prog_bar=True)
        return loss

    def training_step(self, batch, batch_idx):
        return self._step(batch, "train")

    def validation_step(self, batch, batch_idx):
        self._step(batch, "val")

    def test_step(self, batch, batch_idx):
        self._step(batch, "test")

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)
        return [optimizer], [torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)]


if __name__ == "__main__":
    pl.seed_everything(7, workers=True)
    x = torch.randn(150, 4)
    train, val, test = random_split(TensorDataset(x, x[:, :3].argmax(1)), [100, 25, 25])
    loaders = [DataLoader(part, batch_size=25, shuffle=part is train) for part in (train, val, test)]
    keep = ModelCheckpoint("best", "{epoch}-{val_loss:.3f}", monitor="val_loss", save_top_k=2, mode="min")
    callbacks = [EarlyStopping("val_loss", patience=2, min_delta=0.05, verbose=True), keep, LearningRateMonitor()]
    trainer = pl.Trainer(
        max_epochs=12,
        callbacks=callbacks,
        logger=CSVLogger("logs", version=0),
        deterministic=True,
        accelerator="cpu",
        enable_progress_bar=False,
        log_every_n_steps=1,
    )
    trainer.fit(Classifier(), *loaders[:2])
    print(keep.best_model_path.rsplit("/", 1)[-1], keep.best_model_score.item(), sorted(keep.best_k_models.values()))
    print("stopped", callbacks[0].stopped_epoch, trainer.current_epoch)
    best = Classifier.load_from_checkpoint(keep.best_model_path)
    print(best.hparams)
    print(trainer.test(best, loaders[2]))
    with open("logs/lightning_logs/version_0/metrics.csv") as f:
        print(f.read())
    saved = torch.load(keep.best_model_path, weights_only=False)
    print(sorted(saved), sorted(saved["callbacks"]))
