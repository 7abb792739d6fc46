"""What logging a large model takes in memory beside the model itself, in time and on disk, and what a second one adds.

Run: python tests/benchmarks/large_models.py [--mb 2048] [flavor ...]
Each flavor is measured in a process of its own. The figure is the rise of the process's peak memory (VmHWM, which is
set back after the model is built) over what it held before the call.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any

MB = 1 << 20


def sklearn_model(mb: int) -> Any:
    """A linear model whose coefficients are one array of that size."""
    import numpy as np
    from sklearn.linear_model import Ridge

    model = Ridge().fit(np.zeros((2, 2)), np.zeros(2))
    model.coef_ = np.random.default_rng(0).random(mb * MB // 8)
    return model


def forest_model(mb: int) -> Any:
    """A forest of trees that hold one row a leaf; some 140 bytes a node."""
    import numpy as np
    from sklearn.tree import DecisionTreeRegressor

    rows = np.random.default_rng(0).random((max(100, mb * MB // 144), 1))
    return DecisionTreeRegressor(random_state=0).fit(rows, rows[::-1, 0])


def torch_model(mb: int) -> Any:
    """One layer whose weight is of that size."""
    import torch

    return torch.nn.Sequential(torch.nn.Linear(4096, mb * MB // 4 // 4096, bias=False))


def keras_model(mb: int) -> Any:
    """Layers of 16 MB: Keras holds the one that it writes twice."""
    import keras

    width = 2048 if mb >= 16 else 256
    layers = [keras.layers.Dense(width, use_bias=False) for _ in range(max(1, mb * MB // 4 // width**2))]
    return keras.Sequential([keras.Input((width,)), *layers])


def xgboost_model(mb: int) -> Any:
    """The trees of a small model, over and over."""
    import numpy as np
    import xgboost

    rng = np.random.default_rng(0)
    params = {"max_depth": 0, "grow_policy": "lossguide", "max_leaves": 4000, "min_child_weight": 0}
    small = xgboost.train(params, xgboost.DMatrix(rng.random((8000, 4)), rng.random(8000)), 4)
    with tempfile.NamedTemporaryFile(suffix=".ubj", dir=".") as file:
        _write_over_and_over(small.save_raw("ubj"), mb * MB, file)
        return xgboost.Booster(model_file=file.name)


def _write_over_and_over(model: bytearray, size_bytes: int, file: IO[bytes]) -> None:
    """Write a boosted model of one tree a round with its trees repeated; UBJSON's lengths are 64 bits, big-endian."""
    from steno_xgboost.model_spans import elements, members

    def inside(*names: bytes) -> tuple[int, int]:
        at = 0
        for name in names:
            at, end = members(model, at)[name]
        return at, end

    booster = (b"learner", b"gradient_booster", b"model")
    trees = [model[span.begin : span.end] for span in elements(model, inside(*booster, b"trees")[0])]
    count = max(1, size_bytes // len(model)) * len(trees)

    def length(number: int) -> bytes:
        return b"L" + number.to_bytes(8, "big")

    def numbered() -> Iterator[bytes]:
        yield b"[#" + length(count)
        for number in range(count):
            tree = trees[number % len(trees)]
            begin, end = members(tree, 0)[b"id"]
            yield bytes(tree[:begin]) + length(number) + bytes(tree[end:])

    def integers(values: Iterable[int], size: int) -> bytes:
        return b"[#" + length(size) + b"".join(map(length, values))

    digits = str(count).encode()
    parts: dict[tuple[int, int], Iterable[bytes]] = {
        inside(*booster, b"trees"): numbered(),
        inside(*booster, b"tree_info"): [integers([0] * count, count)],
        inside(*booster, b"iteration_indptr"): [integers(range(count + 1), count + 1)],
        inside(*booster, b"gbtree_model_param", b"num_trees"): [b"S" + length(len(digits)) + digits],
    }
    at = 0
    for (begin, end), pieces in sorted(parts.items(), key=lambda part: part[0]):
        file.write(model[at:begin])
        file.writelines(pieces)
        at = end
    file.write(model[at:])
    file.flush()


def pyfunc_model(mb: int) -> Any:
    """A function; its artifact is of that size."""

    def predict(inputs: list[float]) -> list[float]:
        return inputs

    with open("weights.bin", "wb") as file:
        for _ in range(mb):
            file.write(os.urandom(MB))
    return predict


MODELS: dict[str, Callable[[int], Any]] = {
    "sklearn": sklearn_model,
    "forest": forest_model,
    "pickle": sklearn_model,
    "torch": torch_model,
    "torch-program": torch_model,
    "keras": keras_model,
    "xgboost": xgboost_model,
    "pyfunc": pyfunc_model,
}


def status(key: str) -> int:
    """A line of /proc/self/status, in bytes."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key + ":"))
    return int(line.split()[1]) * 1024


def disk_bytes() -> int:
    """What the store takes, each file counted once."""
    files = {(about.st_dev, about.st_ino): about for about in (path.stat() for path in Path("stenoruns").rglob("*"))}
    return sum(about.st_blocks * 512 for about in files.values())


def measure(kind: str, mb: int) -> dict[str, float]:
    """Log a small model, so that everything is imported, then a large one, twice."""
    import steno

    given: dict[str, Any] = {"serialization_format": "cloudpickle"} if kind == "pickle" else {}
    log: Any = steno.log_model
    if kind == "torch-program":
        import numpy as np

        given = {"input_example": np.zeros((2, 4096), "float32"), "signature": False}
    if kind == "pyfunc":
        import steno.pyfunc

        given = {"artifacts": {"weights": "weights.bin"}}
        log = lambda model, **options: steno.pyfunc.log_model(python_model=model, **options)  # noqa: E731
    with steno.start_run():
        log(MODELS[kind](1), name="small", **given)
        model = MODELS[kind](mb)
        # What building it left free would otherwise be taken again unseen.
        gc.collect()
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")
        held, began = status("VmRSS"), time.perf_counter()
        log(model, name="model", **given)
        took, extra, once = time.perf_counter() - began, status("VmHWM") - held, disk_bytes()
        log(model, name="again", **given)
    return {
        "model_mb": once / MB,
        "log_s": took,
        "extra_mb": extra / MB,
        "second_adds_mb": (disk_bytes() - once) / MB,
    }


def in_a_process(kind: str, mb: int) -> dict[str, float]:
    """Measure in a fresh interpreter and an empty folder."""
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "TMPDIR": "."}
    with tempfile.TemporaryDirectory(prefix="steno-large-") as folder:
        command = [sys.executable, str(Path(__file__).resolve()), "--inside", "--mb", str(mb), kind]
        done = subprocess.run(
            command, cwd=folder, env=environ, capture_output=True, text=True, timeout=900, check=False
        )
    if done.returncode:
        raise RuntimeError(f"{kind}: {done.stderr[-2000:]}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def main() -> None:
    """Print one line per flavor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("flavors", nargs="*", default=list(MODELS))
    parser.add_argument("--mb", type=int, default=2048)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        print(json.dumps(measure(given.flavors[0], given.mb)))
        return
    print(f"{'':10s} {'model (MB)':>12s} {'log (s)':>10s} {'extra (MB)':>12s} {'second adds (MB)':>18s}")
    for kind in given.flavors:
        found = in_a_process(kind, given.mb)
        print(f"{kind:10s} {found['model_mb']:12.0f} {found['log_s']:10.1f} {found['extra_mb']:12.0f}", end="")
        print(f" {found['second_adds_mb']:18.1f}", flush=True)


if __name__ == "__main__":
    main()
