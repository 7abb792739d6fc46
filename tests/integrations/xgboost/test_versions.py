"""Versions of XGBoost that are not supported are left alone, and that is said."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import importlib.metadata as metadata, sys
found = metadata.version
metadata.version = lambda name: "1.7.6" if name == "xgboost" else found(name)
import steno
from steno.autolog import switch
steno.set_tracking_uri(sys.argv[1])
steno.autolog()
import numpy as np, xgboost
X = np.arange(40.0).reshape(20, 2)
booster = xgboost.train({"nthread": 1}, xgboost.DMatrix(X, X[:, 0]), 2)
steno.flush()
print(booster.num_boosted_rounds(), len(steno.search_runs(output_format="list")), switch.states()["xgboost"])
"""


def test_an_old_version_trains_as_ever_and_is_told(tracking):
    command = [sys.executable, "-c", SCRIPT, tracking]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "2 0 needs xgboost>=2.1, found 1.7.6"
    assert "xgboost is not watched: needs xgboost>=2.1, found 1.7.6" in done.stderr
