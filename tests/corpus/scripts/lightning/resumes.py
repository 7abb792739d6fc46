# runs: 2
# metrics: loss
# unlike: lightning_logs/*
"""Trains, then goes on from its checkpoint to a later epoch, then takes the weights alone."""

import glob

import lightning as L
import torch


class Wave(L.LightningModule):
    def __init__(self, hidden=8):
        super().__init__()
        self.save_hyperparameters()
        self.rnn = torch.nn.GRU(1, hidden, batch_first=True)
        self.out = torch.nn.Linear(hidden, 1)

    def training_step(self, batch, _):
        h, _ = self.rnn(batch[0][:, :-1])
        loss = torch.nn.functional.smooth_l1_loss(self.out(h), batch[0][:, 1:])
        self.log("loss", loss, on_step=False, on_epoch=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.RMSprop(self.parameters(), lr=0.005)

    def train_dataloader(self):
        x = torch.sin(torch.arange(30.0).unsqueeze(0) / 3 + torch.arange(24.0).unsqueeze(1)).unsqueeze(-1)
        return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x), batch_size=8)


def trainer(epochs):
    return L.Trainer(max_epochs=epochs, enable_progress_bar=False, enable_model_summary=False, log_every_n_steps=1)


L.seed_everything(8)
first = trainer(2)
first.fit(Wave())
(path,) = glob.glob("lightning_logs/version_0/checkpoints/*.ckpt")
print(path, first.callback_metrics["loss"].item())
second = trainer(4)
model = Wave()
second.fit(model, ckpt_path=path)
print(second.current_epoch, second.global_step, second.callback_metrics["loss"].item(), second.logger.version)
alone = Wave.load_from_checkpoint(path)
print([p.sum().item() for p in alone.parameters()], model.hparams.hidden)
