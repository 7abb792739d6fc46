# runs: 1
# metrics: loss
"""Small batches gathered into large ones, clipped, with one-cycle rates, as a class of its own."""

from dataclasses import asdict, dataclass, field

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class Config:
    lr: float = 0.05
    batch_size: int = 8
    accumulate: int = 4
    epochs: int = 4
    clip: float = 0.5
    widths: list = field(default_factory=lambda: [6, 24, 24, 1])


class Trainer:
    def __init__(self, model, config, train_data):
        self.model, self.config = model, config
        self.loader = DataLoader(
            train_data, config.batch_size, shuffle=True, generator=torch.Generator().manual_seed(2)
        )
        self.optimizer = torch.optim.SGD(model.parameters(), lr=config.lr, nesterov=True, momentum=0.8)
        total = config.epochs * len(self.loader) // config.accumulate
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(self.optimizer, max_lr=config.lr, total_steps=total)
        self.history = []

    def _step(self, batch):
        x, y = batch
        return nn.functional.huber_loss(self.model(x).squeeze(-1), y)

    def fit(self):
        for epoch in range(self.config.epochs):
            self.model.train()
            self.optimizer.zero_grad()
            for i, batch in enumerate(self.loader):
                loss = self._step(batch) / self.config.accumulate
                loss.backward()
                if (i + 1) % self.config.accumulate == 0:
                    norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
                    self.optimizer.step()
                    self.scheduler.step()
                    self.optimizer.zero_grad()
            self.history.append((loss.item(), float(norm), self.scheduler.get_last_lr()[0]))
        return self


torch.manual_seed(2)
config = Config()
print(asdict(config))
x = torch.randn(128, 6)
data = TensorDataset(x, x[:, 0] * x[:, 1] + x[:, 2])
parts = []
for a, b in zip(config.widths, config.widths[1:]):
    parts += [nn.Linear(a, b), nn.GELU()]
trainer = Trainer(nn.Sequential(*parts[:-1]), config, data).fit()
for row in trainer.history:
    print(*row)
