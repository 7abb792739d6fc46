# runs: 1
# metrics: loss
# unlike: tb/*
"""Two loggers of the user's, one of them of their own making."""

import lightning as L
import torch
from lightning.pytorch.demos.boring_classes import DemoModel, RandomDataset
from lightning.pytorch.loggers import CSVLogger, Logger, TensorBoardLogger
from lightning.pytorch.utilities import rank_zero_only


class ListLogger(Logger):
    """Keeps everything in lists."""

    def __init__(self):
        super().__init__()
        self.metrics, self.params, self.ended = [], [], None

    name, version = "list", "0"

    @property
    def experiment(self):
        return self

    @rank_zero_only
    def log_metrics(self, metrics, step):
        self.metrics.append((step, {k: round(v, 7) for k, v in sorted(metrics.items())}))

    @rank_zero_only
    def log_hyperparams(self, params, *args, **kwargs):
        self.params.append(str(params))

    def finalize(self, status):
        self.ended = status


class Net(L.LightningModule):
    def __init__(self, rate: float = 0.1):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(4, 1)

    def training_step(self, batch, batch_idx):
        loss = self.layer(batch).abs().mean()
        self.log("loss", loss)
        self.logger.experiment if batch_idx == 0 else None
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.rate)


L.seed_everything(21, verbose=False)
mine = ListLogger()
loggers = [mine, CSVLogger("csv", name="a", version=1, flush_logs_every_n_steps=2), TensorBoardLogger("tb", version=2)]
trainer = L.Trainer(
    max_steps=8, logger=loggers, log_every_n_steps=2, enable_progress_bar=False, enable_checkpointing=False
)
trainer.fit(Net(), torch.utils.data.DataLoader(RandomDataset(4, 20), batch_size=5))
print(mine.metrics, mine.params, mine.ended, sep="\n")
print(len(trainer.loggers), open("csv/a/version_1/metrics.csv").read())
