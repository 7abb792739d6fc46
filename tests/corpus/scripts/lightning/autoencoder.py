# runs: 1
# metrics: train_loss
# unlike: lightning_logs/*
"""The first page of the guide: a module, a loader, a trainer that asks for nothing."""

import lightning as L
import torch
from torch import nn, optim, utils

L.seed_everything(1)
encoder = nn.Sequential(nn.Linear(12, 8), nn.ReLU(), nn.Linear(8, 2))
decoder = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 12))


class LitAutoEncoder(L.LightningModule):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def training_step(self, batch, batch_idx):
        x, _ = batch
        x_hat = self.decoder(self.encoder(x))
        loss = nn.functional.mse_loss(x_hat, x)
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self):
        return optim.Adam(self.parameters(), lr=1e-2)


dataset = utils.data.TensorDataset(torch.randn(96, 12), torch.zeros(96))
train_loader = utils.data.DataLoader(dataset, batch_size=16, shuffle=True)
autoencoder = LitAutoEncoder(encoder, decoder)
trainer = L.Trainer(limit_train_batches=5, max_epochs=2, log_every_n_steps=2, enable_progress_bar=False)
trainer.fit(model=autoencoder, train_dataloaders=train_loader)
print(trainer.logged_metrics, trainer.callback_metrics, trainer.global_step)
print(sum(p.sum() for p in autoencoder.parameters()).item())
print([type(c).__name__ for c in trainer.callbacks], type(trainer.logger).__name__)
