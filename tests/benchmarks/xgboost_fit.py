"""What autologging adds to `xgboost.train`: plain, without model and with model, by turns in one process.

usage: python tests/benchmarks/xgboost_fit.py [ROUNDS]

Besides wall time it gives the CPU time of the training thread, which a busy machine disturbs less.
"""

from __future__ import annotations

import logging
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable

import numpy as np
import steno
import xgboost

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(20_000, 20)).astype("float32")
y = (X @ RANDOM.normal(size=20) + RANDOM.normal(size=20_000) > 0).astype("int64")
PARAMS = {"objective": "binary:logistic", "eval_metric": ["logloss", "auc"], "max_depth": 3, "nthread": 1}

WAYS: dict[str, Callable[[], None]] = {
    "plain": lambda: steno.autolog(disable=True),
    "without model": lambda: steno.autolog(log_models=False, silent=True),
    "with model": lambda: steno.autolog(silent=True),
}


def job() -> None:
    """The job of 300 rounds and two metrics."""
    matrix = xgboost.DMatrix(X, y)
    xgboost.train(PARAMS, matrix, 300, evals=[(matrix, "train")], verbose_eval=False)


def measure(rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Return (wall, thread CPU) seconds of each fit, way by way; the order changes each round."""
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    for turn in range(rounds + 1):
        ways = list(WAYS)
        for way in ways[turn % 3 :] + ways[: turn % 3]:
            WAYS[way]()
            steno.flush()
            cpu, wall = time.thread_time(), time.perf_counter()
            job()
            took = time.perf_counter() - wall, time.thread_time() - cpu
            if turn:  # the first fit of each way imports what it needs
                found[way].append(took)
    return found


def main() -> None:
    """Print one line per way."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        steno.set_tracking_uri(f"sqlite:///{folder}/runs.db")
        found = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
        steno.autolog(disable=True)
        steno.flush()
    plain = found.pop("plain")
    for number, clock in enumerate(("wall", "thread CPU")):
        usual = statistics.median(times[number] for times in plain)
        print(f"{clock}: plain {usual * 1000:.0f} ms")
        for way, all_times in found.items():
            pairs = zip(all_times, plain, strict=True)
            added = statistics.median(times[number] - before[number] for times, before in pairs)
            print(f"  {way} +{added * 1000:.1f} ms, {100 * added / usual:+.2f} %")


if __name__ == "__main__":
    main()
