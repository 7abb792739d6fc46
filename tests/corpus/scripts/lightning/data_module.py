# runs: 4
# metrics: val/rmse, test/rmse
# unlike: out/*
"""Data in a module of its own; fit, validate, test, predict."""

import lightning as L
import torch
from torch.utils.data import DataLoader, TensorDataset


class Waves(L.LightningDataModule):
    def __init__(self, n=120, batch_size=20):
        super().__init__()
        self.save_hyperparameters()
        self.calls = []

    def prepare_data(self):
        self.calls.append("prepare_data")

    def setup(self, stage):
        self.calls.append(f"setup {stage}")
        g = torch.Generator().manual_seed(0)
        x = torch.rand(self.hparams.n, 1, generator=g) * 6
        self.sets = TensorDataset(x, torch.sin(x))

    def _loader(self, shuffle=False):
        return DataLoader(self.sets, batch_size=self.hparams.batch_size, shuffle=shuffle)

    def train_dataloader(self):
        return self._loader(True)

    def val_dataloader(self):
        return self._loader()

    def test_dataloader(self):
        return [self._loader(), self._loader()]

    def predict_dataloader(self):
        return self._loader()

    def teardown(self, stage):
        self.calls.append(f"teardown {stage}")


class Model(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Sequential(torch.nn.Linear(1, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))

    def training_step(self, batch, batch_idx):
        return torch.nn.functional.mse_loss(self.net(batch[0]), batch[1])

    def validation_step(self, batch, batch_idx):
        self.log("val/rmse", torch.nn.functional.mse_loss(self.net(batch[0]), batch[1]).sqrt())

    def test_step(self, batch, batch_idx, dataloader_idx=0):
        rmse = torch.nn.functional.mse_loss(self.net(batch[0]), batch[1]).sqrt()
        self.log("test/rmse", rmse, add_dataloader_idx=dataloader_idx == 1)

    def predict_step(self, batch, batch_idx):
        return self.net(batch[0]).squeeze()

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.02)


L.seed_everything(5, verbose=False)
data, model = Waves(), Model()
trainer = L.Trainer(
    default_root_dir="out", max_epochs=3, enable_progress_bar=False, num_sanity_val_steps=1, log_every_n_steps=50
)
print(trainer.validate(model, data, verbose=False))
trainer.fit(model, datamodule=data)
print(trainer.validate(model, data))
print(trainer.test(model, data, verbose=True))
print(torch.cat(trainer.predict(model, data))[:4].tolist())
print(data.calls)
