# runs: 1
# metrics: loss_step, loss_epoch
"""The same under the older import name, with the progress bar on."""

import warnings

warnings.filterwarnings("ignore", ".*does not have many workers.*")

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import TQDMProgressBar
from torch.utils.data import DataLoader, TensorDataset


class Regression(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.line = torch.nn.Linear(3, 1)

    def training_step(self, batch, batch_idx):
        x, y = batch
        loss = (self.line(x)[:, 0] - y).square().mean()
        self.log("loss", loss, on_step=True, on_epoch=True)
        return {"loss": loss}

    def on_train_epoch_end(self):
        self.print("epoch", self.current_epoch, self.trainer.callback_metrics["loss_epoch"].item())

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "monitor": "loss_epoch"}}


class QuietBar(TQDMProgressBar):
    """A bar without the times in it."""

    def init_train_tqdm(self):
        bar = super().init_train_tqdm()
        bar.bar_format = "{desc} {n_fmt}/{total_fmt}"
        return bar


pl.seed_everything(3)
x = torch.randn(40, 3)
loader = DataLoader(TensorDataset(x, x @ torch.tensor([1.0, -1.0, 2.0])), batch_size=10)
trainer = pl.Trainer(
    max_epochs=3, logger=False, enable_checkpointing=False, callbacks=[QuietBar(refresh_rate=1)], log_every_n_steps=1
)
model = Regression()
trainer.fit(model, loader)
print(model.line.weight.tolist(), trainer.progress_bar_metrics)
