"""Frameworks that meet in one training: it is one run, of the one that the user called."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter

import pytest
import steno
from steno.records import Tags

SETUP = """
import os, sys
import numpy as np
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(80, 4)).astype("float32")
y = (X[:, 0] > 0).astype("int64")
"""
TORCH_LOOP = """
import torch
def loop(steps=4):
    torch.manual_seed(0)
    net = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(net(torch.from_numpy(X)).squeeze(1), torch.from_numpy(y).float())
        loss.backward()
        optimizer.step()
    return net
"""
XGBOOST_SEARCH = """
from sklearn.model_selection import GridSearchCV
from xgboost import XGBClassifier
GridSearchCV(XGBClassifier(n_estimators=3, n_jobs=1), {"max_depth": [1, 2]}, cv=2).fit(X, y)
"""
LOOP_IN_AN_ESTIMATOR = f"""
{TORCH_LOOP}
from sklearn.base import BaseEstimator, ClassifierMixin
class Net(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.net_ = loop()
        return self
    def predict(self, X):
        return (self.net_(torch.from_numpy(X)).detach().numpy()[:, 0] > 0.5).astype("int64")
Net().fit(X, y)
"""
KERAS_ON_TORCH = """
os.environ["KERAS_BACKEND"] = "torch"
import keras
model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(X, y, epochs=2, verbose=0)
"""
LIGHTNING = """
import torch, lightning
class Net(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
    def training_step(self, batch, index):
        loss = torch.nn.functional.mse_loss(self.layer(batch[0]).squeeze(1), batch[1].float())
        self.log("train_loss", loss)
        return loss
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)
data = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(y))
trainer = lightning.Trainer(max_epochs=2, logger=False, enable_checkpointing=False, enable_progress_bar=False,
                            enable_model_summary=False, accelerator="cpu")
trainer.fit(Net(), torch.utils.data.DataLoader(data, batch_size=20))
"""
ONE_AFTER_THE_OTHER = f"""
import xgboost
from sklearn.linear_model import LogisticRegression
{TORCH_LOOP}
loop()
LogisticRegression().fit(X, y)
xgboost.train({{"nthread": 1}}, xgboost.DMatrix(X, y), 2)
loop()
"""

TRAININGS = {
    "a search over XGBoost's classifier": (XGBOOST_SEARCH, ["sklearn"]),
    "an estimator of the user's with a loop in its fit": (LOOP_IN_AN_ESTIMATOR, ["sklearn"]),
    "Keras on PyTorch": (KERAS_ON_TORCH, ["keras"]),
    "Lightning": (LIGHTNING, ["lightning"]),
    "four trainings of three frameworks": (ONE_AFTER_THE_OTHER, ["pytorch", "pytorch", "sklearn", "xgboost"]),
}


def run(script: str, folder) -> subprocess.CompletedProcess[str]:
    environ = os.environ | {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAININGS)
def test_each_training_is_one_run_of_its_framework(tmp_path, name):
    script, expected = TRAININGS[name]
    plain = run(f"{SETUP}{script}", tmp_path)
    watched = run(f"import steno; steno.autolog()\n{SETUP}{script}", tmp_path)
    assert plain.returncode == 0, plain.stderr
    assert (watched.returncode, watched.stdout, watched.stderr) == (0, plain.stdout, plain.stderr)
    steno.set_tracking_uri(f"sqlite:///{tmp_path}/stenoruns/steno.db")
    runs = steno.search_runs(output_format="list")
    steno.set_tracking_uri("")
    tops = [run for run in runs if Tags.PARENT_RUN_ID not in run.data.tags]
    assert Counter(run.data.tags[Tags.AUTOLOGGING] for run in tops) == Counter(expected)
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert all(run.data.metrics for run in runs)
