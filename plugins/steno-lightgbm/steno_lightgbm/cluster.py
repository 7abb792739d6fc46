"""What is recorded round the fits of `lightgbm.dask`, seen from the client: the workers may be other processes."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from steno.autolog import keeping as models
from steno.autolog import provenance
from steno.contracts.integration import Call

from steno_lightgbm import importances, keeping, params, stopping
from steno_lightgbm.rounds import key_of


def fit(call: Call) -> Generator[None, Any, None]:
    """Record a fit on a cluster once it is over; data that lies there is not looked at.

    The scores are those of the worker whose model is returned, over its own part of the data.
    """
    model = call.instance
    call.run.log_params({key: value for key, value in params.of_estimator(model).items() if key != "client"})
    with models.training():
        yield
    booster = model.booster_
    call.run.log_metric("num_boosted_rounds", float(booster.current_iteration()))
    count = _log_rounds(call, model.evals_result_)
    values = {
        key_of(data, metric): value for data, scores in model.best_score_.items() for metric, value in scores.items()
    }
    stopping.record(call.run, booster.best_iteration, count, values)
    importances.record(call, booster)
    provenance.remember_trained(model, call.run)
    keeping.keep(call, model.to_local(), None)


def part(call: Call) -> Generator[None, Any, None]:
    """Record nothing of a worker's part of a training."""
    yield


def _log_rounds(call: Call, found: Any) -> int:
    count = 0
    for data, metrics in found.items():
        for metric, scores in metrics.items():
            count = max(count, len(scores))
            for step, score in enumerate(scores):
                if step % call.options.every_n_steps == 0 or step == len(scores) - 1:
                    call.run.log_metric(key_of(data, metric), float(score), step)
    return count
