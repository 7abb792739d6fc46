"""A fit on a cluster is one run, as its client sees it, wherever the workers are."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("distributed")

SCRIPT = """
import sys, steno
steno.set_tracking_uri(sys.argv[1])
steno.autolog()
import dask.array, lightgbm, numpy as np
from distributed import Client, LocalCluster
with LocalCluster(n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
    with Client(cluster):
        X = dask.array.random.RandomState(0).random_sample((400, 4), chunks=(200, 4))
        y = (X[:, 0] > 0.5).astype(int)
        model = lightgbm.DaskLGBMClassifier(n_estimators=3, num_leaves=4, verbose=-1).fit(X, y, eval_set=[(X, y)])
steno.flush()
(run,) = steno.search_runs(output_format="list")
loaded, some = steno.load_model(f"runs:/{run.info.run_id}/model"), np.random.rand(9, 4)
same = (loaded.predict_proba(some) == model.to_local().predict_proba(some)).all()
points = len(steno.Client().get_metric_history(run.info.run_id, "valid_0-binary_logloss"))
print(run.info.run_name, run.info.status, run.data.metrics["num_boosted_rounds"], points, type(loaded).__name__, same)
"""


@pytest.mark.slow
def test_a_fit_on_a_cluster_is_one_run_with_its_model(tracking):
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, tracking]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert done.stdout.splitlines()[-1:] == ["DaskLGBMClassifier FINISHED 3.0 3 LGBMClassifier True"], done.stderr
