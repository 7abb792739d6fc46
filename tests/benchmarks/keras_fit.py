"""What autologging adds to a Keras training: beside the plain training, in one process, by turns.

usage: python tests/benchmarks/keras_fit.py [ROUNDS] [EPOCHS]
"""

from __future__ import annotations

import logging
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable

os.environ.update(TF_CPP_MIN_LOG_LEVEL="3", CUDA_VISIBLE_DEVICES="")

import keras
import numpy as np

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(2000, 20)).astype("float32")
y = (X @ RANDOM.normal(size=20) + RANDOM.normal(size=2000) > 0).astype("int64")


def fit(epochs: int = 60) -> None:
    """Train a small net, made afresh."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Input((20,)), keras.layers.Dense(16, "relu"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential(layers)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(X, y, epochs=epochs, batch_size=256, validation_split=0.2, verbose=0)


def measure(rounds: int, epochs: int) -> dict[str, list[tuple[float, float]]]:
    """Return (seconds, seconds of processor) of each training, way by way."""
    import steno

    switches: dict[str, Callable[[], None]] = {
        "plain": lambda: steno.autolog(disable=True),
        "without model": lambda: steno.autolog(log_models=False),
        "with model": lambda: steno.autolog(),
    }
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in switches}
    for turn in range(rounds + 1):
        ways = list(switches.items())
        for way, switch in ways if turn % 2 else reversed(ways):
            switch()
            began = time.perf_counter(), time.process_time()
            fit(epochs)
            if turn:
                found[way].append((time.perf_counter() - began[0], time.process_time() - began[1]))
            steno.flush()
    return found


def main() -> None:
    """Print the medians, the paired differences, and what the runs tell themselves."""
    import steno

    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    rounds, epochs = (int(word) for word in (*sys.argv[1:], *("5", "60")[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as folder:
        steno.set_tracking_uri(f"sqlite:///{folder}/runs.db")
        times = measure(rounds, epochs)
        plain = times["plain"]
        for way, found in times.items():
            added = [statistics.median(a[i] - b[i] for a, b in zip(found, plain, strict=True)) for i in (0, 1)]
            median = [statistics.median(each[i] for each in found) for i in (0, 1)]
            print(
                f"{way:14s} {median[0]:.3f} s, processor {median[1]:.3f} s; "
                f"added, paired: {added[0] * 1e3:+.0f} ms, processor {added[1] * 1e3:+.0f} ms",
                flush=True,
            )
        runs = steno.search_runs(output_format="list")
        told = [float(run.data.tags["steno.overhead_ms"]) for run in runs]
        print(f"overhead as its runs tell it: median {statistics.median(told):.1f} ms, most {max(told):.1f} ms")


if __name__ == "__main__":
    main()
