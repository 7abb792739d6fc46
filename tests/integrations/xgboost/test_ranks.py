"""Processes that train one model together give one run, recorded by the first of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from xgboost.tracker import RabitTracker

from .conftest import only_run, series

WORKER = """
import json, sys
import numpy as np, steno, xgboost
from xgboost import collective
steno.set_tracking_uri(sys.argv[1])
steno.autolog()
with collective.CommunicatorContext(**json.loads(sys.argv[2])):
    X = np.random.default_rng(collective.get_rank()).normal(size=(80, 3))
    matrix, found = xgboost.DMatrix(X, (X[:, 0] > 0).astype(int)), {}
    params = {"objective": "binary:logistic", "nthread": 1}
    xgboost.train(params, matrix, 3, evals=[(matrix, "train")], evals_result=found, verbose_eval=False)
    print(collective.get_rank(), json.dumps(found["train"]["logloss"]))
"""


def test_two_processes_are_one_run(autolog, tracking):
    tracker = RabitTracker(n_workers=2, host_ip="127.0.0.1", timeout=60)
    tracker.start()
    given = json.dumps(tracker.worker_args() | {"dmlc_timeout": 60})
    command = [sys.executable, "-c", WORKER, tracking, given]
    environ = {**os.environ, "OMP_NUM_THREADS": "1"}
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, env=environ, text=True) for _ in range(2)]
    try:
        lines = [worker.communicate(timeout=60)[0].strip().splitlines()[-1] for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    told = dict(line.split(" ", 1) for line in lines)  # XGBoost itself says something before
    assert told.keys() == {"0", "1"}
    run = only_run()
    assert (run.info.run_name, run.info.status) == ("train", "FINISHED")
    assert series(run, "train-logloss") == json.loads(told["0"])
