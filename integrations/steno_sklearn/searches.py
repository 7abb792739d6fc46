"""Searches: every candidate a run of its own, with its folds' scores and times."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Generator, Mapping
from typing import Any

import numpy as np
from steno.autolog.params import show
from steno.contracts.integration import Call
from steno.records import Batch, RunChange, RunStart, RunStatus, Tags
from steno.tracking.deferred import deferred

from steno_sklearn import training
from steno_sklearn.params import tags_of

CV_RESULTS = "cv_results.csv"
_folds: dict[int, list[dict[str, Any]]] = {}


def search(call: Call) -> Generator[None, Any, None]:
    """Record a search, its best candidate as its own, and all candidates as children."""
    began_ms = time.time_ns() // 1_000_000
    data = training.before(call, deep=False)
    search = call.instance
    try:
        with deferred.training():
            yield
        folds = _folds.get(id(search), [])
    finally:
        _folds.pop(id(search), None)
    _best(call, search)
    results = search.cv_results_
    call.run.log_file(CV_RESULTS, _table(results))
    for child in children(search, results, folds, began_ms, call.options.extra.get("max_tuning_runs", -1)):
        call.run.add_child(child)
    if not hasattr(search, "best_estimator_"):
        return
    training.after(call, data, {"model": search, "best_estimator": search.best_estimator_})


def keep_folds(call: Call) -> Generator[None, Any, None]:
    """Keep what every fit of the search returned; with each rung of a halving search come all those before it."""
    out = call.arguments.get("out")
    if isinstance(out, list) and all(isinstance(fold, Mapping) for fold in out):
        _folds[id(call.instance)] = list(out)
    yield


def children(
    search: Any, results: Mapping[str, Any], folds: list[dict[str, Any]], began_ms: int, most: Any
) -> list[Batch]:
    """Return a whole run for each candidate, in the order of `cv_results_`.

    Args:
        search: The fitted search.
        results: Its `cv_results_`.
        folds: What each fit returned, candidate by candidate; empty where scikit-learn does not show it.
        began_ms: When the search began: candidates take its times, since theirs are not known.
        most: How many of the best to return; all where it is None or negative.
    """
    candidates = results["params"]
    given = {name: _numbers(values) for name, values in results.items() if not name.startswith("param")}
    columns = {name: values for name, values in given.items() if values is not None}
    tags = {**tags_of(search.estimator), Tags.AUTOLOGGING: "sklearn"}
    now_ms = time.time_ns() // 1_000_000
    splits = len(folds) // len(candidates) if candidates else 0
    found = []
    for index in _chosen(results, most):
        own = folds[index * splits : (index + 1) * splits]
        name = f"{tags['estimator_name']} {index}"
        batch = Batch(start=RunStart("", name, began_ms, tags=dict(tags)))
        batch.params = {key: show(value) for key, value in candidates[index].items()}
        for column, values in columns.items():
            batch.add_metric(column, values[index], now_ms)
        _add_folds(batch, own, now_ms)
        scores = [
            values[index] for column, values in columns.items() if column.startswith("split") and "_test_" in column
        ]
        batch.change = RunChange(_status(batch, own, scores), now_ms)
        found.append(batch)
    return found


def _best(call: Call, search: Any) -> None:
    best = getattr(search, "best_params_", None)
    if best is not None:
        call.run.log_params({f"best_{key}": show(value) for key, value in best.items()})
    score = getattr(search, "best_score_", None)
    if score is not None:
        call.run.log_metric("best_cv_score", float(score))


def _add_folds(batch: Batch, folds: list[dict[str, Any]], now_ms: int) -> None:
    """Add how long each fold really took, as a series over the folds."""
    for step, fold in enumerate(folds):
        for name in ("fit_time", "score_time"):
            if isinstance(fold.get(name), int | float):
                batch.add_metric(name, float(fold[name]), now_ms, step)


def _status(batch: Batch, folds: list[dict[str, Any]], scores: list[float]) -> str:
    """A candidate failed if a fit of it did; where that is not known, if it has no score at all."""
    errors = [fold["fit_error"] for fold in folds if fold.get("fit_error")]
    if errors:
        batch.tags[Tags.ERROR] = str(errors[0])[-7900:]
    failed = bool(errors) if folds else bool(scores) and bool(np.isnan(scores).all())
    return (RunStatus.FAILED if failed else RunStatus.FINISHED).value


def _chosen(results: Mapping[str, Any], most: Any) -> list[int]:
    count = len(results["params"])
    if not isinstance(most, int) or most < 0 or most >= count:
        return list(range(count))
    rank = next((values for name, values in results.items() if name.startswith("rank_test_")), None)
    order = np.arange(count) if rank is None else np.argsort(rank, kind="stable")
    return sorted(order[:most].tolist())


def _numbers(values: Any) -> list[float] | None:
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "biuf":
        return None
    return [float(value) for value in array]


def _table(results: Mapping[str, Any]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(results)
    for row in zip(*results.values(), strict=True):
        writer.writerow(["" if cell is np.ma.masked else cell for cell in row])
    return text.getvalue().encode()
