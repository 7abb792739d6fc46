"""What is recorded round a fit: params, data, every metric of every iteration, the best, importances, the model."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from steno.autolog import provenance
from steno.contracts.integration import Call
from steno.tracking.deferred import deferred

from steno_catboost import data, importances, keeping, params, sampling, series, stopped
from steno_catboost.train_dir import TrainDir

_inside: ContextVar[bool] = ContextVar("steno_catboost_fit", default=False)


def fit(call: Call) -> Generator[None, Any, None]:
    """Record a fit once it is over: while it runs, CatBoost gives nothing that would cost nothing.

    Inside another watched call (a pipeline's, a search's refit) it adds its series to that run; params, data and
    model are the outer call's to record.
    """
    if _inside.get():  # what a metric of the user's trains is part of the training
        yield
        return
    model, given = call.instance, call.arguments
    chosen = {**params.of_model(model), **params.of_call(given)}
    if call.outermost:
        call.run.log_params(params.texts(chosen))
        data.log_data(call, given)
    offset, folder = _trees(given.get("init_model")), TrainDir(chosen)
    try:
        with deferred.training(), _marked():
            yield
    except BaseException:
        stopped.record(call, folder, given, offset)
        raise
    if not model.is_fitted():
        return
    record(call, model, folder, offset)
    if call.outermost:
        call.run.log_params(params.settled(model, chosen))
        finish(call, model, given)


def record(call: Call, model: Any, folder: TrainDir, offset: int = 0) -> None:
    """Record what a training has measured, and what it says of its features."""
    settled, metadata = model.get_all_params(), model.get_metadata()
    period = _output_options(metadata).get("metric_period") or 1
    planned = int(settled.get("iterations") or 0)
    columns = series.columns_of(model.get_evals_result(), period, planned, metadata)
    last = series.last_step(columns)
    times_ms = folder.times_ms(last + 1) or [folder.now_ms()] * (last + 1)
    call.run.log_points(series.points(columns, times_ms, offset, call.options.every_n_steps))
    metrics, best = {"tree_count": float(model.tree_count_)}, model.best_iteration_
    if best is not None:
        metrics.update(_best(columns, best, settled), best_iteration=float(offset + best))
        if last + 1 < planned:
            metrics["stopped_iteration"] = float(offset + last)
    call.run.log_metrics(metrics)
    if best is not None and best < last and settled.get("use_best_model"):
        # Once more after the last: a table of last values then shows the model's.
        call.run.log_metrics(series.values_at(columns, best), offset + last + 1)
    importances.record(call, model)


def finish(call: Call, model: Any, given: Mapping[str, Any]) -> None:
    """Keep the model, and know which run it is of."""
    active = getattr(call.run, "active", None)
    if active is not None:
        provenance.remember_model(model, provenance.Origin(active))
    keeping.keep(call, model, sampling.sample_of(call, model, given))


def _best(columns: list[series.Column], best: int, settled: Mapping[str, Any]) -> dict[str, float]:
    """Return what the metric that decides was at best: of several evaluation sets, the last decides."""
    sets = [column.key.partition("-")[0] for column in columns if not column.key.startswith("learn-")]
    validation = [column for column in columns if sets and column.key.startswith(f"{sets[-1]}-")]
    decides = series.key_of(sets[-1], str(settled.get("eval_metric"))) if sets else ""
    chosen = [each for each in validation if each.key == decides] or validation[: len(validation) == 1]
    values = list(series.values_at(chosen, best).values())
    return {"best_score": values[0]} if values else {}


def _output_options(metadata: Any) -> dict[str, Any]:
    found = json.loads(metadata["output_options"]) if "output_options" in metadata.keys() else {}  # noqa: SIM118
    return found if isinstance(found, dict) else {}


def _trees(initial: Any) -> int:
    """Return how many trees a model has that training goes on with; a file is not opened for it."""
    count = getattr(initial, "tree_count_", None)
    return count if isinstance(count, int) else 0


@contextmanager
def _marked() -> Iterator[None]:
    before = _inside.set(True)
    try:
        yield
    finally:
        _inside.reset(before)
