"""Several processes train one model: one run, with the points of rank 0."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import steno

from .conftest import artifacts, history, steps

pytestmark = pytest.mark.slow

MODULE = """
import os, sys
import steno
if "BY_HAND" not in os.environ:
    steno.autolog()  # at the top, so that a process that is spawned does it too
import torch
import lightning.pytorch as L
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from torch.utils.data import DataLoader, TensorDataset
torch.set_num_threads(1)

class Net(L.LightningModule):
    def __init__(self, hidden=2):
        super().__init__()
        self.save_hyperparameters()
        torch.manual_seed(0)
        self.net = torch.nn.Linear(3, 1)
    def forward(self, x):
        return self.net(x)
    def training_step(self, batch, batch_idx):
        if os.environ.get("FAILS"):
            raise ArithmeticError("enough")
        loss = torch.nn.functional.mse_loss(self(batch[0]), batch[1])
        self.log("train_loss", loss, on_step=True, on_epoch=True, sync_dist=True)
        return loss
    def validation_step(self, batch, batch_idx):
        self.log("val_loss", torch.nn.functional.mse_loss(self(batch[0]), batch[1]), sync_dist=True)
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.05)

def main(strategy, logger=False):
    X = torch.randn(32, 3, generator=torch.Generator().manual_seed(0))
    data = DataLoader(TensorDataset(X, X.sum(1, keepdim=True)), batch_size=4)
    calls = [ModelCheckpoint("kept", monitor="val_loss"), EarlyStopping("val_loss", patience=9)]
    trainer = L.Trainer(
        max_epochs=2, accelerator="cpu", devices=2, strategy=strategy, callbacks=calls, logger=logger,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0, log_every_n_steps=1,
    )
    net = Net()
    trainer.fit(net, data, data)
    return trainer
"""
FIT = """
from module import *
if __name__ == "__main__":
    main(sys.argv[1])
"""
LOGGED = """
from module import *
if __name__ == "__main__":
    main(sys.argv[1], steno.lightning.StenoLogger(run_name="explicit"))
"""


def ran(folder: Path, script: str, strategy: str, *, expect: int = 0, **environ: str) -> None:
    (folder / "module.py").write_text(MODULE)
    (folder / "main.py").write_text(script)
    store = {"STENO_TRACKING_URI": f"sqlite:///{folder}/runs.db", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "main.py", strategy],
        cwd=folder,
        env={**os.environ, **store, **environ},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    steno.set_tracking_uri(store["STENO_TRACKING_URI"])


@pytest.fixture
def forgotten():
    """Forget the store afterwards."""
    yield
    steno.set_tracking_uri("")


@pytest.mark.usefixtures("forgotten")
@pytest.mark.parametrize("strategy", ["ddp_spawn", "ddp_fork", "ddp"])
def test_two_processes_are_one_run(tmp_path, strategy):
    ran(tmp_path, FIT, strategy)
    (run,) = steno.search_runs(output_format="list")
    assert run.info.status == "FINISHED"
    assert steps(run, "train_loss_step") == list(range(1, 9))
    assert steps(run, "train_loss") == steps(run, "val_loss") == [4, 8]
    assert [epoch for _, epoch in history(run, "epoch")] == [0.0, 1.0]
    params = run.data.params
    assert (params["hidden"], params["optimizer_name"], params["num_devices"]) == ("2", "SGD", "2")
    assert "wait_count" in run.data.metrics
    assert run.data.tags["best_model_path"]
    assert {"model/MLmodel", "model_summary.txt", "checkpoints/latest_checkpoint.pth"} <= artifacts(run)


@pytest.mark.usefixtures("forgotten")
def test_an_error_in_a_process_is_a_failed_run(tmp_path):
    ran(tmp_path, FIT, "ddp_fork", expect=1, FAILS="1")
    (run,) = steno.search_runs(output_format="list")
    assert run.info.status == "FAILED"


@pytest.mark.usefixtures("forgotten")
def test_a_logger_of_ours_makes_one_run_too(tmp_path):
    ran(tmp_path, LOGGED, "ddp_fork", BY_HAND="1")
    (run,) = steno.search_runs(output_format="list")
    assert (run.info.run_name, run.info.status) == ("explicit", "FINISHED")
    assert len(history(run, "train_loss_step")) == 8
    assert run.data.params["hidden"] == "2"
