# runs: 1, 2 FAILED
# metrics: loss
# exit: 1
"""A training that fails and is caught, one that is right, and one that nobody catches."""

import lightning as L
import torch
from lightning.pytorch.demos.boring_classes import RandomDataset


class Net(L.LightningModule):
    def __init__(self, fails_at=None):
        super().__init__()
        self.layer, self.fails_at = torch.nn.Linear(8, 2), fails_at

    def training_step(self, batch, batch_idx):
        if batch_idx == self.fails_at:
            raise ValueError(f"batch {batch_idx} is bad")
        loss = self.layer(batch).sum() ** 2
        self.log("loss", loss)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=1e-3)


def fit(model):
    L.Trainer(
        max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False
    ).fit(model, torch.utils.data.DataLoader(RandomDataset(8, 16), batch_size=4))


L.seed_everything(11)
try:
    fit(Net(fails_at=2))
except ValueError as error:
    print("caught", error)
model = Net()
fit(model)
print(model.layer.bias.tolist())
fit(Net(fails_at=1))
