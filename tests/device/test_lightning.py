"""Lightning on a CUDA device: nothing that is recorded makes a step wait."""

from __future__ import annotations

import lightning
import pytest
import steno
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no NVIDIA device is here")


class Net(lightning.LightningModule):
    """A step that logs two values, and that no sync is allowed in once it has begun."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 1)
        self.seen: list[torch.Tensor] = []

    def training_step(self, batch: list[torch.Tensor], index: int) -> torch.Tensor:
        loss = nn.functional.mse_loss(self.layer(batch[0]), batch[0].sum(1, keepdim=True))
        self.log("train_loss", loss)
        self.log("twice", 2 * loss.detach())
        self.seen.append(loss.detach().clone())
        return loss

    def on_train_batch_start(self, batch: list[torch.Tensor], index: int) -> None:
        torch.cuda.set_sync_debug_mode("error")

    def on_train_epoch_end(self) -> None:
        torch.cuda.set_sync_debug_mode("default")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.01)


@pytest.mark.filterwarnings("ignore")
def test_a_fit_forces_no_sync_and_every_value_is_right(tracking):
    torch.manual_seed(0)
    data = DataLoader(TensorDataset(torch.randn(640, 8, device="cuda")), batch_size=16)
    quiet = {
        "logger": False,
        "enable_checkpointing": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
    }
    net = Net()
    steno.autolog(log_models=False)
    try:
        lightning.Trainer(max_epochs=2, accelerator="cuda", devices=1, **quiet).fit(net, data)
    finally:
        torch.cuda.set_sync_debug_mode("default")
        steno.autolog(disable=True)
    (run,) = steno.search_runs(output_format="list")
    points = steno.Client().get_metric_history(run.info.run_id, "train_loss")
    assert [point.value for point in points] == torch.stack(net.seen).tolist()
