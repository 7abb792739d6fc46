"""What autologging adds to a fit of scikit-learn: beside the plain fit, in one process, by turns.

usage: python tests/benchmarks/sklearn_fit.py [small|grid|forest] ...
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
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(20_000, 20)).astype("float32")
y = (X @ RANDOM.normal(size=20) + RANDOM.normal(size=20_000) > 0).astype("int64")
GRID = {"C": [0.01, 0.1, 1, 10, 100]}

JOBS: dict[str, tuple[Callable[[], object], int, int]] = {
    # (job, rounds, fits a round)
    "small": (lambda: LogisticRegression(max_iter=200).fit(X[:500], y[:500]), 20, 10),
    "grid": (lambda: GridSearchCV(LogisticRegression(max_iter=200), GRID, cv=5).fit(X[:2000], y[:2000]), 10, 2),
    "forest": (lambda: RandomForestClassifier(60, n_jobs=1, random_state=0).fit(X, y), 3, 1),
}
WAYS: dict[str, Callable[[], None]] = {
    "plain": lambda: steno.autolog(disable=True),
    "without model": lambda: steno.autolog(log_models=False),
    "with model": lambda: steno.autolog(),
}


def measure(job: Callable[[], object], rounds: int, fits: int) -> dict[str, float]:
    """Return the median milliseconds of one fit, way by way."""
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    for turn in range(rounds + 1):
        for way, switch in WAYS.items():
            switch()
            job()  # the first fit after a switch pays for it
            steno.flush()
            began = time.perf_counter()
            for _ in range(fits):
                job()
            if turn:
                found[way].append((time.perf_counter() - began) / fits * 1000)
            steno.flush()
    return {way: statistics.median(times) for way, times in found.items()}


def main() -> None:
    """Print one line per job."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        steno.set_tracking_uri(f"sqlite:///{folder}/runs.db")
        for name in sys.argv[1:] or JOBS:
            times = measure(*JOBS[name])
            plain = times.pop("plain")
            added = ", ".join(f"{way} +{ms - plain:.1f} ms" for way, ms in times.items())
            print(f"{name:7s} plain {plain:.1f} ms, {added}", flush=True)


if __name__ == "__main__":
    main()
