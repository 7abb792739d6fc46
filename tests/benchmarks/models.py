"""How long it takes to save, inspect and load models, in milliseconds: the median and the slowest of many.

Run: python tests/benchmarks/models.py
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from steno.models import infer_signature, load_model, load_pyfunc, save_model, untrusted_types

REPEATS = 50


def timed(call: Callable[[int], Any]) -> str:
    """Return median and maximum over the repeats, after one call that warms imports and caches."""
    call(-1)
    taken = []
    for number in range(REPEATS):
        start = time.perf_counter()
        call(number)
        taken.append(1e3 * (time.perf_counter() - start))
    return f"{statistics.median(taken):8.2f} {max(taken):8.2f}"


def main() -> None:
    """Print one line per model and operation."""
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(500, 10)), columns=list("abcdefghij"))
    y = (X["a"] > 0).astype(int)
    models = {
        "LogisticRegression": LogisticRegression(),
        "pipeline": make_pipeline(StandardScaler(), LogisticRegression()),
        "forest of 100": RandomForestClassifier(100, random_state=0),
    }
    print(f"{'milliseconds':40s} {'median':>8s} {'max':>8s}")
    for name, model in models.items():
        model.fit(X, y)
        signature = infer_signature(X, model.predict(X))
        with tempfile.TemporaryDirectory() as scratch:
            place = Path(scratch)

            def save(number: int, model: Any = model, place: Path = place, signature: Any = signature) -> None:
                save_model(model, place / str(number), signature=signature)

            print(f"{name + ': save':40s} {timed(save)}")
            print(f"{name + ': list its types':40s} {timed(lambda _, place=place: untrusted_types(place / '0'))}")
            print(f"{name + ': load':40s} {timed(lambda _, place=place: load_model(place / '0'))}")
            loaded = load_pyfunc(place / "0")
            print(f"{name + ': predict one row':40s} {timed(lambda _, m=loaded: m.predict(X[:1]))}")
            print(f"{name + ': predict one row, bare':40s} {timed(lambda _, m=model: m.predict(X[:1]))}")
        print(f"{name + ': infer its signature':40s} {timed(lambda _: infer_signature(X, y.to_numpy()))}")


if __name__ == "__main__":
    main()
