"""What a training prints, leaves on disk and gives back is the same, watched or not."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import steno

SCRIPT = """
import os, sys, warnings
if sys.argv[1] == "watched":
    import steno
    steno.autolog()
import torch
import {package} as L
from {package}.callbacks import EarlyStopping, ModelCheckpoint, TQDMProgressBar
from torch.utils.data import DataLoader, TensorDataset

L.seed_everything(7)
torch.set_num_threads(1)

class Net(L.LightningModule):
    def __init__(self, hidden=4):
        super().__init__()
        self.save_hyperparameters()
        self.net = torch.nn.Sequential(torch.nn.Linear(3, hidden), torch.nn.Dropout(0.3), torch.nn.Linear(hidden, 1))
    def forward(self, x):
        print("forward", tuple(x.shape))
        return self.net(x)
    def training_step(self, batch, batch_idx):
        loss = torch.nn.functional.mse_loss(self(batch[0]), batch[1])
        self.log("train_loss", loss, prog_bar=True, on_step=True, on_epoch=True)
        return loss
    def validation_step(self, batch, batch_idx):
        self.log("val_loss", torch.nn.functional.mse_loss(self(batch[0]), batch[1]), prog_bar=True)
    test_step = validation_step
    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 0.05)

X = torch.randn(48, 3)
data = DataLoader(TensorDataset(X, X.sum(1, keepdim=True)), batch_size=16, shuffle=True)
calls = [EarlyStopping("val_loss", patience=1, verbose=True), ModelCheckpoint(monitor="val_loss", save_last=True)]
trainer = L.Trainer(max_epochs=4, accelerator="cpu", callbacks=calls, log_every_n_steps=1{more})
net = Net()
trainer.fit(net, data, data)
print(trainer.test(net, data))
print([type(each).__name__ for each in trainer.callbacks], trainer.callback_metrics, trainer.logged_metrics)
print(float(sum(p.double().sum() for p in net.parameters())), torch.rand(1))
"""
# Times, speeds and how full a bar is at the moment it is drawn differ between any two runs.
VOLATILE = re.compile(r"\d+:\d\d(:\d\d)?|[\d.]+ ?(it/s|s/it)|\?it/s|\d+\.\d+e?-?\d*\s*s\b|-?-:--")


def ran(folder: Path, how: str, more: str, package: str) -> tuple[str, str, list[str]]:
    """What a script printed, and the files it left."""
    (folder / how).mkdir()
    environ = {"OMP_NUM_THREADS": "1", "COLUMNS": "200", "STENO_TRACKING_URI": f"sqlite:///{folder}/runs.db"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT.format(more=more, package=package), how],
        cwd=folder / how,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    files = sorted(str(path.relative_to(folder / how)) for path in (folder / how).rglob("*") if path.is_file())
    return _settled(done.stdout), _settled(done.stderr), files


def _settled(text: str) -> str:
    lines = (VOLATILE.sub("~", line.rpartition("\\r")[2]).replace("/watched", "/plain") for line in text.splitlines())
    bars = (re.sub(r"[━╸╺ ]+", " ", line) for line in lines)
    # A bar is padded to the length of the one drawn before, and so by how long a rate was.
    return "\n".join(re.sub(r"(\[~<~[^]]*]) ", r"\1", line) for line in bars)


@pytest.mark.parametrize(
    ("package", "more"),
    [
        ("lightning.pytorch", ", logger=L.loggers.CSVLogger('logs')"),
        ("pytorch_lightning", ", logger=False, profiler='simple', enable_progress_bar=False"),
    ],
    ids=["a logger and a bar", "a profiler"],
)
@pytest.mark.slow
def test_a_script_prints_and_leaves_what_it_does_without_steno(tmp_path, package, more):
    watched = ran(tmp_path, "watched", more, package)
    plain = ran(tmp_path, "plain", more, package)
    assert watched[2] == plain[2]
    assert _without_rates(watched[0]) == _without_rates(plain[0])
    assert _without_rates(watched[1]) == _without_rates(plain[1])
    steno.set_tracking_uri(f"sqlite:///{tmp_path}/runs.db")
    runs = steno.search_runs(output_format="list")
    assert [run.info.status for run in runs] == ["FINISHED"] * 2
    steno.set_tracking_uri("")


def _without_rates(text: str) -> list[str]:
    """The lines; of a profiler's table the names and counts of calls, but not the seconds, nor their order."""
    lines = [re.sub(r"[\d.e+-]+\s*$", "", line) for line in text.splitlines()]
    table = [" ".join(cells.split("|")[1:2] + cells.split("|")[3:4]) for cells in lines if cells.count("|") >= 5]
    return [line for line in lines if line.count("|") < 5] + sorted(table)
