"""What a training had measured when it was stopped by an error or by Ctrl-C: its tables on disk are all there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steno.autolog import contained
from steno.contracts.integration import Call

from steno_catboost import series
from steno_catboost.data import evaluation_sets
from steno_catboost.train_dir import TrainDir

FILES = {"learn_error.tsv": "learn", "test_error.tsv": "validation"}


@contained
def record(call: Call, folder: TrainDir, given: Mapping[str, Any], offset: int) -> None:
    """Record the iterations that were written down, in the ten digits of the tables."""
    sets = len(list(evaluation_sets(given.get("eval_set"))))
    times = folder.table("time_left.tsv")
    for file in FILES:
        table = folder.table(file)
        if table is None:
            continue
        steps, found = table
        columns = [
            series.Column(series.key_of(*_whose(name, FILES[file], sets)), steps, values)
            for name, values in found.items()
        ]
        count = series.last_step(columns) + 1
        known = folder.times_ms(len(times[0])) if times is not None and len(times[0]) >= count else None
        times_ms = known or [folder.now_ms()] * count
        call.run.log_points(series.points(columns, times_ms, offset, call.options.every_n_steps))


def _whose(column: str, data: str, sets: int) -> tuple[str, str]:
    """Return data set and metric of a column: of several sets all but the last are numbered, "AUC:0"."""
    if data == "learn" or sets < 2:
        return data, column
    metric, colon, number = column.rpartition(":")
    if colon and number.isdigit() and int(number) < sets - 1:
        return f"{data}_{number}", metric
    return f"{data}_{sets - 1}", column
