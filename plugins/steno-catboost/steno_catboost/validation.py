"""What is recorded round `catboost.cv`: means and deviations of every iteration, and a child run for each fold."""

from __future__ import annotations

import time
from collections.abc import Generator, Mapping
from typing import Any

from steno.contracts.integration import Call
from steno.records import Batch, RunChange, RunStart, RunStatus, Tags
from steno.tracking.deferred import deferred

from steno_catboost import data, params, series
from steno_catboost.train_dir import TrainDir

CV = (
    "iterations",
    "num_boost_round",
    "fold_count",
    "nfold",
    "inverted",
    "partition_random_seed",
    "seed",
    "shuffle",
    "stratified",
    "metric_update_interval",
    "type",
    *params.FIT,
)
_MOST_FOLDS = 100
_MOST_POINTS = 100_000
_TABLES = {"learn_error.tsv": "train", "test_error.tsv": "test"}


def cv(call: Call) -> Generator[None, Any, None]:
    """Record a cross-validation once it is over."""
    given = call.arguments
    chosen = given.get("params")
    call.run.log_params(params.texts({**(chosen if isinstance(chosen, Mapping) else {}), **params.of_call(given, CV)}))
    data.log_data(call, given)
    folder = TrainDir(chosen if isinstance(chosen, Mapping) else {})
    began_ms = folder.now_ms()
    with deferred.training():
        result = yield
    log_table(call, result[0] if isinstance(result, tuple) else result)
    _log_folds(call, folder, began_ms)


def log_table(call: Call, table: Any) -> None:
    """Record a table of a cross-validation, a frame or a dict of lists, column by column."""
    steps = [int(step) for step in table["iterations"]]
    names = [name for name in table if name != "iterations"]
    columns = [series.Column(series.key_of(*name.split("-", 1)), steps, list(table[name])) for name in names]
    times_ms = [time.time_ns() // 1_000_000] * (series.last_step(columns) + 1)
    call.run.log_points(series.points(columns, times_ms, 0, call.options.every_n_steps))


def _log_folds(call: Call, folder: TrainDir, began_ms: int) -> None:
    """Record each fold as a child, if CatBoost has written its tables; they hold ten digits."""
    count = 0
    for number in range(_MOST_FOLDS):
        found = {prefix: folder.table(file, f"fold-{number}") for file, prefix in _TABLES.items()}
        tables = {prefix: table for prefix, table in found.items() if table is not None}
        if not tables:
            return
        points = [
            (series.key_of(prefix, metric), step, value)
            for prefix, (steps, columns) in tables.items()
            for metric, values in columns.items()
            for step, value in zip(steps, values, strict=True)
        ]
        count += len(points)
        if count > _MOST_POINTS:
            why = f"the folds have more than {_MOST_POINTS} points; the rest was left out"
            call.run.set_tags({"steno.folds_cut": why})
            return
        call.run.add_child(_child(number, points, began_ms, folder.now_ms()))


def _child(number: int, points: list[tuple[str, int, float]], began_ms: int, now_ms: int) -> Batch:
    batch = Batch(start=RunStart("", f"fold {number}", began_ms, tags={Tags.AUTOLOGGING: "catboost"}))
    batch.params = {"fold": str(number)}
    for key, step, value in points:
        batch.add_metric(key, value, now_ms, step)
    batch.change = RunChange(RunStatus.FINISHED.value, now_ms)
    return batch
