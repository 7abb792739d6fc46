"""Keras on the torch backend: the same record, and the torch loop inside it is none of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

SCRIPT = """
import json, sys
import numpy as np
import torch
if "watched" in sys.argv:
    import steno
    steno.set_tracking_uri("runs")
    steno.autolog()
import keras
from torch.utils.data import DataLoader, TensorDataset
keras.utils.set_random_seed(0)
X = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
y = (X[:, :1] > 0).astype("float32")
model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, "relu"), keras.layers.Dense(1, "sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
data = DataLoader(TensorDataset(torch.from_numpy(X), torch.from_numpy(y)), batch_size=16, shuffle=True)
history = model.fit(data, epochs=2, validation_data=(X, y), verbose=0, shuffle=False)
loss, _ = model.evaluate(X, y, verbose=0)
told = {"weights": [w.tolist() for w in model.get_weights()], "history": history.history, "loss": loss}
told["random"] = torch.get_rng_state().tolist()
if "watched" in sys.argv:
    (run,) = steno.search_runs(output_format="list")
    loaded = steno.keras.load_model(f"runs:/{run.info.run_id}/model")
    told["same"] = bool(np.array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0)))
    told["params"], told["metrics"], told["tags"] = run.data.params, run.data.metrics, run.data.tags
print(json.dumps(told))
"""


@pytest.mark.slow
def test_a_training_on_torch_is_one_run_and_is_what_it_is_without_steno(tmp_path):
    told = []
    for mode in ("plain", "watched"):
        environ = {**os.environ, "KERAS_BACKEND": "torch"}
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, mode],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        told.append(json.loads(done.stdout.splitlines()[-1]))
    plain, watched = told
    assert {name: watched[name] for name in plain} == plain
    assert watched["same"]
    assert watched["params"]["optimizer_name"] == "adam"
    assert watched["params"]["batch_size"] == "16"
    assert watched["metrics"]["evaluate_loss"] == plain["loss"]
    assert watched["metrics"]["loss"] == plain["history"]["loss"][-1]
    assert "steno.left_out" not in watched["tags"]
