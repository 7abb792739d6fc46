"""The same model gives the same bytes, in any process and at any time, so that it can lie once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SKLEARN = """
import numpy as np, scipy.sparse as sp, sys
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from steno.models import load_model, save_model
padding = [object() for _ in range(int(sys.argv[1]))]
X = np.arange(40.0).reshape(20, 2)
model = make_pipeline(StandardScaler(), RandomForestClassifier(3, random_state=0)).fit(X, X[:, 0] > 9)
model.sparse_, model.columns_ = sp.csr_matrix(np.eye(9)), np.asfortranarray(X)
model.every_other_, model.none_ = np.arange(20)[::2], np.zeros((0, 3))
model.words_ = np.array(["a", None], dtype=object)
manifest = save_model(model, sys.argv[1])
loaded = load_model(sys.argv[1])
for name in ("columns_", "every_other_", "words_", "none_"):
    np.testing.assert_array_equal(getattr(loaded, name), getattr(model, name))
assert (loaded.sparse_ != model.sparse_).nnz == 0 and (loaded.predict(X) == model.predict(X)).all()
print(manifest.file_digests["model.skops"]["sha256"])
"""
KERAS = """
import os, sys
import keras, numpy as np
from steno.models import load_model, save_model
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
model.compile("adam", "mse")
manifest = save_model(model, sys.argv[1], flavor="keras")
X = np.ones((1, 3), "float32")
np.testing.assert_array_equal(load_model(sys.argv[1]).predict(X, verbose=0), model.predict(X, verbose=0))
print(manifest.file_digests["data/model.keras"]["sha256"])
"""


@pytest.mark.parametrize("script", [SKLEARN, pytest.param(KERAS, marks=pytest.mark.slow)], ids=["sklearn", "keras"])
def test_a_model_trained_twice_alike_is_written_alike(tmp_path, script):
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    seen = set()
    for number in ("1", "2000"):
        command = [sys.executable, "-W", "ignore", "-c", script, number]
        done = subprocess.run(
            command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=100, check=False
        )
        assert done.returncode == 0, done.stderr
        seen.add(done.stdout.split()[-1])
    assert len(seen) == 1
