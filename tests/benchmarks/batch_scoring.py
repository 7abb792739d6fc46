"""How long engines take to score a million rows of 20 columns with a small model, beside MLflow's `spark_udf`.

Run: PEER=/path/to/python python tests/benchmarks/batch_scoring.py [ROWS]

Each way is a process of its own with a session of its own, two workers wide; they take turns, in another order each
round. PEER names an interpreter with MLflow and pyspark; an engine that is not installed is left out. The first turn,
in which workers start and load the model, is told apart; of the others, medians.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROUNDS = 7
COLUMNS = [f"c{number}" for number in range(20)]
PARTS = 8
Turn = Callable[[], float]


def prepare(folder: Path, rows: int) -> None:
    """Write the model, and the rows as Parquet files."""
    import numpy as np
    import pandas as pd
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from steno.models import infer_signature, save_model

    chance = np.random.default_rng(0)
    sample = pd.DataFrame(chance.normal(size=(1000, len(COLUMNS))), columns=COLUMNS)
    model = make_pipeline(StandardScaler(), LinearRegression()).fit(sample, sample.sum(axis=1))
    signature = infer_signature(sample, pd.Series(model.predict(sample)))
    save_model(model, folder / "model", signature=signature)
    (folder / "rows").mkdir()
    for part in range(PARTS):
        count = rows * (part + 1) // PARTS - rows * part // PARTS
        frame = pd.DataFrame(chance.normal(size=(count, len(COLUMNS))), columns=COLUMNS)
        frame.to_parquet(folder / "rows" / f"{part}.parquet", index=False)


def spark(folder: Path, library: str) -> Turn:
    """Spark on two cores, asked for the sum of the predictions."""
    import importlib

    from pyspark.sql import SparkSession, functions

    os.environ["PYSPARK_PYTHON"] = sys.executable
    settings = {"spark.ui.enabled": "false", "spark.driver.memory": "2g", "spark.sql.shuffle.partitions": "2"}
    builder = SparkSession.builder.master("local[2]")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    udf = importlib.import_module(f"{library}.pyfunc").spark_udf(
        session, str(folder / "model"), result_type="double", env_manager="local"
    )
    rows = session.read.parquet(str(folder / "rows"))
    scored = rows.select(udf(functions.struct(*COLUMNS)).alias("score"))
    return lambda: float(scored.agg(functions.sum("score")).first()[0])


def spark_by_steno(folder: Path) -> Turn:
    """steno's `spark_udf`."""
    return spark(folder, "steno")


def spark_by_mlflow(folder: Path) -> Turn:
    """MLflow's."""
    return spark(folder, "mlflow")


def no_model(batch: Any) -> Any:
    """Return the sum of the columns, which is what the model predicts: what Ray takes by itself."""
    return batch.sum(axis=1).to_frame("prediction")


def ray(folder: Path, predictor: Callable[..., Any] | None = None) -> Turn:
    """Ray with two workers."""
    import ray
    import ray.data
    import steno

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
    ray.data.DataContext.get_current().enable_progress_bars = False
    predictor = predictor or steno.pyfunc.ray_predictor(folder / "model")

    def turn() -> float:
        rows = ray.data.read_parquet(str(folder / "rows"), override_num_blocks=PARTS)
        scored = rows.map_batches(predictor, batch_format="pandas", batch_size=10_000)
        return sum(float(batch["prediction"].sum()) for batch in scored.iter_batches(batch_format="pandas"))

    return turn


def ray_alone(folder: Path) -> Turn:
    """The same without a model."""
    return ray(folder, no_model)


def dask(folder: Path) -> Turn:
    """Dask with two threads."""
    import steno
    from dask import dataframe

    rows = dataframe.read_parquet(folder / "rows")
    scored = steno.pyfunc.dask_map(rows, folder / "model")
    return lambda: float(scored.sum().compute(scheduler="threads", num_workers=2))


WAYS: dict[str, tuple[Callable[[Path], Turn], str]] = {
    "Spark, steno": (spark_by_steno, "pyspark"),
    "Spark, MLflow": (spark_by_mlflow, "pyspark, mlflow"),
    "Ray, steno": (ray, "ray.data"),
    "Ray, no model": (ray_alone, "ray.data"),
    "Dask, steno": (dask, "dask.dataframe"),
}


def work(way: str, folder: Path) -> None:
    """Take a turn for each line that comes in, and say how long it took and what came out."""
    turn = WAYS[way][0](folder)
    for _ in sys.stdin:
        began = time.perf_counter()
        total = turn()
        print(f"turn {time.perf_counter() - began} {total:.6f}", flush=True)


def start(way: str, folder: Path) -> subprocess.Popen[str] | None:
    """Start the process of a way, if its interpreter has what it needs."""
    python = os.environ.get("PEER", "") if "MLflow" in way else sys.executable
    if not python or subprocess.run([python, "-c", f"import {WAYS[way][1]}"], capture_output=True).returncode:
        print(f"{way}: not installed, left out")
        return None
    return subprocess.Popen(
        [python, "-W", "ignore", __file__, "--work", way, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=(folder / f"{way}.log").open("w"),
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYSPARK_PYTHON": python},
    )


def take(process: subprocess.Popen[str]) -> tuple[float, float]:
    """Let a process take a turn; return seconds and the sum of the predictions."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    line = next(each for each in process.stdout if each.startswith("turn "))
    _, seconds, total = line.split()
    return float(seconds), float(total)


def main(rows: int) -> None:
    """Measure, and print a line for each way."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        prepare(folder, rows)
        started = {way: start(way, folder) for way in WAYS}
        running = {way: process for way, process in started.items() if process is not None}
        try:
            found: dict[str, list[float]] = {way: [] for way in running}
            totals = {}
            for turn in range(ROUNDS + 1):
                for way in random.Random(turn).sample(list(running), len(running)):
                    seconds, totals[way] = take(running[way])
                    found[way].append(seconds)
        finally:
            for process in running.values():
                process.terminate()
                process.wait(timeout=60)
    assert max(totals.values()) - min(totals.values()) < 1e-3, totals
    for way, times in found.items():
        middle = statistics.median(times[1:])
        print(
            f"{way + ':':15s} first {times[0]:6.2f} s, then {middle:6.2f} s "
            f"({min(times[1:]):.2f} to {max(times[1:]):.2f}), {rows / middle / 1e6:.2f} million rows a second"
        )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--work"]:
        work(sys.argv[2], Path(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
